"""`inpaint train --start-from`: a training that begins with another one's weights."""

import json

import pytest
import torch
from conftest import inpaint, train_arguments

import inpaint_cli
from inpaint_cli.engine.checkpoints import completion_weights, find_checkpoint


def from_it(prepared, run, start, *more):
    """The small MDE's training, from another; the settings are that one's."""
    words = train_arguments(prepared, run)
    settings = [place for place, word in enumerate(words) if word == "--set"]
    bare = [word for place, word in enumerate(words) if not any(place in (at, at + 1) for at in settings)]
    return inpaint(*bare, "--start-from", start, *more)


def weights(run):
    return completion_weights(find_checkpoint(run))


def test_it_begins_with_the_averaged_weights_and_the_settings_of_the_other(prepared, trained, tmp_path):
    """A rate of nearly nothing leaves them where they began."""
    done = from_it(prepared, tmp_path / "run", trained, "--steps", 1, "--set", "learning_rate=1e-12")
    assert done.exit_code == 0, done.stderr
    began, now = weights(trained), weights(tmp_path / "run")
    learned = [name for name, tensor in began.items() if tensor.dim() == 4 and name.startswith("generator.")]
    assert learned and all(torch.allclose(began[name], now[name], atol=1e-6) for name in learned)
    said = json.loads((tmp_path / "run" / "run.json").read_text())
    assert said["settings"]["width"] == 4 and said["settings"]["learning_rate"] == 1e-12
    assert said["started_from"] == find_checkpoint(trained).digest
    assert find_checkpoint(tmp_path / "run").header.started_from == said["started_from"]


def test_it_is_resumed_without_saying_so_again(prepared, trained, tmp_path):
    run = tmp_path / "run"
    assert from_it(prepared, run, trained, "--steps", 1).exit_code == 0
    words = ["train", "--method", "mde", "--outdir", run, "--resume", "--steps", 2, "-q"]
    done = inpaint(*words)
    assert done.exit_code == 0, done.stderr
    assert find_checkpoint(run).header.started_from == find_checkpoint(trained).digest
    another = inpaint(*words, "--start-from", run)
    assert another.exit_code == 2 and "was begun with started_from" in another.stderr


def test_an_exported_model_serves_and_what_trains_it_begins_anew(prepared, trained, tmp_path):
    slim = tmp_path / "slim.safetensors"
    assert inpaint("export", trained, "-o", slim, "-q").exit_code == 0
    done = from_it(prepared, tmp_path / "run", slim, "--steps", 1)
    assert done.exit_code == 0, done.stderr
    assert find_checkpoint(tmp_path / "run").header.started_from == find_checkpoint(slim).digest


@pytest.mark.parametrize("setting", ["adversarial=0", "judges=hole", "judges=center:8"])
def test_a_discriminator_that_is_another_now_or_none_begins_anew(prepared, trained, tmp_path, setting):
    done = from_it(prepared, tmp_path / "run", trained, "--steps", 1, "--set", setting, "--set", "learning_rate=1e-12")
    assert done.exit_code == 0, done.stderr
    began, now = weights(trained), weights(tmp_path / "run")
    assert torch.allclose(began["generator.to_image.weight"], now["generator.to_image.weight"], atol=1e-6)
    loaded = inpaint_cli.load(tmp_path / "run", device="cpu")
    assert loaded.settings["judges"] == (setting.partition("judges=")[2] or "output")
    lost = began.keys() - now.keys()
    assert lost and all(name.startswith("discriminator.") for name in lost)


@pytest.mark.parametrize(
    "method, more, expected",
    [
        ("mde", ["--set", "width=8"], "do not fit the method they name"),
        ("context-encoder", [], "a checkpoint of mde, not of context-encoder"),
        ("mde", ["--set", "generator=strided"], "do not fit the method they name"),
    ],
)
def test_another_network_is_refused_and_nothing_is_made(prepared, trained, tmp_path, method, more, expected):
    run = tmp_path / "run"
    done = inpaint(
        "train", "--method", method, "--data", prepared, "--outdir", run, "--masks", "block:8", "--steps", 1,
        "--start-from", trained, *more, "--set", "perceptual=0" if method == "mde" else "width=8", "-q",
    )  # fmt: skip
    assert done.exit_code == 3 and expected in done.stderr and str(trained) in done.stderr, done.stderr
    assert not (run / "run.json").exists()


def test_a_model_that_there_is_not_is_refused_at_once(prepared, tmp_path):
    words = ["train", "--method", "mde", "--data", prepared, "--masks", "rec:0.3", "--outdir", tmp_path / "run"]
    done = inpaint(*words, "--start-from", "fases")
    assert done.exit_code == 3 and "fases: no such file or run" in done.stderr
