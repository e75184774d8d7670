"""`inpaint complete` of what photographers and restorers bring: soft masks, folders, large files, rasters, mistakes."""

from pathlib import Path

import numpy as np
import pytest
from conftest import inpaint, pixels
from mask_shapes import hard, smooth
from PIL import Image
from scipy import ndimage

CASES = Path(__file__).parents[3] / "shared" / "cases"


def run_tv(*arguments):
    return inpaint("complete", *arguments, "--method", "tv")


@pytest.fixture
def stamped(tmp_path):
    """A smooth photo with a red disc drawn with a smooth edge, its mask, and the photo without it."""
    rows, columns = np.mgrid[:160, :200]
    clean = np.stack([60 + columns / 2, 40 + rows / 2, 90 + (rows + columns) / 4], axis=2)
    share = smooth("disc")[:, :, None] / 255
    Image.fromarray((clean * (1 - share) + np.array([250, 20, 20]) * share).round().astype(np.uint8)).save(
        tmp_path / "photo.png"
    )
    Image.fromarray(smooth("disc")).save(tmp_path / "photo_mask.png")
    return clean


def test_nothing_of_what_a_smooth_brush_covered_is_left(stamped, tmp_path):
    result = run_tv(tmp_path / "photo.png")
    assert result.exit_code == 0 and result.stderr == "", result.stderr
    completed, covered = pixels(tmp_path / "photo_inpaint.png"), smooth("disc") > 0
    assert np.abs(completed.astype(float) - stamped)[covered].max() < 12
    np.testing.assert_array_equal(completed[~covered], pixels(tmp_path / "photo.png")[~covered])


def test_the_fringe_of_a_colour_in_a_jpeg_is_hole_too_and_that_is_said(tmp_path):
    rows, columns = np.mgrid[:160, :200]
    clean = np.stack([60 + columns / 2, 40 + rows / 2, 90 + (rows + columns) / 4], axis=2)
    painted = np.where((hard("polygon") > 0)[:, :, None], [255, 0, 255], clean.round()).astype(np.uint8)
    for name, options in (("a.jpg", {"quality": 85}), ("a.png", {})):
        Image.fromarray(painted).save(tmp_path / name, **options)
        result = run_tv(tmp_path / name, "--mask", "auto:magenta,60", "-o", tmp_path / f"{name}.png")
        assert result.exit_code == 0, result.stderr
        assert ("compressed with the photo: the hole takes 3 pixels more" in result.stderr) == (name == "a.jpg")
        rim = ndimage.binary_dilation(hard("polygon") > 0, iterations=3)
        assert np.abs(pixels(tmp_path / f"{name}.png").astype(float) - clean)[rim].mean() < 6


def test_photo_and_mask_exchanged_and_a_mask_named_like_a_photo(photo, mask, tmp_path):
    texture = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    Image.fromarray(texture).save(tmp_path / "texture.png")
    exchanged = run_tv(mask, "--mask", tmp_path / "texture.png")
    assert exchanged.exit_code == 3 and "texture.png: is a picture and no mask" in exchanged.stderr
    for order in ((photo, mask), (mask, photo)):
        result = run_tv(*order)
        assert result.exit_code == 2, result.stderr
        assert f"inpaint complete {photo} --mask {mask}" in result.stderr and "Traceback" not in result.stderr
    assert not photo.with_name("photo_inpaint.png").exists()


def test_two_photos_that_have_their_masks_are_two_photos_even_if_one_is_black_and_white(photo, mask, tmp_path):
    (tmp_path / "photo_mask.png").write_bytes(mask.read_bytes())
    (tmp_path / "mask_mask.png").write_bytes(mask.read_bytes())
    result = run_tv(photo, mask, "-o", tmp_path / "out")
    assert result.exit_code == 0 and len(list((tmp_path / "out").iterdir())) == 2, result.stderr


def test_folders_are_completed_with_those_below_and_say_what_they_leave_out(photo, mask, tmp_path):
    for name in ("a", "below/b", "below/deeper/c"):
        (tmp_path / "many" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "many" / f"{name}.png").write_bytes(photo.read_bytes())
    (tmp_path / "many" / "raw.nef").touch()
    top = run_tv(tmp_path / "many", "--mask", mask, "-o", tmp_path / "one")
    assert top.exit_code == 0 and "left out 1 file of a kind that is not read (1 .nef)" in top.stderr
    assert "2 subfolders with 2 image files (--recursive takes them)" in top.stderr
    whole = run_tv(tmp_path / "many", "--mask", mask, "-o", tmp_path / "all", "--recursive")
    assert whole.exit_code == 0 and "subfolder" not in whole.stderr
    made = sorted(str(path.relative_to(tmp_path / "all")) for path in (tmp_path / "all").rglob("*.png"))
    assert made == ["a_inpaint.png", "below/b_inpaint.png", "below/deeper/c_inpaint.png"]


def test_one_watermark_for_photos_of_many_sizes(tmp_path):
    for number, size in enumerate([(90, 70), (120, 80)]):
        Image.new("RGB", size, (90, 100, 110)).save(tmp_path / f"{number}.png")
    mark = np.zeros((20, 30), np.uint8)
    mark[5:15, 5:25] = 255
    Image.fromarray(mark).save(tmp_path / "mark.tif")
    choice = [tmp_path / "0.png", tmp_path / "1.png", "--mask", tmp_path / "mark.tif", "-o", tmp_path / "out"]
    refused = run_tv(*choice)
    assert refused.exit_code == 3 and "--fit-mask resize, top-left, bottom-right" in refused.stderr
    assert run_tv(*choice, "--fit-mask", "bottom-right").exit_code == 0
    assert run_tv(*choice, "--fit-mask", "middle").exit_code == 2
    drawn = run_tv(tmp_path / "0.png", "--mask", "block:8", "--fit-mask", "resize")
    assert drawn.exit_code == 2 and "--fit-mask is for mask files" in drawn.stderr


@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_the_missing_numbers_of_a_raster_are_completed(tmp_path, dtype):
    import tifffile

    rows, columns = np.mgrid[:60, :80]
    truth = (1000 + 20 * rows + 10 * columns).astype(dtype)
    hole = np.zeros((60, 80), bool)
    hole[20:30, 30:45] = True
    values = np.where(hole, dtype(-9999) if dtype is np.int16 else np.nan, truth).astype(dtype)
    tifffile.imwrite(tmp_path / "dem.tif", values, extratags=[(42113, 2, 6, "-9999", True)])
    result = run_tv(tmp_path / "dem.tif", "--mask", "nan")
    assert result.exit_code == 0 and result.stderr == "", result.stderr
    back = tifffile.imread(tmp_path / "dem_inpaint.tif")
    np.testing.assert_array_equal(back[~hole], values[~hole])
    assert back.dtype == dtype and np.abs(back[hole].astype(float) - truth[hole]).max() < 100
    assert run_tv(tmp_path / "dem.tif", "--mask", "nan", "-o", tmp_path / "dem.png").exit_code == 3


def test_nan_is_for_rasters(photo):
    result = run_tv(photo, "--mask", "nan")
    assert result.exit_code == 3 and "mask nan: the photo has colours" in result.stderr


def test_the_limit_of_pixels_is_an_option(photo, mask):
    refused = run_tv(photo, "--mask", mask, "--max-megapixels", 0.006)
    assert refused.exit_code == 3 and "70×90 pixels are more than the 6,000" in refused.stderr
    assert run_tv(photo, "--mask", mask, "--max-megapixels", 0.0063).exit_code == 0
    assert run_tv(photo, "--mask", mask, "--max-megapixels", 0).exit_code == 2


def test_a_missing_folder_is_noticed_before_the_work(photo, mask, tmp_path, monkeypatch):
    from inpaint_cli.jobs.photos import choosing

    monkeypatch.setattr(choosing, "complete_photo", lambda *_, **__: pytest.fail("the work had begun"))
    result = run_tv(photo, "--mask", mask, "-o", tmp_path / "nowhere" / "o.png")
    assert result.exit_code == 4 and "nowhere does not exist; make it first" in result.stderr


@pytest.mark.parametrize("method", ["tv", "patch"])
def test_one_photo_tells_how_far_it_is(photo, tmp_path, method):
    from inpaint_cli.jobs.photos.completing import complete_photos

    hole = np.zeros((90, 70), np.uint8)
    hole[10:60, 15:50] = hole[80:84, 60:66] = 255
    Image.fromarray(hole).save(tmp_path / "parts.png")
    told = []
    done = complete_photos(
        [photo], str(tmp_path / "parts.png"), method=method, progress=lambda done, total: told.append((done, total))
    )
    done.raise_for_failures()
    assert told[0] == (0, 100) and told[-1] == (100, 100) and len(told) >= 3
    assert told == sorted(told) and {total for _, total in told} == {100}


@pytest.mark.skipif(not CASES.is_dir(), reason="the collection of cases is not here")
def test_the_case_of_the_date_stamp(tmp_path):
    folder = CASES / "01_antialiased_mask"
    result = inpaint("complete", folder / "stamp.png", "-o", tmp_path / "out.png")
    assert result.exit_code == 0, result.stderr
    covered = pixels(folder / "stamp_mask.png") > 0
    error = (pixels(tmp_path / "out.png").astype(float) - pixels(folder / "clean.png"))[covered]
    assert 10 * np.log10(255**2 / (error**2).mean()) > 45  # dB; 16.2 with half covered pixels taken for known


@pytest.mark.skipif(not CASES.is_dir(), reason="the collection of cases is not here")
@pytest.mark.parametrize("name", ["meta.jpg", "meta.png", "meta.tif", "meta.webp"])
def test_the_cases_with_metadata_say_nothing_and_lose_nothing(tmp_path, name):
    folder = CASES / "04_metadata"
    result = run_tv(folder / name, "--mask", folder / "mask.png", "-o", tmp_path / name)
    assert result.exit_code == 0 and result.stderr == "", result.stderr
    before, after = Image.open(folder / name), Image.open(tmp_path / name)
    for key in ("dpi", "comment", "photoshop", "compression", "Title"):
        assert before.info.get(key) == after.info.get(key), key
