"""`inpaint complete --pages`: all pages of a TIFF and all frames of an animation, or one of them."""

import numpy as np
import pytest
from conftest import inpaint, pixels, smooth_pictures
from PIL import Image

import inpaint_cli
from inpaint_cli.errors import InputError, UsageError

PICTURES = [picture[:90, :70] for picture in smooth_pictures(3, 90, seed=5)]
HOLE = np.zeros((90, 70), bool)
HOLE[30:50, 20:45] = True


def run_tv(*arguments):
    return inpaint("complete", *arguments, "--method", "tv")


def frames(path):
    with Image.open(path) as image:
        found = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            found.append(np.asarray(image.convert("RGB")))
        return found


@pytest.fixture
def scan(tmp_path):
    """A TIFF of three pages of different depth and size, with tags of their own."""
    import tifffile

    with tifffile.TiffWriter(tmp_path / "scan.tif") as file:
        file.write(PICTURES[0], photometric="rgb", compression="lzw", resolution=(300, 300), description="page 1")
        file.write(PICTURES[1].astype(np.uint16) * 257, photometric="rgb", resolution=(600, 600), description="page 2")
        file.write(PICTURES[2][:, :, 0], photometric="minisblack", compression="zlib", description="page 3")
    return tmp_path / "scan.tif"


@pytest.fixture
def animation(tmp_path):
    images = [Image.fromarray(picture) for picture in PICTURES]
    images[0].save(
        tmp_path / "a.webp", save_all=True, append_images=images[1:], duration=[40, 80, 120], loop=3, lossless=True
    )
    return tmp_path / "a.webp"


def test_all_pages_of_a_tiff_with_their_depth_and_tags(scan, mask):
    import tifffile

    result = run_tv(scan, "--mask", mask, "--pages", "all")
    assert result.exit_code == 0 and result.stderr == "", result.stderr
    with tifffile.TiffFile(scan) as before, tifffile.TiffFile(scan.with_name("scan_inpaint.tif")) as after:
        assert len(after.pages) == 3
        for old, new in zip(before.pages, after.pages, strict=True):
            assert old.dtype == new.dtype and old.compression == new.compression and old.shape == new.shape
            assert old.description == new.description and old.tags[282].value == new.tags[282].value
            np.testing.assert_array_equal(old.asarray()[~HOLE], new.asarray()[~HOLE])
            assert (old.asarray()[HOLE] != new.asarray()[HOLE]).any()


def test_one_page_is_completed_as_if_it_were_alone(scan, mask, tmp_path):
    result = run_tv(scan, "--mask", mask, "--pages", 2, "-o", tmp_path / "two.tif")
    assert result.exit_code == 0 and result.stderr == "", result.stderr
    import tifffile

    back = tifffile.imread(tmp_path / "two.tif")
    np.testing.assert_array_equal(back[~HOLE], PICTURES[1][~HOLE].astype(np.uint16) * 257)
    missing = run_tv(scan, "--mask", mask, "--pages", 4, "-o", tmp_path / "four.tif")
    assert missing.exit_code == 3 and "there is no page 4: the file holds 3" in missing.stderr


def test_without_the_option_it_is_the_first_and_that_is_said(scan, mask):
    result = run_tv(scan, "--mask", mask)
    assert "several pages: the first was completed (--pages all, or a number)" in result.stderr


@pytest.mark.parametrize("target", ["png", "webp", "tif"])
def test_all_frames_of_an_animation(animation, mask, tmp_path, target):
    result = run_tv(animation, "--mask", mask, "--pages", "all", "-o", tmp_path / f"out.{target}")
    assert result.exit_code == 0, result.stderr
    made = frames(tmp_path / f"out.{target}")
    assert len(made) == 3
    for picture, frame in zip(PICTURES, made, strict=True):
        np.testing.assert_array_equal(frame[~HOLE], picture[~HOLE])
        assert (frame[HOLE] != picture[HOLE]).any()
    if target == "webp":
        with Image.open(tmp_path / "out.webp") as image:
            image.seek(1)
            image.load()
            assert image.info["duration"] == 80 and image.info["loop"] == 3


def test_a_gif_becomes_an_animated_png(mask, tmp_path):
    images = [Image.fromarray(picture).quantize(64) for picture in PICTURES]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=50)
    result = run_tv(tmp_path / "a.gif", "--mask", mask, "--pages", "all")
    assert result.exit_code == 0 and "the result is a PNG" in result.stderr
    for old, new in zip(frames(tmp_path / "a.gif"), frames(tmp_path / "a_inpaint.png"), strict=True):
        np.testing.assert_array_equal(old[~HOLE], new[~HOLE])


def test_samples_are_files_of_all_pages(scan, mask, tmp_path, trained):
    result = inpaint(
        "complete", scan, "--mask", mask, "--pages", "all", "--samples", 2, "--checkpoint", trained,
        "-o", tmp_path / "o.tif",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert [len(frames(tmp_path / f"o_{number}.tif")) for number in (1, 2)] == [3, 3]


@pytest.mark.parametrize(("pages", "code"), [("0", 2), ("some", 2), ("-1", 2)])
def test_pages_that_cannot_be_meant(scan, mask, pages, code):
    result = run_tv(scan, "--mask", mask, "--pages", pages)
    assert result.exit_code == code and "all, or the number of one" in result.stderr, result.stderr


def test_a_format_of_one_picture_is_refused(scan, mask, tmp_path):
    result = run_tv(scan, "--mask", mask, "--pages", "all", "-o", tmp_path / "o.jpg")
    assert result.exit_code == 3 and "JPEG holds one picture; TIFF, PNG and WebP hold several" in result.stderr


def test_one_photo_is_all_pages_of_itself(photo, mask, tmp_path):
    for pages in ("all", "1"):
        assert run_tv(photo, "--mask", mask, "--pages", pages, "-o", tmp_path / f"{pages}.png").exit_code == 0
    np.testing.assert_array_equal(pixels(tmp_path / "all.png"), pixels(tmp_path / "1.png"))


def test_the_library_takes_pages_too(scan, tmp_path):
    import tifffile

    told = []
    written = inpaint_cli.complete(
        scan, HOLE, method="tv", pages="all", output=tmp_path / "o.tif", progress=lambda *state: told.append(state)
    )
    assert written == tmp_path / "o.tif" and len(tifffile.TiffFile(written).pages) == 3
    assert told[0] == (0, 300) and told[-1] == (300, 300) and told == sorted(told)
    one = inpaint_cli.complete(scan, HOLE, method="tv", pages=3, output=tmp_path / "three.tif")
    np.testing.assert_array_equal(tifffile.imread(one)[~HOLE], PICTURES[2][:, :, 0][~HOLE])
    with pytest.raises(InputError, match="there is no page 9"):
        inpaint_cli.complete(scan, HOLE, method="tv", pages=9, output=tmp_path / "nine.tif")
    with pytest.raises(UsageError, match="--pages none"):
        inpaint_cli.complete(scan, HOLE, method="tv", pages="none", output=tmp_path / "n.tif")
