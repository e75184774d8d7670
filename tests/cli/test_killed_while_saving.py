"""SIGKILL while checkpoints are written: nothing is lost, and the run ends as if nothing had been."""

import json
import os
import subprocess
import sys

import pytest
from conftest import REPOSITORY, learned
from killing import OPTIONS, STEPS

import inpaint_cli

KILLS = 200


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_two_hundred_kills_while_checkpoints_are_written_lose_nothing(prepared, tmp_path):
    run, straight = tmp_path / "run", tmp_path / "straight"
    command = [sys.executable, REPOSITORY / "tests" / "cli" / "killing.py", prepared, run, str(KILLS)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    print(found)
    assert found["problems"] == [] and found["lost"] == 0, (
        "every file under its final name is whole, and the newest stays"
    )
    assert found["half"] > KILLS / 10 and 0 < found["reached"] < STEPS
    for path in (run, straight):
        inpaint_cli.train("deep-l2", prepared, path, steps=STEPS, checkpoint_every=STEPS, resume=True, **OPTIONS)
    name = f"checkpoints/step-{STEPS:08d}.safetensors"
    assert (run / name).read_bytes() == (straight / name).read_bytes()
    assert learned(run) == learned(straight)
    assert not list(run.rglob("*.part*"))
