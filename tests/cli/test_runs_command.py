"""`inpaint runs` lists what was trained, from its files alone."""

import json
import shutil
import subprocess
import sys

import pytest
from conftest import inpaint

import inpaint_cli
from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.errors import InputError


@pytest.fixture
def folder(trained, tmp_path):
    """A finished run, one that stopped, one whose run.json is none, and something else."""
    for name in ("finished", "later/stopped", "damaged"):
        shutil.copytree(trained, tmp_path / name, ignore=shutil.ignore_patterns("checkpoints", "samples"))
    configuration = json.loads((tmp_path / "finished" / "run.json").read_text())
    more = {**configuration, "steps": configuration["steps"] + 5}
    (tmp_path / "later" / "stopped" / "run.json").write_text(json.dumps(more))
    with (tmp_path / "later" / "stopped" / "metrics.jsonl").open("a") as file:
        for step, error in ((1, 0.5), (2, 0.25), (3, 0.75)):
            file.write(json.dumps({"step": configuration["steps"] + step, "validation": error}) + "\n")
    (tmp_path / "damaged" / "run.json").write_text("{")
    (tmp_path / "other").mkdir()
    return tmp_path


def test_runs_are_listed_with_step_state_and_best_validation(folder):
    found = {entry.path.name: entry for entry in inpaint_cli.runs(folder)}
    steps = found["finished"].steps
    assert found["finished"].state == "finished" and found["finished"].step == steps
    assert found["finished"].method == "mde" and found["finished"].validation is None
    stopped = found["stopped"]
    assert (stopped.state, stopped.step, stopped.steps, stopped.validation) == ("stopped", steps + 3, steps + 5, 0.25)
    assert found["damaged"].state == "damaged" and "not a run.json" in found["damaged"].problem and len(found) == 3


def test_the_table_names_them_by_their_place_and_the_newest_first(folder):
    result = inpaint("runs", folder)
    assert result.exit_code == 0 and "\x1b" not in result.stdout
    title, *rows = result.stdout.splitlines()
    assert title.split() == ["run", "method", "data", "step", "state", "best", "changed"]
    assert {row.split()[0] for row in rows[:3]} == {"finished", "later/stopped", "damaged"}
    assert any(row.split()[4:6] == ["stopped", "0.25"] for row in rows) and "not a run.json" in rows[3]
    plain = json.loads(inpaint("runs", folder, "--json").stdout)
    assert [entry["changed"] for entry in plain] == sorted((entry["changed"] for entry in plain), reverse=True)


def test_a_run_that_is_held_is_being_trained_and_asking_does_not_keep_anyone_out(folder):
    run = RunDirectory(folder / "finished")
    with run.locked():
        states = {entry.path.name: entry.state for entry in inpaint_cli.runs(folder)}
        assert states["finished"] == "training" and states["stopped"] == "stopped"
    with run.locked():  # nobody holds it any more
        pass


def test_no_folder_and_no_runs(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        inpaint_cli.runs(tmp_path / "nowhere")
    assert "no runs in" in inpaint("runs", tmp_path).stdout


def test_torch_is_not_needed(folder):
    listed = f"import sys, inpaint_cli; inpaint_cli.runs({str(folder)!r}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", listed], check=False).returncode == 0
