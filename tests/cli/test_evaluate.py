"""`inpaint evaluate`: figures with everything needed to judge them."""

import json

import numpy as np
import pytest
from conftest import inpaint
from PIL import Image

from inpaint_cli.data.reader import PreparedFile


def results(*arguments):
    done = inpaint("evaluate", *arguments, "--json", "-q")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)["results"]


def test_results_carry_what_they_were_measured_on(prepared, trained):
    found = results("--checkpoint", trained, "--data", prepared, "--masks", "center:8", "--masks", "rec:0.3")
    assert [result["masks"] for result in found] == ["center:8", "rec:0.3"]
    for result in found:
        assert result["images"] == len(PreparedFile(prepared).split("test"))
        assert {"psnr", "ssim", "mse", "psnr_hole", "mse_hole"} <= result["metrics"].keys()
        assert result["data"]["identity"] == PreparedFile(prepared).identity
        assert len(result["checkpoint"]["digest"]) == 64 and result["checkpoint"]["step"] == 4
        assert result["definitions"].keys() >= {"psnr", "ssim", "mse"}


def test_figures_do_not_depend_on_the_batch(prepared, trained):
    one, three = (
        results("--checkpoint", trained, "--data", prepared, "--masks", "rec:0.3", "--batch", batch)[0]["metrics"]
        for batch in (1, 3)
    )
    assert one["psnr"] == pytest.approx(three["psnr"], abs=0.05) and one["ssim"] == pytest.approx(
        three["ssim"], abs=0.005
    )


def test_methods_are_measured_on_the_same_holes(prepared):
    """A hole of 8×8 in 32×32: the whole image's error is the hole's, spread over 16 times as many pixels."""
    metrics = results("--method", "tv", "--data", prepared, "--masks", "center:8")[0]["metrics"]
    assert metrics["mse"] == pytest.approx(metrics["mse_hole"] / 16, rel=1e-6)
    assert metrics["psnr"] == pytest.approx(metrics["psnr_hole"] + 10 * np.log10(16), abs=1e-6)


def test_seed_changes_random_masks_alone(prepared):
    def mse(masks, seed):
        return results("--method", "tv", "--data", prepared, "--masks", masks, "--seed", seed)[0]["metrics"]["mse"]

    assert mse("block:8", 0) == mse("block:8", 0) != mse("block:8", 1)
    assert mse("center:8", 0) == mse("center:8", 1)


def test_limit_split_file_and_grid(prepared, tmp_path):
    output, grid = tmp_path / "results.json", tmp_path / "grid.png"
    arguments = ["--method", "tv", "--data", prepared, "--masks", "center:8", "--split", "train", "--limit", 3]
    done = inpaint("evaluate", *arguments, "-o", output, "--grid", grid)
    assert done.exit_code == 0, done.stderr
    assert json.loads(output.read_text())["results"][0]["images"] == 3
    assert "| tv" in done.stdout and "PSNR" in done.stdout and "train" in done.stdout
    assert Image.open(grid).size[0] > 3 * 32
    again = inpaint("evaluate", *arguments, "-o", output)
    assert again.exit_code == 2 and "--overwrite" in again.stderr


@pytest.mark.parametrize(
    ("changed", "code", "expected"),
    [
        (["--split", "tests"], 3, "did you mean 'test'"),
        (["--masks", "centre:8"], 2, "did you mean 'center'"),
        (["--masks", "center:64"], 2, "64"),
        (["--data", "absent.h5"], 3, "absent.h5"),
    ],
)
def test_mistakes_are_one_message(prepared, changed, code, expected):
    given = {"--method": "tv", "--data": prepared, "--masks": "center:8", changed[0]: changed[1]}
    result = inpaint("evaluate", *[word for pair in given.items() for word in pair])
    assert result.exit_code == code, result.stderr
    assert expected in result.stderr and "Traceback" not in result.stderr


def test_a_checkpoint_for_another_size_is_refused_with_both_sizes(pictures, trained, tmp_path):
    other = tmp_path / "other.h5"
    inpaint("prepare", "folder", "--source", pictures, "-o", other, "--size", "64", "--workers", "1", "-q")
    result = inpaint("evaluate", "--checkpoint", trained, "--data", other, "--masks", "center:8")
    assert result.exit_code == 3 and "32×32" in result.stderr and "64×64" in result.stderr


def test_a_data_file_cut_short_is_refused(prepared, tmp_path):
    cut = tmp_path / "cut.h5"
    cut.write_bytes(prepared.read_bytes()[:-5000])
    result = inpaint("evaluate", "--method", "tv", "--data", cut, "--masks", "center:8")
    assert result.exit_code == 3 and "cut.h5" in result.stderr and "Traceback" not in result.stderr
