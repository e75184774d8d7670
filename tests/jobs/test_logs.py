"""What TensorBoard and Weights & Biases are told is what metrics.jsonl has, each step once."""

import json
import time
from importlib.util import find_spec

import pytest
from conftest import inpaint, learned

from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.jobs.training import logs
from inpaint_cli.jobs.training.logs import opened
from inpaint_cli.records.runs import is_fact

needs_tensorboard = pytest.mark.skipif(
    find_spec("tensorboard") is None, reason="TensorBoard is not installed: inpaint-cli[tensorboard]"
)


def arguments(data, run, steps, *more):
    return [
        "train", "--method", "deep-l2", "--data", data, "--outdir", run, "--set", "width=8", "--batch", 2,
        "--device", "cpu", "--checkpoint-every", 2, "--steps", steps, "-q", *more,
    ]  # fmt: skip


def rows_of(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def curves(rows):
    """`{name: {step: value}}` of the rows of metrics.jsonl."""
    names = {name for row in rows for name in row} - {"step"}
    return {name: {row["step"]: pytest.approx(row[name]) for row in rows if name in row} for name in names}


def made_up(*steps):
    return [{"step": step, "loss": 1 / step, "learning_rate/critic": 0.5} for step in steps]


def log(name, run, before, *rows, anew=False):
    """One process of a run: rows that are there already, rows that it adds."""
    with opened([name, name], run, {"method": "mde"}, anew) as (only,):
        only.begin(before, len(before))
        only.write(rows)


@needs_tensorboard
def test_rows_say_what_steps_cost_time_goes_on_and_tensorboard_has_them(prepared, tmp_path):
    assert inpaint(*arguments(prepared, tmp_path, 2)).exit_code == 0
    first, last = rows_of(tmp_path)
    expected = {"seconds", "images_per_second", "memory_mib", "learning_rate/autoencoder"}
    assert {name for name in first if is_fact(name)} == {name for name in last if is_fact(name)} == expected
    assert 0 < first["seconds"] < last["seconds"] and first["memory_mib"] > 50
    passed = last["seconds"] - first["seconds"]
    assert last["images_per_second"] == pytest.approx(2 / passed, rel=0.2, abs=0.1), "of the two images since then"
    resumed = inpaint(*arguments(prepared, tmp_path, 3, "--resume", "--log", "tensorboard"))
    assert resumed.exit_code == 0, resumed.stderr
    assert rows_of(tmp_path)[2]["seconds"] > last["seconds"]
    assert [{*row} for row in learned(tmp_path)] == [{"step", "hole", "overlap"}] * 3
    assert read_back(tmp_path) == curves(rows_of(tmp_path)), "those before the log began among them"
    anew = inpaint(*arguments(prepared, tmp_path, 2, "--overwrite", "--log", "tensorboard"))
    assert anew.exit_code == 0 and len(rows_of(tmp_path)) == 2 and read_back(tmp_path) == curves(rows_of(tmp_path))


# ---- TensorBoard -----------------------------------------------------------------------------------------------------


def read_back(run):
    """What TensorBoard itself shows: `{name: {step: value}}`; fails where a step is there twice."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0}).Reload()
    found = {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}
    for name, points in found.items():
        assert [step for step, _ in points] == sorted({step for step, _ in points}), name
    return {name: dict(points) for name, points in found.items()}


@needs_tensorboard
def test_steps_that_are_done_again_stand_once_in_tensorboard(tmp_path):
    log("tensorboard", tmp_path, [], *made_up(1, 2, 3, 4))
    log("tensorboard", tmp_path, made_up(1, 2), *made_up(3))
    assert read_back(tmp_path) == curves(made_up(1, 2, 3)), "step 4 is still to come"
    RunDirectory(tmp_path).clear()
    log("tensorboard", tmp_path, [], *made_up(1))
    assert read_back(tmp_path) == curves(made_up(1))


# ---- Weights & Biases ------------------------------------------------------------------------------------------------


def records(path):
    """Of W&B's offline file: seven bytes of its own, then a block of LevelDB's log, each record behind seven more."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place = path.read_bytes(), 7
    assert len(content) < 32_768, "one block, so that no record is split"
    while place < len(content):
        length = int.from_bytes(content[place + 4 : place + 6], "little")
        yield Record.FromString(content[place + 7 : place + 7 + length])
        place += 7 + length


def told_wandb(run, name):
    """The rows of each file of one W&B run, as soon as W&B's own process has written its last record."""
    for path in run.glob(f"wandb/offline-run-*/run-{name}.wandb"):
        while not (written := [*records(path)]) or not written[-1].HasField("exit"):
            time.sleep(0.05)
        histories = [record.history for record in written if record.HasField("history")]
        rows = [{i.key or i.nested_key[0]: json.loads(i.value_json) for i in history.item} for history in histories]
        yield [{"step": row["_step"], **{key: row[key] for key in row if key[0] != "_"}} for row in rows]


def test_one_run_of_wandb_goes_on_with_the_directory(tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="Weights & Biases is not installed: inpaint-cli[wandb]")
    monkeypatch.setenv("WANDB_MODE", "offline")
    identity = tmp_path / "wandb_id"
    log("wandb", tmp_path, made_up(1), *made_up(2))
    name = identity.read_text().strip()
    log("wandb", tmp_path, made_up(1, 2), *made_up(3))
    assert sorted(told_wandb(tmp_path, name), key=len) == [made_up(3), made_up(1, 2)]
    log("wandb", tmp_path, [], *made_up(1), anew=True)
    assert identity.read_text().strip() != name
    assert [*told_wandb(tmp_path, identity.read_text().strip())] == [made_up(1)]


# ---- refusals --------------------------------------------------------------------------------------------------------


def test_a_missing_package_is_said_before_anything_is_done(prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "find_spec", lambda name: None)
    run = tmp_path / "run"
    refused = inpaint(*arguments(prepared, run, 1, "--log", "tensorboard", "--log", "wandb"))
    assert refused.exit_code == 4 and not run.exists()
    assert "package that is not installed; pip install 'inpaint-cli[tensorboard,wandb]'" in refused.stderr
    refused = inpaint(*arguments(tmp_path / "no.h5", run, 1, "--log", "wandb"))
    assert "2 things are wrong" in refused.stderr and "no.h5" in refused.stderr and "[wandb]" in refused.stderr
    refused = inpaint(*arguments(prepared, run, 1, "--log", "tensorbord"))
    assert refused.exit_code == 2 and "no log 'tensorbord'; did you mean 'tensorboard'?" in refused.stderr


def test_what_keeps_wandb_from_beginning_leaves_the_run_as_it_was(prepared, monkeypatch, tmp_path):
    wandb = pytest.importorskip("wandb", reason="Weights & Biases is not installed: inpaint-cli[wandb]")

    def refuse(**options):
        raise wandb.errors.UsageError("No API key configured.")

    monkeypatch.setattr(wandb, "init", refuse)
    RunDirectory(tmp_path).append_metrics(made_up(1))
    refused = inpaint(*arguments(prepared, tmp_path, 1, "--log", "wandb", "--overwrite"))
    assert refused.exit_code == 4 and "No API key configured" in refused.stderr and "WANDB_MODE" in refused.stderr
    assert rows_of(tmp_path) == made_up(1)
