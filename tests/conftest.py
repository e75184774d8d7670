"""Small prepared files and a way to run the program, shared by all tests."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

# Machines are shared: one thread each for the workers, who inherit this, and for the processes that tests start; of as
# many threads as another the same training has the same bits.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in the program itself
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # begun in a shell's background: what tests start hears it
    signal.signal(signal.SIGINT, signal.default_int_handler)

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

REPOSITORY = Path(__file__).parents[1]
# A conftest.py of their own would hide this one, which tests import.
pytest_plugins = ("data_fixtures",)


def smooth_pictures(count: int, size: int, seed: int = 0) -> list[np.ndarray]:
    """Pictures with something to learn: a few blurred colours, uint8 [size, size, 3] each."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    return [np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC)) for picture in coarse]


def pytest_collection_modifyitems(items):
    """What takes long begins first, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """A folder of 60 PNG files, 40×40."""
    folder = tmp_path_factory.mktemp("pictures")
    for number, picture in enumerate(smooth_pictures(60, 40)):
        Image.fromarray(picture).save(folder / f"picture_{number:02d}.png")
    return folder


@pytest.fixture(scope="session")
def prepared(pictures, tmp_path_factory) -> Path:
    """A prepared file of 32×32 colour images with three splits."""
    path = tmp_path_factory.mktemp("prepared") / "pictures.h5"
    result = inpaint("prepare", "folder", "--source", pictures, "-o", path, "--size", "32", "--workers", "1", "-q")
    assert result.exit_code == 0, result.stderr
    return path


@pytest.fixture(scope="session")
def trained(prepared, tmp_path_factory) -> Path:
    """The run directory of a small MDE after four steps."""
    run = tmp_path_factory.mktemp("runs") / "mde"
    result = inpaint(*train_arguments(prepared, run), "--steps", 4)
    assert result.exit_code == 0, result.stderr
    return run


@pytest.fixture
def photo(tmp_path) -> Path:
    """A smooth colour photo of 70×90 pixels."""
    path = tmp_path / "photo.png"
    Image.fromarray(smooth_pictures(1, 90, seed=5)[0][:, :70]).save(path)
    return path


@pytest.fixture
def mask(tmp_path) -> Path:
    """A mask for that photo: a hole of 25×20 pixels."""
    hole = np.zeros((90, 70), np.uint8)
    hole[30:50, 20:45] = 255
    path = tmp_path / "mask.png"
    Image.fromarray(hole).save(path)
    return path


def pixels(path: Path) -> np.ndarray:
    """What an image file holds."""
    return np.asarray(Image.open(path))


def train_arguments(data: Path, run: Path) -> list:
    """`inpaint train` of a small MDE, without its number of steps."""
    return [
        "train", "--method", "mde", "--data", data, "--outdir", run, "--masks", "rec:0.3", "--batch", 4,
        "--device", "cpu", "--set", "width=4", "--set", "perceptual=0", "-q",
    ]  # fmt: skip


def learned(run: Path) -> list[dict]:
    """The rows of metrics.jsonl without what depends on the machine's time."""
    from inpaint_cli.records.runs import is_fact

    rows = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [{name: value for name, value in row.items() if not is_fact(name)} for row in rows]


def inpaint(*arguments):
    """Run the command in this process; `.exit_code`, `.stdout`, `.stderr`."""
    from inpaint_cli.cli.main import app

    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def inpaint_process(*arguments, **environment: str) -> SimpleNamespace:
    """Run the command as a user does, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "inpaint_cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        timeout=300,
    )
    return SimpleNamespace(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)


def wait_for_the_session_to_end(session: int) -> None:
    """Fail the test when processes of a session are still there ten seconds from now."""
    for _ in range(100):
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("worker processes outlived the process that started them")
