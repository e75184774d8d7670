"""Workers change nothing but the time; a killed process leaves nothing behind under the final name."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import wait_for_the_session_to_end
from PIL import Image

from inpaint_cli.data.pool import map_in_order
from inpaint_cli.data.preparing import prepare_file
from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.data.recipes import load_recipe
from inpaint_cli.errors import EnvironmentFault

REPOSITORY = Path(__file__).parents[2]
REAL = REPOSITORY.parent / "shared" / "data"


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(120):
        Image.fromarray(random.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    (folder / "note.txt").write_text("no image")
    return folder


def prepare(source, output, **options):
    recipe, text = load_recipe("folder")
    return prepare_file(recipe.resized(32), text, source, output, **options)


def test_one_worker_two_and_three_write_the_same_bytes(tree, tmp_path):
    for workers in (1, 2, 3):
        made = prepare(tree, tmp_path / f"{workers}.h5", workers=workers)
        assert made.skipped.count == 1
    assert len({(tmp_path / f"{workers}.h5").read_bytes() for workers in (1, 2, 3)}) == 1


def kill_this_process(number):
    os.kill(os.getpid(), signal.SIGKILL)


def double(number):
    return 2 * number


def test_a_killed_worker_is_one_clear_message():
    with pytest.raises(EnvironmentFault, match="--workers 1"):
        list(map_in_order(kill_this_process, [(1,), (2,)], workers=2))


def test_results_keep_the_order_and_tasks_are_drawn_as_they_are_needed():
    drawn = []

    def tasks():
        for number in range(100):
            drawn.append(number)
            yield (number,)

    results = map_in_order(double, tasks(), workers=2)
    assert next(results) == ((0,), 0) and len(drawn) <= 8
    assert [result for _, result in results] == [2 * number for number in range(1, 100)]


SLOW_PREPARE = """
import sys
from pathlib import Path
from inpaint_cli.data.preparing import prepare_file
from inpaint_cli.data.recipes import load_recipe
if __name__ == "__main__":
    recipe, text = load_recipe("folder")
    print("started", flush=True)
    prepare_file(recipe.resized(512), text, Path(sys.argv[1]), Path(sys.argv[2]), workers=2, overwrite=True)
"""


@pytest.mark.parametrize("wait", [0.0, 0.4, 0.8, 1.2])
def test_kill_9_leaves_the_old_file_and_ends_the_workers(tree, tmp_path, wait):
    (tmp_path / "slow.py").write_text(SLOW_PREPARE)
    output = tmp_path / "a.h5"
    prepare(tree, output)
    before = output.read_bytes()
    command = [sys.executable, str(tmp_path / "slow.py"), str(tree), str(output)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, start_new_session=True)
    process.stdout.readline()
    time.sleep(wait)
    killed = process.poll() is None
    process.kill()
    process.wait()
    if killed and output.read_bytes() != before:
        PreparedFile(output).verify()  # the kill came after the rename: the new file is whole
    wait_for_the_session_to_end(process.pid)


@pytest.mark.skipif(not (REAL / "celeba").is_dir(), reason="the real data are not here")
def test_a_part_of_the_real_celeba(tmp_path):
    recipe, text = load_recipe("celeba-96")
    made = prepare_file(recipe, text, REAL / "celeba", tmp_path / "a.h5", limit=50)
    assert made.rows == {"train": 50, "validation": 50, "test": 50} and made.without_image == 2000
    assert made.labels == ("attributes", "labels") and made.file.label_names["attributes"][20] == "Male"


@pytest.mark.skipif(not (REAL / "mnist").is_dir(), reason="the real data are not here")
def test_a_part_of_the_real_mnist(tmp_path):
    recipe, text = load_recipe("mnist-96")
    made = prepare_file(recipe, text, REAL / "mnist", tmp_path / "a.h5", limit=20)
    assert made.rows == {"train": 20, "validation": 20, "test": 20} and made.file.shape == (1, 96, 96)
    assert made.file.split("test").labels["labels"][:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    images = made.file.split("train").images
    assert images[:, 8:88, 8:88].mean() > 3 * images[:, :8].mean()  # digits in the middle
