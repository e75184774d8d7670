"""`inpaint train`: what a run leaves, going on with it, and what it refuses."""

import fcntl
import json
import signal
import subprocess
import sys
import time

import pytest
import torch
from conftest import REPOSITORY, inpaint, inpaint_process, train_arguments
from PIL import Image

from inpaint_cli.engine.checkpoints import find_checkpoint


def tensors(run):
    return find_checkpoint(run).tensors


def assert_same_training(one, other):
    first, second = tensors(one), tensors(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_leaves_everything(trained):
    rows = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert {"completion", "reconstruction", "adversarial", "discriminator", "seek", "hide"} < rows[0].keys()
    configuration = json.loads((trained / "run.json").read_text())
    assert configuration["masks"] == "rec:0.3" and configuration["settings"]["width"] == 4
    header = find_checkpoint(trained).header.plain()
    assert header["step"] == 4 and header["data_identity"] == configuration["data_identity"]
    for picture in (trained / "curves.png", trained / "samples" / "step-00000004.png"):
        assert min(Image.open(picture).size) > 100


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(prepared, trained, tmp_path):
    for run, seed in (("same", 0), ("other", 1)):
        inpaint(*train_arguments(prepared, tmp_path / run), "--steps", 4, "--seed", seed)
    assert find_checkpoint(tmp_path / "same").digest == find_checkpoint(trained).digest
    assert not torch.equal(
        tensors(tmp_path / "other")["model/generator.to_image.weight"],
        tensors(trained)["model/generator.to_image.weight"],
    )


@pytest.mark.slow
def test_sigterm_at_any_step_and_resumed_equals_straight(prepared, tmp_path):
    arguments = [*train_arguments(prepared, tmp_path / "broken"), "--steps", 12]
    command = [sys.executable, "-m", "inpaint_cli", *map(str, arguments)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
    metrics = tmp_path / "broken" / "metrics.jsonl"
    while not metrics.exists() or len(metrics.read_text().splitlines()) < 3:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, message = process.communicate(timeout=120)
    assert process.returncode == 143 and "stopped by SIGTERM" in message
    stopped_at = find_checkpoint(tmp_path / "broken").header.step
    assert 3 <= stopped_at < 12

    assert inpaint(*arguments, "--resume").exit_code == 0
    assert inpaint(*train_arguments(prepared, tmp_path / "straight"), "--steps", 12).exit_code == 0
    assert_same_training(tmp_path / "broken", tmp_path / "straight")
    name = "step-00000012.safetensors"
    broken, straight = (tmp_path / run / "checkpoints" / name for run in ("broken", "straight"))
    assert broken.read_bytes() == straight.read_bytes()
    steps = [json.loads(line)["step"] for line in metrics.read_text().splitlines()]
    assert steps == list(range(1, 13))


def test_resume_needs_no_options_again_and_may_go_further(prepared, trained, tmp_path):
    run = tmp_path / "run"
    inpaint(*train_arguments(prepared, run), "--steps", 2)
    for steps, option in ((3, []), (4, ["--set", "width=4"])):  # what is given again must only not contradict
        command = ["train", "--method", "mde", "--data", prepared, "--outdir", run, "--resume", "-q", *option]
        result = inpaint(*command, "--steps", steps)
        assert result.exit_code == 0, result.stderr
        assert find_checkpoint(run).header.step == steps


def test_resume_passes_over_a_damaged_checkpoint(prepared, tmp_path):
    run = tmp_path / "run"
    inpaint(*train_arguments(prepared, run), "--steps", 4, "--checkpoint-every", 2)
    newest = run / "checkpoints" / "step-00000004.safetensors"
    expected = newest.read_bytes()
    newest.write_bytes(expected[:-9])
    result = inpaint(*[a for a in train_arguments(prepared, run) if a != "-q"], "--resume", "--steps", 4)
    assert result.exit_code == 0 and "passed over" in result.stderr and "step-00000004" in result.stderr
    assert newest.read_bytes() == expected


def test_resume_refuses_what_would_be_another_run(prepared, trained):
    for option in (
        ["--masks", "rec:0.5"],
        ["--batch", "8"],
        ["--set", "width=8"],
        ["--seed", "3"],
        ["--sync-batchnorm"],
    ):
        result = inpaint("train", "--method", "mde", "--data", prepared, "--outdir", trained, "--resume", *option)
        assert result.exit_code == 2 and "--resume goes on" in result.stderr, option


def test_a_run_of_a_version_with_fewer_settings_goes_on(prepared, tmp_path):
    run = tmp_path / "run"
    assert inpaint(*train_arguments(prepared, run), "--steps", 1).exit_code == 0
    began = json.loads((run / "run.json").read_text())
    del began["settings"]["ema"]
    (run / "run.json").write_text(json.dumps(began))
    assert inpaint(*train_arguments(prepared, run), "--resume", "--steps", 2).exit_code == 0
    refused = inpaint(*train_arguments(prepared, run), "--resume", "--set", "width=8")
    assert refused.exit_code == 2 and "begun with width 4, now it is 8" in refused.stderr


def test_a_used_directory_is_left_alone(prepared, trained):
    before = (trained / "run.json").read_bytes()
    result = inpaint(*train_arguments(prepared, trained), "--steps", 2)
    assert result.exit_code == 2 and "--resume" in result.stderr and "--overwrite" in result.stderr
    assert (trained / "run.json").read_bytes() == before


def test_compilation_is_asked_for_and_may_end(prepared, tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr("inpaint_cli.jobs.training.running.compile_networks", compiled.append)
    arguments = ["train", "--method", "deep-l2", "--data", prepared, "--outdir", tmp_path, "--set", "width=8"]
    assert inpaint(*arguments, "--batch", 2, "--steps", 1, "--compile").exit_code == 0
    assert len(compiled) == 1 and json.loads((tmp_path / "run.json").read_text())["compile"] is True
    assert inpaint(*arguments, "--resume", "--steps", 2).exit_code == 0 and len(compiled) == 2
    result = inpaint(*arguments, "--resume", "--steps", 3, "--no-compile")
    assert result.exit_code == 0 and "compile True before, False from here on" in result.stderr and len(compiled) == 2


def test_a_trace_is_part_of_a_run(prepared, tmp_path):
    run = tmp_path / "run"
    arguments = ["train", "--method", "deep-l2", "--data", prepared, "--outdir", run, "--set", "width=8", "--batch", 2]
    begun = inpaint(*arguments, "--steps", 2, "--profile", 1)
    assert begun.exit_code == 0 and f"the trace of one step is {run}/profile.pt.trace.json.gz" in begun.stderr
    assert inpaint(*arguments, "--steps", 1, "--overwrite").exit_code == 0
    assert not (run / "profile.pt.trace.json.gz").exists()


def test_overwrite_begins_anew(prepared, tmp_path):
    run = tmp_path / "run"
    inpaint(*train_arguments(prepared, run), "--steps", 3)
    assert inpaint(*train_arguments(prepared, run), "--steps", 2, "--overwrite").exit_code == 0
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["step-00000002.safetensors"]
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 2


def test_overwriting_is_refused_before_anything_is_lost(prepared, trained):
    before = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}
    for mistake in (["--masks", "rec:7"], ["--data", "absent.h5"], ["--set", "perceptual=1", "--weights", "vgg16=no"]):
        assert inpaint(*train_arguments(prepared, trained), "--overwrite", *mistake).exit_code in (2, 3)
    assert before == {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}


def test_a_directory_in_use_is_exit_6(prepared, trained):
    with (trained / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = inpaint(*train_arguments(prepared, trained), "--steps", 2, "--resume")
    assert result.exit_code == 6 and "another process" in result.stderr


def test_a_diverging_loss_is_exit_5_and_names_the_last_good_checkpoint(prepared, tmp_path):
    arguments = [*train_arguments(prepared, tmp_path), "--set", "learning_rate=1e30", "--precision", "fp32"]
    result = inpaint(*arguments, "--steps", 40, "--checkpoint-every", 1)
    assert result.exit_code == 5
    assert "not finite" in result.stderr or " is nan at step" in result.stderr or " is inf at step" in result.stderr
    assert "checkpoint" in result.stderr
    for path in (tmp_path / "checkpoints").iterdir():
        assert all(torch.isfinite(tensor).all() for tensor in find_checkpoint(path).tensors.values())


@pytest.mark.parametrize(
    ("changed", "code", "expected"),
    [
        (["--method", "mdee"], 2, "did you mean 'mde'"),
        (["--method", "tv"], 2, "needs no training"),
        (["--masks", "rek:0.1"], 2, "did you mean 'rec'"),
        (["--masks", "rec:2"], 2, "rec:S"),
        (["--masks", "rec:0.9-0.1"], 2, "the range '0.9-0.1' is empty"),
        (["--masks", "0*block:8|center:8"], 2, "a weight is a number above 0"),
        (["--set", "widht=3"], 2, "did you mean 'width'"),
        (["--masks", "inpaint:0.25"], 2, "hide_and_seek=none"),
        (["--masks", "colorize:3"], 2, "colo"),
        (["--batch", "5", "--accumulate", "2"], 2, "does not divide"),
        (["--set", "perceptual=1", "--weights", "vgg16=absent.pth"], 3, "absent.pth"),
        (["--weights", "vgg=file"], 2, "did you mean 'vgg16'"),
        (["--data", "absent.h5"], 3, "absent.h5"),
        (["--device", "gpu"], 2, "auto, cpu, cuda"),
    ],
)
def test_mistakes_are_one_message_without_a_traceback(prepared, tmp_path, changed, code, expected):
    result = inpaint(*train_arguments(prepared, tmp_path / "run"), "--steps", 1, *changed)
    assert result.exit_code == code, result.stderr
    assert expected in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "run").exists()


def test_batch_norm_of_one_image_is_one_message(prepared, tmp_path):
    arguments = [*train_arguments(prepared, tmp_path / "run"), "--batch", 2, "--accumulate", 2]
    result = inpaint(*arguments, "--steps", 1)
    assert result.exit_code == 2 and "two images or more at once" in result.stderr
    assert "a larger --batch than 2, or less than --accumulate 2" in result.stderr


def test_absent_perceptual_weights_are_exit_4(prepared, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    result = inpaint(*train_arguments(prepared, tmp_path), "--steps", 1, "--set", "perceptual=2e-5")
    assert result.exit_code == 4 and "perceptual=0" in result.stderr and "vgg16=FILE" in result.stderr


def test_random_perceptual_weights_are_labelled_in_what_comes_of_them(prepared, tmp_path):
    arguments = [*train_arguments(prepared, tmp_path / "run"), "--set", "perceptual=2e-5", "--weights", "vgg16=random"]
    assert inpaint(*arguments, "--steps", 1).exit_code == 0
    assert "random" in find_checkpoint(tmp_path / "run").header.weights["vgg16"]
    result = inpaint(
        "evaluate", "--checkpoint", tmp_path / "run", "--data", prepared, "--masks", "center:8", "--limit", 2, "--json"
    )
    assert "random weights, not comparable" in json.loads(result.stdout)["results"][0]["notes"][0]


def test_no_memory_names_batch_memory_and_what_helps(prepared, tmp_path, monkeypatch):
    def hungry(*arguments):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes")

    monkeypatch.setattr("inpaint_cli.jobs.training.running.fit", hungry)
    result = inpaint(*train_arguments(prepared, tmp_path / "run"), "--steps", 1)
    assert result.exit_code == 4
    assert all(words in result.stderr for words in ("--batch 4", "99 bytes", "--accumulate"))


def test_a_disk_that_fills_is_exit_4_and_older_checkpoints_stay_whole(prepared, tmp_path):
    """Files are limited to 300 kB: metrics and pictures fit, a checkpoint does not."""
    run = tmp_path / "run"
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "from inpaint_cli.cli.main import main; main()"
    )
    inpaint(*train_arguments(prepared, run), "--steps", 2)
    before = (run / "checkpoints" / "step-00000002.safetensors").read_bytes()
    arguments = [*train_arguments(prepared, run), "--steps", 3, "--resume"]
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 4 and "step-00000003" in done.stderr and "Traceback" not in done.stderr
    assert [path.read_bytes() for path in (run / "checkpoints").iterdir()] == [before]


@pytest.mark.slow
def test_two_processes_train_one_run(prepared, tmp_path):
    result = inpaint_process(
        *train_arguments(prepared, tmp_path / "run"), "--steps", 2, "--gpus", 2, "--log", "tensorboard"
    )
    assert result.exit_code == 0, result.stderr
    assert len([*(tmp_path / "run" / "tensorboard").iterdir()]) == 1, "the first process alone writes"
    assert find_checkpoint(tmp_path / "run").header.step == 2
    began = json.loads((tmp_path / "run" / "run.json").read_text())
    assert began["processes"] == 2 and began["sync_batchnorm"] is False
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2]
    refused = inpaint_process(*train_arguments(prepared, tmp_path / "run"), "--steps", 2, "--gpus", 2)
    assert refused.exit_code == 2 and refused.stderr.count("holds a run already") == 1
    assert "Traceback" not in refused.stderr


def metrics(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_validation_keeps_the_best_and_patience_ends_the_run(prepared, tmp_path):
    """A learning rate of almost nothing brings nothing better, so that the first validation stays the best."""
    run = tmp_path / "run"
    arguments = [*train_arguments(prepared, run), "--set", "learning_rate=1e-30", "--validate-every", 1]
    arguments += ["--steps", 40]
    assert inpaint(*arguments, "--patience", 2).exit_code == 0
    errors = {row["step"]: row["validation"] for row in metrics(run) if "validation" in row}
    best = find_checkpoint(run)
    assert best.path.name == "best.safetensors" and best.header.step == min(errors, key=errors.get)
    assert len(metrics(run)) == max(errors) < 40 and max(errors) - best.header.step == 2
    again = inpaint(*train_arguments(prepared, run), "--resume")
    assert again.exit_code == 0 and len(metrics(run)) == max(errors), "a run that has ended stays ended"


def test_what_validation_needs(prepared, tmp_path):
    refused = inpaint(*train_arguments(prepared, tmp_path / "run"), "--patience", 2)
    assert refused.exit_code == 2 and "--validate-every" in refused.stderr
