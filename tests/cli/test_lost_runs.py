"""No run is lost or swapped: what a directory holds is known for what it is, goes on as it began, or is left alone."""

import json
import shutil
from types import SimpleNamespace

import pytest
import torch
from conftest import inpaint

from inpaint_cli.engine.checkpoints import find_checkpoint, write_checkpoint
from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.jobs.training.configuration import Resolved


def arguments(data, run):
    return [
        "train", "--method", "deep-l2", "--data", data, "--outdir", run, "--set", "width=8", "--set", "bottleneck=16",
        "--batch", 4, "--device", "cpu", "--checkpoint-every", 4,
    ]  # fmt: skip


@pytest.fixture(scope="session")
def eight(prepared, tmp_path_factory):
    """A run of eight steps, with checkpoints at 4 and 8."""
    run = tmp_path_factory.mktemp("eight") / "run"
    result = inpaint(*arguments(prepared, run), "--steps", 8)
    assert result.exit_code == 0, result.stderr
    return run


@pytest.fixture
def run(eight, tmp_path):
    return shutil.copytree(eight, tmp_path / "run")


def contents(run):
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()}


def checkpoints(run):
    return sorted(path.name for path in (run / "checkpoints").iterdir())


def named(step):
    return f"step-{step:08d}.safetensors"


def steps_of(run):
    return [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]


# ---- what a run is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gone", [["run.json"], ["run.json", "metrics.jsonl"], ["run.json", "checkpoints"]])
def test_a_directory_with_checkpoints_or_metrics_is_a_run(prepared, run, gone):
    for name in gone:
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = contents(run)
    result = inpaint(*arguments(prepared, run), "--steps", 2)
    assert result.exit_code == 2 and "holds a run already" in result.stderr
    assert contents(run) == before


def test_run_json_is_written_again_from_the_newest_header(prepared, run, eight):
    """Of whoever copies checkpoints alone: the run goes on byte for byte as the whole one does."""
    whole = shutil.copytree(eight, run.parent / "whole")
    assert inpaint(*arguments(prepared, whole), "--steps", 12, "--resume").exit_code == 0
    for path in run.iterdir():
        if path.name != "checkpoints":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    result = inpaint(*arguments(prepared, run), "--steps", 12, "--resume")
    assert result.exit_code == 0 and "written again from the checkpoint's header" in result.stderr
    one, other = (path / "checkpoints" / named(12) for path in (run, whole))
    assert one.read_bytes() == other.read_bytes()
    kept = json.loads((run / "run.json").read_text())
    assert kept["settings"] == json.loads((eight / "run.json").read_text())["settings"] and kept["steps"] == 12


def test_without_run_json_data_is_asked_for_and_other_data_refused(prepared, run, tmp_path, monkeypatch):
    (run / "run.json").unlink()
    monkeypatch.chdir(tmp_path)
    result = inpaint("train", "--method", "deep-l2", "--outdir", run, "--resume")
    assert result.exit_code == 2 and "give --data" in result.stderr
    refused = inpaint("train", "--method", "deep-l2", "--outdir", run, "--resume", "--data", prepared, "--seed", 5)
    assert refused.exit_code == 2 and "begun with seed 0, now it is 5" in refused.stderr


def test_resuming_what_is_not_there_yet_says_that_it_begins(prepared, tmp_path):
    result = inpaint(*arguments(prepared, tmp_path / "new"), "--steps", 1, "--resume")
    assert result.exit_code == 0 and "there is no run in" in result.stderr and "it begins" in result.stderr


# ---- going on --------------------------------------------------------------------------------------------------------


def damage(run):
    for path in (run / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:1000])


def lose(run):
    for path in (run / "checkpoints").iterdir():
        path.unlink()


@pytest.mark.parametrize(("spoil", "words"), [(damage, "no usable checkpoint"), (lose, "its checkpoints are gone")])
def test_resume_without_a_valid_checkpoint_is_refused(prepared, run, spoil, words):
    spoil(run)
    before = contents(run)
    result = inpaint(*arguments(prepared, run), "--resume", "--steps", 12)
    assert result.exit_code == 3 and words in result.stderr and "--overwrite begins anew" in result.stderr
    assert contents(run) == before
    assert inpaint(*arguments(prepared, run), "--overwrite", "--steps", 4).exit_code == 0
    assert checkpoints(run) == [named(4)] and steps_of(run) == [1, 2, 3, 4]


@pytest.mark.parametrize("done", [2, 4])
def test_a_run_that_ended_before_its_first_checkpoint_begins_again_and_says_so(prepared, run, done):
    """Or while that was being written: by then the metrics have its step."""
    lose(run)
    (run / "metrics.jsonl").write_text("".join(f'{{"step": {step + 1}, "hole": 0.5}}\n' for step in range(done)))
    result = inpaint(*arguments(prepared, run), "--resume", "--steps", 4)
    assert result.exit_code == 0 and "begins at 0" in result.stderr and steps_of(run) == [1, 2, 3, 4]


def test_what_was_just_written_stays_though_damaged_files_have_later_names(prepared, run):
    newest = run / "checkpoints" / named(8)
    newest.write_bytes(b"damaged")
    shutil.copy(newest, run / "checkpoints" / named(6))
    result = inpaint(*arguments(prepared, run), "--resume", "--steps", 5, "--checkpoint-every", 1)
    assert result.exit_code == 0 and result.stderr.count("passed over") == 2
    assert checkpoints(run) == [named(step) for step in (4, 5, 6, 8)]
    assert find_checkpoint(run).header.step == 5
    assert inpaint(*arguments(prepared, run), "--resume", "--steps", 9, "--checkpoint-every", 1).exit_code == 0
    assert checkpoints(run) == [named(8), named(9)]


def test_a_damaged_checkpoint_is_not_one_of_those_that_are_kept(prepared, run):
    assert inpaint(*arguments(prepared, run), "--resume", "--steps", 9).exit_code == 0
    (run / "checkpoints" / named(8)).write_bytes(b"damaged")
    shutil.copy(run / "checkpoints" / named(9), run / "checkpoints" / named(7))  # valid, and of another step
    assert inpaint(*arguments(prepared, run), "--resume", "--steps", 10).exit_code == 0
    assert {named(9), named(10)} <= {*checkpoints(run)}


def test_copies_that_a_user_made_are_neither_read_nor_removed(prepared, run):
    folder, samples = run / "checkpoints", run / "samples"
    copies = [
        "step-00000004-keep",
        "step-good",
        "step-0000000012",
        "step-12",
        "step-００００００１２",
        "step-00000012 (1)",
    ]
    for name in copies:
        shutil.copy(folder / named(4), folder / f"{name}.safetensors")
        (samples / f"{name}.png").write_bytes(b"mine")
    result = inpaint(*arguments(prepared, run), "--resume", "--steps", 13, "--sample-every", 4)
    assert result.exit_code == 0 and f"going on from {folder / named(8)}" in result.stderr
    assert steps_of(run) == [*range(1, 14)]
    assert {f"{name}.safetensors" for name in copies} | {named(12), named(13)} == {*checkpoints(run)}
    assert inpaint("report", "page", run, "-o", run.parent / "page.html").exit_code == 0
    assert inpaint(*arguments(prepared, run), "--overwrite", "--steps", 1).exit_code == 0
    assert {f"{name}.safetensors" for name in copies} | {named(1)} == {*checkpoints(run)}
    assert all((samples / f"{name}.png").read_bytes() == b"mine" for name in copies)


def test_a_checkpoint_called_after_another_step_is_passed_over(prepared, run):
    shutil.copy(run / "checkpoints" / named(4), run / "checkpoints" / named(12))
    result = inpaint(*arguments(prepared, run), "--resume", "--steps", 9)
    assert result.exit_code == 0 and "holds step 4, and is called after another" in result.stderr
    assert steps_of(run) == [*range(1, 10)]


def test_fewer_steps_than_are_done_are_refused_and_as_many_are_said_to_be_enough(prepared, run):
    before = contents(run)
    refused = inpaint(*arguments(prepared, run), "--resume", "--steps", 4)
    assert refused.exit_code == 2 and "has done 8 steps" in refused.stderr and contents(run) == before
    done = inpaint(*arguments(prepared, run), "--resume")
    assert done.exit_code == 0 and "nothing is left to do" in done.stderr


def test_another_precision_is_taken_when_it_is_asked_for_and_said(prepared, run):
    """Whatever `auto` would take here, a run goes on in the precision that it began with."""
    began = find_checkpoint(run).header.precision
    other = {"bf16": "fp32", "fp32": "bf16"}[began]
    result = inpaint(*arguments(prepared, run), "--resume", "--steps", 9, "--precision", other)
    assert result.exit_code == 0 and f"precision {began} before, {other} from here on" in result.stderr
    again = inpaint(*arguments(prepared, run), "--resume", "--steps", 10)
    assert again.exit_code == 0 and "before, " not in again.stderr
    assert find_checkpoint(run).header.precision == other


def test_a_run_of_another_device_goes_on_here_and_says_so(prepared, run):
    """A checkpoint knows no device: run.json alone says where a run computed, and nothing but that may be another."""
    here = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(here | {"device": "cuda:0"}))
    before = contents(run)
    other = inpaint(*arguments(prepared, run), "--resume", "--steps", 9, "--seed", 7)
    assert other.exit_code == 2 and "was begun with seed 0, now it is 7" in other.stderr and contents(run) == before
    moved = inpaint(*arguments(prepared, run), "--resume", "--steps", 9)
    assert moved.exit_code == 0 and "device cuda:0 before, cpu from here on" in moved.stderr
    assert json.loads((run / "run.json").read_text())["device"] == "cpu" and steps_of(run) == [*range(1, 10)]
    again = inpaint(*arguments(prepared, run), "--resume", "--steps", 10)
    assert again.exit_code == 0 and "before, " not in again.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU to go on with")
def test_a_device_that_is_not_there_is_asked_for_in_vain_and_nothing_changes(prepared, run):
    before = contents(run)
    result = inpaint(*arguments(prepared, run), "--resume", "--steps", 9, "--device", "cuda")
    assert result.exit_code == 4 and "--device cpu works everywhere" in result.stderr and contents(run) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [("seed", 5), ("masks", "center:4"), ("batch", 8), ("accumulate", 2), ("width", 16), ("ema", 0.5), ("recipe", "x")],
)
def test_run_json_and_the_checkpoint_have_to_say_the_same(prepared, run, name, value):
    said = json.loads((run / "run.json").read_text())
    (said["settings"] if name in said["settings"] else said)[name] = value
    (run / "run.json").write_text(json.dumps(said))
    before = contents(run)
    result = inpaint("train", "--method", "deep-l2", "--outdir", run, "--resume", "--steps", 12)
    assert result.exit_code == 3 and f"says {name} {value}" in result.stderr and named(8) in result.stderr
    assert contents(run) == before


def test_a_bad_best_checkpoint_is_passed_over_and_said(prepared, run, photo):
    (run / "checkpoints" / "best.safetensors").write_bytes(b"damaged")
    result = inpaint("complete", photo, "--mask", "center:8", "--checkpoint", run, "-o", run / "out.png")
    assert result.exit_code == 0 and "passed over" in result.stderr and "best.safetensors" in result.stderr


# ---- beginning anew --------------------------------------------------------------------------------------------------


def test_a_run_is_overwritten_once_another_has_taken_its_first_step(prepared, run, monkeypatch):
    """A mistake that shows itself only there, and whoever ends it before, leave what was there."""
    before = contents(run)
    refused = inpaint(
        "train", "--method", "unsupervised", "--data", prepared, "--outdir", run, "--overwrite", "--batch", 1,
        "--masks", "noise:0.5", "--set", "width=4", "--set", "discriminator_width=4", "--device", "cpu",
    )  # fmt: skip
    assert refused.exit_code == 2 and "batch norm needs two images at once" in refused.stderr
    assert contents(run) == before

    from inpaint_cli.engine import training

    whole = training.take_step

    def ended(learner, stream):
        whole(learner, stream)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "take_step", ended)
    stopped = inpaint(*arguments(prepared, run), "--steps", 2, "--overwrite")
    assert stopped.exit_code == 130 and "the run that it was to replace is as it was" in stopped.stderr
    assert "--resume" not in stopped.stderr and contents(run) == before


@pytest.mark.parametrize("leads", [True, False])
def test_no_process_takes_the_metrics_of_what_is_overwritten_for_its_own(prepared, run, leads):
    """Else one of several were finished, by validations of the earlier run, before the others are."""
    before, team = contents(run), SimpleNamespace(leads=leads, wait=lambda: None)
    anew = Resolved({"method": "deep-l2"}, None, None, None, {}, overwrite=True)
    directory = RunDirectory(run)
    anew.begin(directory, SimpleNamespace(step=0), team)
    assert directory.replaces and directory.read_metrics().rows == [] and contents(run) == before
    directory.replace(writes=leads)
    assert not directory.replaces and (contents(run) == before) is not leads


# ---- which stay ------------------------------------------------------------------------------------------------------


def test_as_many_are_kept_as_are_asked_for_and_every_so_many(prepared, tmp_path):
    run = tmp_path / "run"
    steps = ["--steps", 11, "--checkpoint-every", 1, "--keep", 3, "--keep-every", 4]
    assert inpaint(*arguments(prepared, run), *steps).exit_code == 0
    assert checkpoints(run) == [named(step) for step in (4, 8, 9, 10, 11)]
    assert inpaint(*arguments(prepared, run), "--resume", "--steps", 13, "--keep", 1).exit_code == 0
    assert checkpoints(run) == [named(step) for step in (4, 8, 12, 13)], "a resumed run keeps what it began with"


# ---- what is not ours ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["", "mine\n"])
def test_a_file_called_lock_stays_as_it_is(prepared, tmp_path, content):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "lock").write_text(content)
    assert inpaint(*arguments(prepared, tmp_path / "own"), "--steps", 1, "--masks", "rec:7").exit_code == 2
    assert (tmp_path / "own" / "lock").read_text() == content
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["lock"]
    assert inpaint(*arguments(prepared, tmp_path / "own"), "--steps", 1).exit_code == 0
    assert (tmp_path / "own" / "lock").read_text() == content


def test_an_empty_folder_of_the_users_stays(prepared, tmp_path):
    (tmp_path / "own").mkdir()
    assert inpaint(*arguments(prepared, tmp_path / "own"), "--steps", 1, "--masks", "rec:7").exit_code == 2
    assert not list((tmp_path / "own").iterdir())


def test_what_a_killed_process_left_is_cleared_by_whoever_holds_the_lock(prepared, run):
    left = [
        run / "checkpoints" / ".step-00000008.abcd1234.part.safetensors",
        run / "samples" / ".step-00000008.abcd1234.part",
    ]
    left[0].write_bytes(b"half")
    left[1].mkdir()
    (left[1] / "step-00000008.png").write_bytes(b"half")
    assert inpaint(*arguments(prepared, run), "--resume").exit_code == 0
    assert not any(path.exists() for path in left)


# ---- weights that are none -------------------------------------------------------------------------------------------


def changed(run, path, change):
    """A checkpoint of the run with other tensors or another header, and the digest that belongs to them."""
    found = find_checkpoint(run)
    tensors, header = dict(found.tensors), found.header.plain()
    change(tensors, header)
    write_checkpoint(path, tensors, header)
    return path


def fill(value):
    def change(tensors, header):
        name = max((name for name in tensors if name.startswith("ema/")), key=lambda name: tensors[name].numel())
        tensors[name] = tensors[name].clone()
        tensors[name].view(-1)[0] = value

    return change


def whole_numbers(tensors, header):
    tensors |= {name: tensor.to(torch.int32) for name, tensor in tensors.items() if not name.startswith("optimizer/")}


def exotic(tensors, header):
    tensors |= {name: tensor.to(torch.float8_e4m3fn) for name, tensor in tensors.items()}


def wider(tensors, header):
    header["settings"] = {**header["settings"], "width": 100_000}


def deeper(tensors, header):
    tensors.pop(next(name for name in tensors if name.startswith("model/")))
    for name in [name for name in tensors if name.startswith("ema/")]:
        tensors.pop(name)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (fill(float("nan")), "are not finite"),
        (fill(float("-inf")), "are not finite"),
        (whole_numbers, "do not fit"),
        (exotic, "is of type"),
        (wider, "do not fit"),
        (deeper, "is missing"),
    ],
)
def test_weights_that_are_none_complete_nothing_and_train_nothing(prepared, run, photo, tmp_path, change, words):
    file = changed(run, tmp_path / "bad.safetensors", change)
    result = inpaint("complete", photo, "--mask", "center:8", "--checkpoint", file, "-o", tmp_path / "out.png")
    assert result.exit_code == 3 and words in result.stderr and "bad.safetensors" in result.stderr
    result = inpaint("evaluate", "--data", prepared, "--masks", "center:8", "--checkpoint", file, "--limit", 2)
    assert result.exit_code == 3 and words in result.stderr
    assert not (tmp_path / "out.png").exists()


def test_a_newest_checkpoint_that_is_not_finite_is_passed_over(prepared, run):
    changed(run, run / "checkpoints" / named(8), fill(float("nan")))
    result = inpaint(*arguments(prepared, run), "--resume", "--steps", 8)
    assert result.exit_code == 0 and "passed over" in result.stderr and "not finite" in result.stderr
    assert steps_of(run) == [*range(1, 9)] and find_checkpoint(run).header.step == 8


def test_a_header_that_is_none_is_passed_over(prepared, run):
    path = run / "checkpoints" / named(8)
    content = path.read_bytes()
    path.write_bytes(
        content.replace(b'"batch\\": 4', b'"batch\\": -', 1).replace(b'\\"step\\": 8', b'\\"step\\": 9', 1)
    )
    result = inpaint(*arguments(prepared, run), "--resume", "--steps", 8)
    assert result.exit_code == 0 and "passed over" in result.stderr and "going on from" in result.stderr


@pytest.mark.parametrize("name", ["state of another shape", "state of no weight"])
def test_state_of_another_optimiser_is_refused(prepared, run, name):
    def change(tensors, header):
        path = next(name for name in tensors if name.endswith("/exp_avg"))
        if name == "state of no weight":
            tensors[path.replace("/exp_avg", "x/exp_avg")] = tensors[path].clone()
        else:
            tensors[path] = torch.zeros(3, 1, 2)

    changed(run, run / "checkpoints" / named(8), change)
    result = inpaint(*arguments(prepared, run), "--resume", "--steps", 12)
    assert result.exit_code == 3 and "is no state of this method's optimiser" in result.stderr


# ---- data that changes -----------------------------------------------------------------------------------------------


def test_data_that_is_cut_while_training_is_one_message(prepared, tmp_path, monkeypatch):
    from inpaint_cli.engine import training

    data = tmp_path / "data.h5"
    shutil.copy(prepared, data)
    whole = training.take_step

    def cut(learner, stream):
        if learner.step == 3:
            with data.open("r+b") as file:
                file.truncate(5000)
        return whole(learner, stream)

    monkeypatch.setattr(training, "take_step", cut)
    result = inpaint(*arguments(data, tmp_path / "run"), "--steps", 8)
    assert result.exit_code == 3 and "data.h5: was cut short while it was in use" in result.stderr
    assert steps_of(tmp_path / "run")[:3] == [1, 2, 3]
