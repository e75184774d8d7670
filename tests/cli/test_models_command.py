"""`inpaint export` and `inpaint models`, and models found by their names wherever a checkpoint is named."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import inpaint, pixels, smooth_pictures

import inpaint_cli
from inpaint_cli.engine.checkpoints import find_checkpoint
from inpaint_cli.errors import InputError
from inpaint_cli.jobs.shipped import checkpoint_of

ABOUT = "Smooth pictures of 32×32.\nNothing else."


@pytest.fixture(scope="module")
def shipped(trained, prepared, tmp_path_factory):
    """A folder of two models, `smooth` with figures."""
    folder = tmp_path_factory.mktemp("shipped")
    once, results = folder / "once.safetensors", folder / "results.json"
    for arguments in (
        ["export", trained, "-o", once, "--about", ABOUT],
        ["evaluate", "--checkpoint", once, "--method", "tv", "--data", prepared, "--masks", "center:8", "-o", results,
         "--limit", 3, "-q"],
        ["export", once, "-o", folder / "smooth.safetensors", "--results", results],
        ["export", trained, "-o", folder / "plain.safetensors", "-q"],
    ):  # fmt: skip
        result = inpaint(*arguments)
        assert result.exit_code == 0, result.stderr
    assert result.stdout == "", "-q is quiet"
    results.unlink()
    once.unlink()
    return folder


@pytest.fixture
def models(shipped, monkeypatch, tmp_path):
    """The same, as if they came with the package; the working directory is empty."""
    monkeypatch.setattr("inpaint_cli.jobs.shipped.FOLDER", shipped)
    monkeypatch.chdir(tmp_path)
    return shipped


def test_export_says_what_it_wrote(trained, tmp_path):
    result = inpaint("export", trained, "-o", tmp_path / "a.safetensors")
    assert result.exit_code == 0 and result.stdout.startswith(f"{tmp_path / 'a.safetensors'}: ")
    assert "weights as float16" in result.stdout
    again = inpaint("export", trained, "-o", tmp_path / "a.safetensors")
    assert again.exit_code == 2 and "--overwrite" in again.stderr


def test_models_are_listed_with_what_they_are_for(models):
    lines = inpaint("models").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["plain", "smooth"]
    assert "Smooth pictures of 32×32. (mde, 32×32, RGB, 0." in lines[1] and "Nothing else" not in lines[1]
    listed = json.loads(inpaint("models", "--json").stdout)
    assert [each["name"] for each in listed] == ["plain", "smooth"] and listed[1]["about"] == ABOUT
    assert listed[1]["bytes"] == (models / "smooth.safetensors").stat().st_size
    assert [entry.name for entry in inpaint_cli.models()] == ["plain", "smooth"]
    assert inpaint_cli.models()[1].card == inpaint_cli.load("smooth").card


def test_a_card_is_printed_with_its_figures(models):
    text = inpaint("models", "smooth").stdout
    first, *rest = text.splitlines()
    assert first.startswith("smooth: Missing Data Encoder (mde), 32×32, RGB, ")
    assert rest[:2] == ["about:     Smooth pictures of 32×32.", "           Nothing else."]
    for words in ("behind rec:0.3, seed 0", "terms:     Those of the images", "width=4", "float16 changes completion",
                  "mde (this model) | 3 ", "psnr hole dB ↑", "apart: this model - that system"):  # fmt: skip
        assert words in text, words
    assert all(len(line) <= 100 for line in rest[: rest.index("")]), "wrapped"
    assert json.loads(inpaint("models", "smooth", "--json").stdout)["figures"]["evaluations"]


def test_a_runs_card_is_printed_too(trained):
    text = inpaint("models", trained).stdout
    assert "4 of 4 steps of 4 images" in text and "which are not written down here" in text


def test_without_models_the_list_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("inpaint_cli.jobs.shipped.FOLDER", tmp_path)
    assert "no models come with this version" in inpaint("models").stdout
    assert json.loads(inpaint("models", "--json").stdout) == []
    result = inpaint("models", "faces")
    assert result.exit_code == 3 and "faces: no such file or run, and no models come" in result.stderr


def test_what_a_card_says_is_printable(models, trained):
    refused = inpaint("export", trained, "-o", "odd.safetensors", "--about", "red \x1b[31m\nline", "-q")
    assert refused.exit_code == 2 and "about: holds control characters" in refused.stderr
    assert not Path("odd.safetensors").exists()


# ---- by their names --------------------------------------------------------------------------------------------------


def test_photos_are_completed_by_name_as_by_file(models, photo, mask, tmp_path):
    for checkpoint, output in (("smooth", "a.png"), (models / "smooth.safetensors", "b.png")):
        result = inpaint("complete", photo, "--mask", mask, "--checkpoint", checkpoint, "-o", tmp_path / output)
        assert result.exit_code == 0, result.stderr
    known = pixels(mask) == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (pixels(tmp_path / "a.png")[known] == pixels(photo)[known]).all()
    filled = inpaint_cli.complete(pixels(photo), pixels(mask), checkpoint="smooth")
    assert (filled == pixels(tmp_path / "a.png")).all()


def test_evaluate_takes_names(models, prepared):
    arguments = ["--data", prepared, "--masks", "center:8", "--limit", 2, "--json", "-q"]
    result = inpaint("evaluate", "--checkpoint", "smooth", *arguments)
    assert result.exit_code == 0, result.stderr
    (found,) = json.loads(result.stdout)["results"]
    assert found["checkpoint"]["digest"] == find_checkpoint(models / "smooth.safetensors").digest


def test_prepare_and_train_take_names_and_refuse_what_does_not_label(models, pictures, prepared):
    result = inpaint("prepare", "folder", "--source", pictures, "--parsing", "smooth", "-o", "a.h5", "--size", 32)
    assert result.exit_code == 3 and "smooth: a checkpoint of mde, which gives no label maps" in result.stderr
    result = inpaint("train", "--method", "gfc", "--data", prepared, "--masks", "block:8", "--set", "width=4",
                     "--weights", "face-parser=smooth", "--device", "cpu", "--steps", 1)  # fmt: skip
    assert result.exit_code == 3 and "a checkpoint of mde, not of face-parser" in result.stderr


def test_a_file_or_run_of_the_name_comes_first(models, trained, tmp_path):
    assert checkpoint_of("smooth") == models / "smooth.safetensors"
    assert checkpoint_of(tmp_path / "smooth") == tmp_path / "smooth", "a path with folders names no model"
    shutil.copy(models / "plain.safetensors", "smooth")
    assert inpaint_cli.load("smooth").card["digest"] == find_checkpoint(models / "plain.safetensors").digest
    (tmp_path / "smooth").unlink()
    shutil.copytree(trained, "smooth")
    assert inpaint_cli.load("smooth").card["digest"] == find_checkpoint(trained).digest


@pytest.mark.parametrize(
    "arguments",
    [
        ["complete", "photo.png", "--mask", "block:8", "--checkpoint", "smoth"],
        ["models", "smoth"],
        ["export", "smoth", "-o", "a.safetensors"],
        ["prepare", "folder", "--source", ".", "--parsing", "smoth"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_name_that_does_not_exist_names_the_nearest(models, photo, arguments):
    result = inpaint(*arguments)
    assert result.exit_code == 3
    words = "inpaint: smoth: no such file or run, and no model 'smoth'; did you mean 'smooth'? Choices: plain, smooth\n"
    assert result.stderr == words


def test_missing_paths_are_named_as_ever(models, tmp_path):
    for path in ("runs/smooth", tmp_path / "smooth.safetensors"):
        with pytest.raises(InputError, match=f"^{path}: no such checkpoint$"):
            inpaint_cli.load(path)


def test_a_damaged_model_is_named(models, monkeypatch, tmp_path):
    content = bytearray((models / "smooth.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "smooth.safetensors").write_bytes(content)
    monkeypatch.setattr("inpaint_cli.jobs.shipped.FOLDER", tmp_path)
    for arguments in (["models"], ["models", "smooth"]):
        result = inpaint(*arguments)
        assert result.exit_code == 3 and "smooth.safetensors: damaged" in result.stderr


def test_sets_are_completed_by_name(models, prepared):
    result = inpaint("complete", "--data", prepared, "--masks", "center:8", "--checkpoint", "smooth", "-o", "out.h5",
                     "--limit", 2)  # fmt: skip
    assert result.exit_code == 0, result.stderr


def test_a_loaded_model_fills_what_is_missing(models):
    picture, hole = smooth_pictures(1, 32, seed=7)[0], np.zeros((32, 32), bool)
    hole[8:16, 8:16] = True
    filled = inpaint_cli.load("smooth").complete(picture, hole)
    assert (filled[~hole] == picture[~hole]).all() and (filled[hole] != picture[hole]).any()
