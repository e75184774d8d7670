"""Headers, run.json, metrics, results and recipes that were edited at random: one message, or they are taken."""

import json
import os
import subprocess
import sys
from pathlib import Path

import edited_files
import pytest
from conftest import REPOSITORY, inpaint

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def folder(prepared, tmp_path_factory):
    return edited_files.prepare(tmp_path_factory.mktemp("edited"), prepared, inpaint, REPOSITORY / "data_recipes")


@pytest.mark.parametrize("start", range(0, 60, 12))
def test_some_edits(folder, start, monkeypatch):
    monkeypatch.chdir(folder)
    files = edited_files.Files(folder)
    wrong = [edited_files.tried(files, number, seed=1) for number in range(start, start + 12)]
    assert not any(wrong), "\n".join(filter(None, wrong))


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_two_thousand_edits_without_a_traceback_in_less_than_a_gigabyte_and_five_seconds_each(folder):
    places = os.pathsep.join(str(path) for path in (REPOSITORY, HERE.parent, HERE))
    done = subprocess.run(
        [sys.executable, HERE / "edited_files.py", folder, "2000", "0"], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": places, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert not found["wrong"], f"{len(found['wrong'])}\n" + "\n".join(found["wrong"][:20])
    assert found["peak"] < 1024, "MiB"
