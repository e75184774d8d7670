"""Run directories: one writer, no half-written state."""

import json
import multiprocessing

import pytest
from harness import HEADER

from inpaint_cli.engine.runs import KEEP, RunDirectory
from inpaint_cli.errors import BusyError, InputError, UsageError


def hold(path, held, release):
    with RunDirectory(path).locked():
        held.set()
        release.wait(30)


def test_one_writer_at_a_time(tmp_path):
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    process = context.Process(target=hold, args=(tmp_path / "run", held, release))
    process.start()
    try:
        assert held.wait(60)
        with pytest.raises(BusyError, match="another process"), RunDirectory(tmp_path / "run").locked():
            pass
    finally:
        release.set()
        process.join()
    with RunDirectory(tmp_path / "run").locked():
        pass


def test_a_file_is_no_run_directory(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"), RunDirectory(tmp_path / "file").locked():
        pass


def test_old_checkpoints_make_room(tmp_path):
    run = RunDirectory(tmp_path)
    with run.locked():
        for step in range(1, 5):
            run.write_checkpoint(step, {}, HEADER | {"step": step})
    assert [path.name for path in sorted(run.checkpoints.iterdir())] == [
        f"step-{step:08d}.safetensors" for step in range(5 - KEEP, 5)
    ]


def test_going_back_forgets_what_comes_after(tmp_path):
    run = RunDirectory(tmp_path)
    with run.locked():
        run.append_metrics([{"step": step, "loss": 1.0} for step in range(1, 6)])
        with run.metrics.open("a") as file:
            file.write('{"step": 6, "lo')  # a process killed while writing
        for step in (2, 4):
            (run.samples / f"step-{step:08d}.png").touch()
        run.forget_after(3)
    assert [row["step"] for row in run.read_metrics().rows] == [1, 2, 3]
    assert run.metrics.read_text().endswith("}\n")
    assert [path.name for path in run.samples.iterdir()] == ["step-00000002.png"]


def test_clearing_leaves_other_files_alone(tmp_path):
    run = RunDirectory(tmp_path)
    with run.locked():
        run.write_configuration({"method": "toy"})
        run.write_checkpoint(1, {}, HEADER)
        (tmp_path / "notes.txt").write_text("mine")
        run.clear()
    assert not run.used and not list(tmp_path.rglob("*.safetensors"))
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_damaged_configuration_is_named(tmp_path):
    run = RunDirectory(tmp_path)
    run.configuration.write_text(json.dumps({"method": "toy"})[:-4])
    with pytest.raises(InputError, match=r"run\.json"):
        run.read_configuration()
