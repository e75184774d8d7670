"""`inpaint complete --reference`: another face's features inside the hole, through a latent search."""

import json

import numpy as np
import pytest
import torch
from conftest import inpaint, pixels, smooth_pictures
from PIL import Image

from inpaint_cli.engine.checkpoints import find_checkpoint, write_checkpoint
from inpaint_cli.methods.semantic import Semantic

SMALL = {"width": 4, "search_steps": 16, "restarts": 2, "candidates": 16, "critic_steps": 1}


@pytest.fixture(scope="module")
def searching(prepared, tmp_path_factory):
    """The run directory of a small semantic after one step."""
    run = tmp_path_factory.mktemp("runs") / "semantic"
    small = [part for name, value in SMALL.items() for part in ("--set", f"{name}={value}")]
    result = inpaint(
        "train", "--method", "semantic", "--data", prepared, "--outdir", run, "--masks", "center:8", "--batch", 4,
        "--steps", 1, "--device", "cpu", "-q", *small,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    return run


@pytest.fixture
def reference(tmp_path):
    """Another picture of the photo's 70×90 pixels."""
    path = tmp_path / "reference.png"
    Image.fromarray(smooth_pictures(1, 90, seed=9)[0][:, :70]).save(path)
    return path


def complete(photo, mask, output, *options):
    return inpaint("complete", photo, "--mask", mask, "-o", output, "--device", "cpu", *options)


def test_the_reference_decides_what_the_hole_shows_and_nothing_else(photo, mask, reference, searching, tmp_path):
    names = {"without": [], "with": ["--reference", reference], "itself": ["--reference", photo]}
    for name, options in names.items():
        result = complete(photo, mask, tmp_path / f"{name}.png", "--checkpoint", searching, *options)
        assert result.exit_code == 0, result.stderr
    known, found = pixels(mask) == 0, {name: pixels(tmp_path / f"{name}.png") for name in names}
    for own in found.values():
        np.testing.assert_array_equal(own[known], pixels(photo)[known])
    assert not np.array_equal(found["with"], found["without"])
    assert not np.array_equal(found["with"], found["itself"])


@pytest.mark.parametrize(("photo_mode", "reference_mode"), [("L", "RGB"), ("RGB", "L")])
def test_grey_and_colour_go_together(photo, mask, reference, searching, tmp_path, photo_mode, reference_mode):
    Image.open(photo).convert(photo_mode).save(photo)
    Image.open(reference).convert(reference_mode).save(reference)
    result = complete(photo, mask, tmp_path / "out.png", "--checkpoint", searching, "--reference", reference)
    assert result.exit_code == 0, result.stderr
    assert Image.open(tmp_path / "out.png").mode == photo_mode


def test_a_reference_of_another_size_is_refused_with_both_sizes(photo, mask, reference, searching, tmp_path):
    Image.open(reference).resize((64, 64)).save(reference)
    result = complete(photo, mask, tmp_path / "out.png", "--checkpoint", searching, "--reference", reference)
    assert result.exit_code == 3 and not (tmp_path / "out.png").exists()
    assert "64×64" in result.stderr and "70×90" in result.stderr and "reference.png" in result.stderr


@pytest.mark.parametrize("way", ["has one colour", "is transparent"])
def test_a_reference_that_shows_no_face_in_the_hole_is_refused(photo, mask, reference, searching, tmp_path, way):
    picture = np.array(Image.open(reference).convert("RGBA"))
    hole = pixels(mask) > 0
    picture[hole] = [90, 80, 70, 255] if way == "has one colour" else [*picture[hole][0, :3], 0]
    Image.fromarray(picture).save(reference)
    result = complete(photo, mask, tmp_path / "out.png", "--checkpoint", searching, "--reference", reference)
    assert result.exit_code == 3 and f"reference.png {way} where the hole is" in " ".join(result.stderr.split())


def test_methods_that_look_at_no_reference_say_which_does(photo, mask, reference, tmp_path):
    result = complete(photo, mask, tmp_path / "out.png", "--method", "tv", "--reference", reference)
    assert result.exit_code == 2 and "semantic" in result.stderr


def test_a_reference_that_does_not_exist_is_named(photo, mask, searching, tmp_path):
    result = complete(
        photo, mask, tmp_path / "out.png", "--checkpoint", searching, "--reference", tmp_path / "nobody.png"
    )
    assert result.exit_code == 3 and "nobody.png: no such file" in " ".join(result.stderr.split())


def test_prepared_files_take_no_reference(prepared, reference, searching, tmp_path):
    result = inpaint(
        "complete", "--data", prepared, "--masks", "center:8", "-o", tmp_path / "out.h5", "--checkpoint", searching,
        "--reference", reference,
    )  # fmt: skip
    assert result.exit_code == 2 and "--reference" in result.stderr


def test_a_checkpoint_whose_energy_is_not_finite_ends_with_code_5(photo, mask, searching, tmp_path):
    found = find_checkpoint(searching)
    broken = {
        name: torch.full_like(tensor, 1e30) if "critics" in name and tensor.is_floating_point() else tensor
        for name, tensor in found.tensors.items()
    }
    write_checkpoint(tmp_path / "step-00000001.safetensors", broken, found.header.plain())
    result = complete(photo, mask, tmp_path / "out.png", "--checkpoint", tmp_path / "step-00000001.safetensors")
    assert result.exit_code == 5 and "not finite" in result.stderr and not (tmp_path / "out.png").exists()


def test_starts_that_a_search_drops_are_told_once(photo, mask, prepared, searching, tmp_path, monkeypatch):
    def broken(self, image):
        means = image.mean(dim=(1, 2, 3))
        return torch.where(means > means.median(), torch.nan, means)  # in each block some of the starts

    monkeypatch.setattr(Semantic, "prior", broken)
    chosen = ("--checkpoint", searching, "--set", "restarts=8", "--set", "search_steps=8")
    result = complete(photo, mask, tmp_path / "out.png", *chosen)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("starts were dropped: their energy was not finite") == 1
    evaluated = ["evaluate", *chosen, "--data", prepared, "--masks", "center:8", "--limit", 2, "--device", "cpu"]
    assert inpaint(*evaluated).stderr.count("were dropped") == 1
    assert "were dropped" not in inpaint(*evaluated, "-q").stderr
    filled = ["complete", *chosen, "--data", prepared, "--masks", "center:8", "--limit", 2, "--device", "cpu"]
    assert inpaint(*filled, "-o", tmp_path / "filled.h5").stderr.count("were dropped") == 1
    assert "were dropped" not in inpaint(*filled, "-o", tmp_path / "quietly.h5", "-q").stderr


def test_how_long_is_searched_is_said_for_all_systems_at_once(prepared, searching, tmp_path):
    done = inpaint(
        "train", "--method", "sii", "--data", prepared, "--outdir", tmp_path / "sii", "--masks", "center:8",
        "--batch", 4, "--steps", 1, "--set", "width=4", "--device", "cpu", "-q",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    both = ["evaluate", "--checkpoint", searching, "--checkpoint", tmp_path / "sii", "--data", prepared, "--limit", 2]
    common = ["--masks", "center:8", "--set", "search_steps=3", "--device", "cpu", "--json", "-q"]
    done = inpaint(*both, *common)
    assert done.exit_code == 0, done.stderr
    assert [result["settings"]["search_steps"] for result in json.loads(done.stdout)["results"]] == [3, 3]
    refused = inpaint(*both, *common, "--set", "gradient_loss=true")
    assert refused.exit_code == 2 and f"{searching}, and --set goes to every system" in refused.stderr
