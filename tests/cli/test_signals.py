"""Signals and lost processes, with real ones: what was trained is saved, and the last line says how to go on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import REPOSITORY, inpaint
from ranks import ranks

from inpaint_cli.engine.checkpoints import find_checkpoint

STEPS = 150  # so many that a signal comes before the last one, on a busy machine, too
HANGS = 300  # seconds in which a process says nothing: on a busy machine two of them take long to begin


def arguments(data, run, steps=STEPS):
    return [
        "train", "--method", "deep-l2", "--data", data, "--outdir", run, "--set", "width=8", "--set", "bottleneck=16",
        "--batch", 4, "--device", "cpu", "--checkpoint-every", 1000, "--sample-every", 1000, "--steps", steps,
    ]  # fmt: skip


class Training:
    """`inpaint train` in a process of its own, or in several."""

    def __init__(self, data, run, *more, steps=STEPS):
        self.run = run
        command = [sys.executable, "-m", "inpaint_cli", *map(str, arguments(data, run, steps)), *more]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}
        self.process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True, env=environment)

    @property
    def rows(self):
        path = self.run / "metrics.jsonl"
        return path.read_text().count("\n") if path.exists() else 0

    def reaches(self, rows):
        begun = time.monotonic()
        while self.rows < rows:
            if time.monotonic() - begun > HANGS:
                self.process.send_signal(signal.SIGABRT)  # it says where its threads are
            assert self.process.poll() is None, self.process.communicate(timeout=HANGS)[1]
            time.sleep(0.01)
        return self

    def ranks(self):
        return ranks(self.process.pid)

    def ends(self, within=HANGS):
        """Its exit code and what it said, without progress."""
        said = self.process.communicate(timeout=within)[1].splitlines()
        return self.process.returncode, [line for line in said if not line.startswith("step ")]


def saved(run):
    return find_checkpoint(run).header.step


def names(run):
    return {path.name for path in (run / "checkpoints").iterdir()}


def how_to_go_on(run, processes=1):
    more = f" --gpus {processes} --device cpu" if processes > 1 else ""
    return f"To go on: inpaint train --method deep-l2 --outdir {run} --resume{more}"


def assert_straight(prepared, run, tmp_path):
    """Resumed to its end the run is, byte for byte, one that nothing happened to, with as many threads."""
    for folder, option in ((run, "--resume"), (tmp_path / "straight", "-q")):
        assert Training(prepared, folder, option).ends()[0] == 0
    name = f"checkpoints/step-{STEPS:08d}.safetensors"
    assert (run / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [*range(1, STEPS + 1)]


def test_sigusr1_saves_and_goes_on_and_sigterm_saves_and_ends_each_within_a_step(prepared, tmp_path):
    training = Training(prepared, tmp_path / "run").reaches(3)
    moments = []
    for number in (signal.SIGUSR1, signal.SIGTERM):
        training.process.send_signal(signal.SIGSTOP)  # so that what is done is known when the signal comes
        time.sleep(0.05)
        moments.append(training.rows)
        training.process.send_signal(number)
        training.process.send_signal(signal.SIGCONT)
        training.reaches(moments[0] + 3)
    code, said = training.ends()
    assert code == 143
    first, last = sorted(int(name[5:13]) for name in names(tmp_path / "run"))
    assert moments[0] <= first <= moments[0] + 1 and moments[1] <= last <= moments[1] + 1
    assert said[0] == f"note: saved after step {first}, as SIGUSR1 asks; it goes on"
    assert said[-1].startswith(f"inpaint: stopped by SIGTERM after step {last}; the last checkpoint is {tmp_path}")
    assert said[-1].endswith(how_to_go_on(tmp_path / "run")) and len(said) == 2
    assert_straight(prepared, tmp_path / "run", tmp_path)


def test_ctrl_c_is_answered_at_once_and_the_last_line_says_how_to_go_on(prepared, tmp_path):
    training = Training(prepared, tmp_path / "run", steps=100_000).reaches(2)
    training.process.send_signal(signal.SIGINT)
    code, said = training.ends()
    assert code == 130 and said[0].startswith("note: stopping after this step")
    assert said[-1].startswith("inpaint: stopped by SIGINT after step") and how_to_go_on(tmp_path / "run") in said[-1]
    assert saved(tmp_path / "run") == training.rows


def test_a_second_ctrl_c_ends_at_once_and_says_what_is_left(prepared, tmp_path, monkeypatch):
    from inpaint_cli.engine import training

    whole = training.take_step

    def interrupted(learner, stream):
        if learner.step == 2:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        return whole(learner, stream)

    monkeypatch.setattr(training, "take_step", interrupted)
    result = inpaint(*arguments(prepared, tmp_path / "run"), "--checkpoint-every", 1)
    assert result.exit_code == 130 and "Traceback" not in result.stderr
    assert "without saving the step in hand; the last checkpoint is" in result.stderr
    assert how_to_go_on(tmp_path / "run") in result.stderr and saved(tmp_path / "run") == 2


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_the_others_saved_with_one_message_the_first_cause(prepared, tmp_path, rank):
    training = Training(prepared, tmp_path / "run", "--gpus", "2", steps=100_000).reaches(5)
    processes = training.ranks()
    os.kill(processes[rank], signal.SIGKILL)
    done, begun = training.rows, time.monotonic()
    code, said = training.ends()
    assert code == 137 and time.monotonic() - begun < 30
    assert len(said) == 1 and said[0].startswith(f"inpaint: process {rank} of 2 was ended by SIGKILL")
    assert said[0].endswith(how_to_go_on(tmp_path / "run", processes=2))
    assert done <= saved(tmp_path / "run") and not any(Path(f"/proc/{pid}").exists() for pid in processes.values())


@pytest.mark.slow
def test_processes_end_with_the_launcher_that_is_killed(prepared, tmp_path):
    training = Training(prepared, tmp_path / "run", "--gpus", "2", steps=100_000).reaches(5)
    processes, begun = training.ranks().values(), time.monotonic()
    training.process.kill()
    while any(Path(f"/proc/{pid}").exists() for pid in processes):
        assert time.monotonic() - begun < 60
        time.sleep(0.1)
    _, said = training.ends()
    assert len(said) == 1 and said[0].startswith("inpaint: stopped by SIGTERM") and saved(tmp_path / "run") >= 5


@pytest.mark.long
@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_hangs_ends_the_others_within_a_minute_saved(prepared, tmp_path, rank):
    training = Training(prepared, tmp_path / "run", "--gpus", "2", steps=100_000).reaches(5)
    processes = training.ranks()
    os.kill(processes[rank], signal.SIGSTOP)
    done, begun = training.rows, time.monotonic()
    while (status := Path(f"/proc/{processes[1 - rank]}/stat")).exists() and ") Z" not in status.read_text():
        assert time.monotonic() - begun < 60
        time.sleep(0.1)
    code, said = training.ends()
    assert code == 4 and not Path(f"/proc/{processes[rank]}").exists()  # the one that hangs is ended, too
    assert len(said) == 1 and f"process {rank} of 2 has ended or answers no more" in said[0]
    assert said[0].endswith(how_to_go_on(tmp_path / "run", processes=2)) and saved(tmp_path / "run") >= done


@pytest.mark.long
def test_what_two_processes_left_when_one_was_lost_goes_on_byte_for_byte(prepared, tmp_path):
    """What is saved is the last whole step, whatever of the next one was done."""
    training = Training(prepared, tmp_path / "run", "--gpus", "2").reaches(5)
    os.kill(training.ranks()[0], signal.SIGKILL)
    training.ends()
    for run, option in ((tmp_path / "run", "--resume"), (tmp_path / "straight", "-q")):
        assert Training(prepared, run, "--gpus", "2", option).ends(within=900)[0] == 0
    name = f"checkpoints/step-{STEPS:08d}.safetensors"
    assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


@pytest.mark.slow
def test_signals_to_the_launcher_reach_all_processes(prepared, tmp_path):
    training = Training(prepared, tmp_path / "run", "--gpus", "2", steps=100_000).reaches(3)
    training.process.send_signal(signal.SIGUSR1)
    begun = training.rows
    training.reaches(begun + 4)
    assert len(names(tmp_path / "run")) == 1
    training.process.send_signal(signal.SIGINT)
    code, said = training.ends()
    assert code == 130 and [line[:20] for line in said] == [
        "note: saved after st", "note: stopping after", "inpaint: stopped by ",
    ]  # fmt: skip
    assert saved(tmp_path / "run") == training.rows


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_processes(prepared, tmp_path):
    assert inpaint(*arguments(prepared, tmp_path / "run", steps=3)).exit_code == 0
    code, said = Training(prepared, tmp_path / "run", "--gpus", "2", "--resume", steps=5).ends()
    assert code == 0 and "note: processes 1 before, 2 from here on" in said and saved(tmp_path / "run") == 5
    back = inpaint(*arguments(prepared, tmp_path / "run", steps=6), "--resume")
    assert back.exit_code == 0 and "processes 2 before, 1 from here on" in back.stderr
