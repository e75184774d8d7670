"""A disk or a limit that is too small, and kill -9 at any moment: one message, and never half a file."""

import random
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import wait_for_the_session_to_end
from PIL import Image

from inpaint_cli.data.writer import spooling
from inpaint_cli.errors import EnvironmentFault

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noise")
    generator = np.random.default_rng(0)
    for number in range(120):
        Image.fromarray(generator.integers(0, 256, (60, 60, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


def start(tree, output, **options):
    command = [sys.executable, "-m", "inpaint_cli", "prepare", "folder", "--source", str(tree), "-o", str(output)]
    command += ["--size", "256", "--workers", "2", "--overwrite", "-q"]
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY, start_new_session=True, **options
    )


@pytest.mark.slow
@pytest.mark.parametrize("count", [4, pytest.param(20, marks=pytest.mark.long)])
def test_kill_9_at_any_moment_leaves_the_old_file_or_the_new_one(tree, tmp_path, count):
    output = tmp_path / "a.h5"
    begun = time.monotonic()
    assert start(tree, output).wait() == 0
    whole, duration = output.read_bytes(), time.monotonic() - begun
    moments = random.Random(count)
    for _ in range(count):
        output.write_bytes(b"the old file")
        process = start(tree, output)
        time.sleep(moments.uniform(0, duration))
        process.kill()
        process.communicate()
        wait_for_the_session_to_end(process.pid)
        assert output.read_bytes() in (b"the old file", whole)
        assert all(path.match(".a.*.part") for path in tmp_path.iterdir() if path != output)
    assert start(tree, output).wait() == 0 and output.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [output]


def test_a_limit_on_the_size_of_files_is_found_before_work(tree, tmp_path):
    process = start(
        tree, tmp_path / "a.h5", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    )
    message = process.communicate()[1]
    assert process.returncode == EnvironmentFault.exit_code and "ulimit -f" in message
    assert len(message.strip().splitlines()) == 1 and list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_of_three_megabytes_is_found_too_small_before_work(tree, small_disk):
    process = start(tree, small_disk / "a.h5")
    message = process.communicate()[1]
    assert process.returncode == EnvironmentFault.exit_code and "are free" in message
    assert len(message.strip().splitlines()) == 1 and list(small_disk.iterdir()) == []


def test_a_disk_that_fills_up_while_rows_are_written_ends_in_one_message(small_disk):
    with pytest.raises(EnvironmentFault, match="No space left"), spooling(small_disk / "a.h5") as spools:
        for row in range(100):
            spools["train"].append(str(row), {"images": np.zeros((128, 128, 3), np.uint8)})
    assert list(small_disk.iterdir()) == []
