"""`prepare --observe` and `train` of methods that learn from observations, on the command line."""

import json

import numpy as np
import pytest
from conftest import inpaint, pixels

from inpaint_cli.engine.runs import RunDirectory

SMALL = ["--set", "width=4", "--set", "discriminator_width=4", "--set", "encoder_width=4"]


@pytest.fixture(scope="module")
def observations(pictures, tmp_path_factory):
    path = tmp_path_factory.mktemp("observed") / "observed.h5"
    command = ("prepare", "folder", "--source", pictures, "-o", path, "--size", 32, "--workers", 1, "-q")
    result = inpaint(*command, "--observe", "noise:0.5")
    assert result.exit_code == 0, result.stderr
    return path


def train(data, run, *more):
    command = ("train", "--method", "unsupervised", "--data", data, "--outdir", run, "--steps", 1, "--device", "cpu")
    return inpaint(*command, *SMALL, *more)


def test_observations_train_completions_without_originals(observations, tmp_path):
    result = train(observations, tmp_path / "run", "--batch", 4)
    assert result.exit_code == 0, result.stderr
    assert "those of" not in result.stderr, "the masks are those of the declared process"
    run = RunDirectory(tmp_path / "run")
    configuration = run.read_configuration()
    assert configuration["masks"] == "noise:0.5" and configuration["accumulate"] == 1
    completed = tmp_path / "out.png"
    photo, mask = tmp_path / "p.png", tmp_path / "m.png"
    _save(photo, np.full((32, 32, 3), 90, np.uint8))
    hole = np.zeros((32, 32), np.uint8)
    hole[8:24, 8:24] = 255
    _save(mask, hole)
    made = inpaint(
        "complete", photo, "--mask", mask, "--checkpoint", run.path, "--samples", 2, "-o", completed,
        "--uncertainty", tmp_path / "u.png", "--blend", "paste", "-q",
    )  # fmt: skip
    assert made.exit_code == 0, made.stderr
    one, two = (pixels(tmp_path / f"out_{number}.png") for number in (1, 2))
    assert not np.array_equal(one, two) and (one[pixels(mask) == 0] == 90).all() and (tmp_path / "u.png").exists()


def _save(path, array):
    from PIL import Image

    Image.fromarray(array).save(path)


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        (["--batch", 4, "--validate-every", 1], 2, "unsupervised learns from observations alone: --validate-every"),
        (["--batch", 4, "--set", "supervision=paired"], 3, "misgan and unsupervised learn from observations"),
        (["--batch", 1], 2, "batch norm needs two images at once"),
        (["--batch", 4, "--accumulate", 4], 2, "batch norm needs two images at once"),
        (["--batch", 4, "--masks", "center:8"], 2, "center:8 hides the same pixels of every image"),
        (["--batch", 4, "--masks", "noise:0.9"], 0, "those of noise:0.9"),
    ],
)
def test_what_does_not_go_with_observations_is_said(observations, tmp_path, more, code, says):
    result = train(observations, tmp_path / "run", *more)
    assert result.exit_code == code and says in " ".join(result.stderr.split()), result.stderr
    assert (tmp_path / "run").exists() == (code == 0), "the corrected command must not find a run there"


def test_images_of_which_nothing_is_missing_and_other_sides_are_refused(prepared, pictures, tmp_path):
    whole = train(prepared, tmp_path / "run", "--batch", 4, "--masks", "none")
    assert whole.exit_code == 3 and "nothing is missing" in whole.stderr
    small = tmp_path / "small.h5"
    assert (
        inpaint("prepare", "folder", "--source", pictures, "-o", small, "--size", 24, "--workers", 1, "-q").exit_code
        == 0
    )
    refused = train(small, tmp_path / "run", "--batch", 4, "--masks", "noise:0.5")
    assert refused.exit_code == 3 and "halves square images to 32×32, and these are 24×24" in refused.stderr


def test_a_papers_batch_is_computed_in_its_parts_unless_another_is_asked_for(prepared, tmp_path):
    """512 images in 4 parts; the run is refused only after its configuration is settled."""
    from inpaint_cli.methods import method_class

    assert method_class("unsupervised").defaults.accumulate == 4
    result = train(prepared, tmp_path / "run", "--masks", "noise:0.5", "--batch", 8, "--accumulate", 2)
    assert result.exit_code == 0, result.stderr
    assert json.loads((tmp_path / "run" / "run.json").read_text())["accumulate"] == 2
