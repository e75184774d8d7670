"""Mask files: of any kind, of another size, turned, and what is no mask at all."""

import io
from pathlib import Path

import numpy as np
import pytest
from mask_shapes import hard, smooth
from PIL import Image

from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.imaging.mask_files import check_fit, layers_of, looks_like_mask, open_mask, read_sources
from inpaint_cli.imaging.photos import Photo, read_photo

CASES = Path(__file__).parents[3] / "shared" / "cases"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason="the collection of cases is not here")
DISC = hard("disc") == 255
HEIGHT, WIDTH = DISC.shape


def textured() -> Photo:
    """A photo of the mask's size with as many colours as photos have."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (12, 15, 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)).astype(int)
    return Photo((picture + generator.integers(-15, 16, picture.shape)).clip(4, 251).astype(np.uint8))


PHOTO = textured()


def palette(colours: list[int]) -> Image.Image:
    image = Image.fromarray(DISC.astype(np.uint8), "P")
    image.putpalette(colours)
    return image


def of_red() -> Image.Image:
    return Image.fromarray(np.where(DISC[:, :, None], np.uint8([255, 0, 0]), np.uint8(0)))


PLAIN = {
    "0 and 1": lambda: Image.fromarray(DISC.astype(np.uint8)),
    "0 and 1 of 16 bits": lambda: Image.fromarray(DISC.astype(np.uint16)),
    "float": lambda: Image.fromarray(DISC.astype(np.float32)),
    "red on black": of_red,
    "one bit": lambda: Image.fromarray(DISC),
    "palette": lambda: palette([0, 0, 0, 128, 0, 0]),
    "palette of two colours of one lightness": lambda: palette([76, 76, 76, 254, 0, 0]),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_two_levels_mean_what_they_plainly_mean(tmp_path, kind):
    PLAIN[kind]().save(tmp_path / "mask.tif")
    np.testing.assert_array_equal(open_mask(tmp_path / "mask.tif", PHOTO).hole, DISC)


def test_smooth_edges_are_hole_where_colour_or_transparency_draws_them(tmp_path):
    levels = smooth("disc")
    Image.fromarray(levels).save(tmp_path / "grey.png")
    white = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    Image.fromarray(np.dstack([white, levels])).save(tmp_path / "alpha.png")
    Image.fromarray(np.dstack([PHOTO.pixels, 255 - levels])).save(tmp_path / "erased.png")
    for name in ("grey", "alpha", "erased"):
        np.testing.assert_array_equal(open_mask(tmp_path / f"{name}.png", PHOTO).hole, levels > 0, name)
    Image.fromarray(255 - levels).save(tmp_path / "inverted.png")
    np.testing.assert_array_equal(open_mask(tmp_path / "inverted.png", PHOTO, invert=True).hole, levels > 0)


def test_a_mask_without_a_hole_says_what_was_seen(tmp_path):
    for level, words in ((1, "no hole; every pixel of it has the level 1 of 255"), (254, "all hole; .*254 of 255")):
        Image.new("L", (WIDTH, HEIGHT), level).save(tmp_path / "mask.png")
        with pytest.raises(InputError, match=words):
            open_mask(tmp_path / "mask.png", PHOTO)


def test_a_picture_in_the_place_of_a_mask_is_refused(tmp_path):
    import skimage.data

    picture = Image.fromarray(skimage.data.astronaut()).resize((WIDTH, HEIGHT))
    picture.save(tmp_path / "picture.png")
    with pytest.raises(InputError, match=r"picture\.png: is a picture and no mask: \d+% of its pixels are neither"):
        open_mask(tmp_path / "picture.png", PHOTO)
    with pytest.raises(InputError, match="seem to be exchanged"):
        open_mask(tmp_path / "picture.png", Photo(hard("disc")[:, :, None]))


@pytest.mark.parametrize("colour", [(255, 255, 255), (255, 0, 0)])
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_copy_of_the_photo_that_was_painted_on_is_refused_with_what_helps(tmp_path, colour, form):
    painted = np.where(DISC[:, :, None], np.uint8(colour), PHOTO.pixels)
    Image.fromarray(painted).save(tmp_path / "copy", form, quality=95)
    with pytest.raises(InputError, match=r"is a copy of the photo in which [\d,]+ pixels differ.*--mask auto:COLOR"):
        open_mask(tmp_path / "copy", PHOTO)


def test_the_photo_itself_is_refused_as_its_mask(tmp_path):
    Image.fromarray(PHOTO.pixels).save(tmp_path / "photo.png")
    with pytest.raises(InputError, match=r"photo\.png: is the photo itself, and no mask"):
        open_mask(tmp_path / "photo.png", PHOTO)


def test_a_black_and_white_photo_may_have_a_mask_like_itself(tmp_path):
    Image.fromarray(hard("disc")).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(open_mask(tmp_path / "mask.png", Photo(hard("stroke")[:, :, None])).hole, DISC)


def test_what_looks_like_a_mask(tmp_path):
    for name, levels, wanted in (("mask", hard("disc"), True), ("smooth", smooth("disc"), True)):
        Image.fromarray(levels).save(tmp_path / f"{name}.png")
        assert looks_like_mask(tmp_path / f"{name}.png") == wanted
    Image.fromarray(PHOTO.pixels).save(tmp_path / "photo.png")
    Image.new("L", (9, 9)).save(tmp_path / "black.png")
    (tmp_path / "text.png").write_text("text")
    assert not any(looks_like_mask(tmp_path / f"{name}.png") for name in ("photo", "black", "text", "none"))


# ---- sizes and turns -------------------------------------------------------------------------------------------------


def phone(tmp_path: Path, orientation: int) -> Photo:
    """A photo as a phone stores it, of 200×160 pixels before it is turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(PHOTO.pixels).save(tmp_path / "phone.png", exif=exif)
    return read_photo(tmp_path / "phone.png")


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_mask_of_the_stored_size_is_turned_like_the_photo(tmp_path, orientation):
    photo = phone(tmp_path, orientation)
    Image.fromarray(hard("polygon")).save(tmp_path / "mask.png")
    marked = np.where((hard("polygon") == 255)[:, :, None], np.uint8([255, 0, 255]), PHOTO.pixels)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(marked).save(tmp_path / "marked.png", exif=exif)
    wanted = (read_photo(tmp_path / "marked.png").pixels == (255, 0, 255)).all(axis=2)
    found = open_mask(tmp_path / "mask.png", photo)
    np.testing.assert_array_equal(found.hole, wanted)
    assert "EXIF orientation" in found.notes[0] and "turned like the photo" in found.notes[0]


def test_a_mask_that_could_be_either_way_up_is_taken_for_upright_and_that_is_said(tmp_path):
    Image.fromarray(hard("polygon")).save(tmp_path / "mask.png")
    found = open_mask(tmp_path / "mask.png", phone(tmp_path, 3))
    np.testing.assert_array_equal(found.hole, hard("polygon") == 255)
    assert "taken for upright" in found.notes[0]
    assert open_mask(tmp_path / "mask.png", PHOTO).notes == ()


def test_a_mask_with_an_orientation_of_its_own_is_not_turned_twice(tmp_path):
    photo = phone(tmp_path, 6)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(hard("polygon")).save(tmp_path / "mask.png", exif=exif)
    np.testing.assert_array_equal(open_mask(tmp_path / "mask.png", photo).hole, np.rot90(hard("polygon") == 255, -1))


def test_a_mask_of_another_size_is_refused_with_both_sizes_or_fitted(tmp_path):
    mark = np.zeros((20, 30), np.uint8)
    mark[5:15, 5:25] = 255
    Image.fromarray(mark).save(tmp_path / "mark.png")
    with pytest.raises(InputError, match=r"the mask is 30×20 but the photo is 200×160 pixels; .*--fit-mask resize"):
        open_mask(tmp_path / "mark.png", PHOTO)
    with pytest.raises(InputError, match=r"photo is 160×200 pixels \(after its EXIF orientation\)"):
        open_mask(tmp_path / "mark.png", phone(tmp_path, 6))
    wanted = np.zeros((HEIGHT, WIDTH), bool)
    wanted[5:15, 5:25] = True
    np.testing.assert_array_equal(open_mask(tmp_path / "mark.png", PHOTO, fit="top-left").hole, wanted)
    np.testing.assert_array_equal(open_mask(tmp_path / "mark.png", PHOTO, fit="bottom-right").hole, wanted[::-1, ::-1])
    resized = open_mask(tmp_path / "mark.png", PHOTO, fit="resize").hole
    assert resized.shape == (HEIGHT, WIDTH) and resized[42:118, 36:164].all() and resized.mean() < 0.36
    Image.fromarray(np.tile(mark, (12, 12))).save(tmp_path / "large.png")
    assert open_mask(tmp_path / "large.png", PHOTO, fit="top-left").hole[5:15, 5:25].all()
    with pytest.raises(UsageError, match=r"no way 'middle'.*resize"):
        check_fit("middle")


def test_sources_are_what_is_wholly_white(tmp_path):
    Image.fromarray(smooth("disc")).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_sources(tmp_path / "a.png", (WIDTH, HEIGHT)), smooth("disc") >= 128)
    Image.fromarray(DISC.astype(np.uint8)).save(tmp_path / "b.png")
    np.testing.assert_array_equal(read_sources(tmp_path / "b.png", (WIDTH, HEIGHT)), DISC)


def test_layers_know_whether_their_kind_of_file_loses_something():
    held = io.BytesIO()
    Image.fromarray(hard("disc")).save(held, "JPEG")
    assert layers_of(Image.open(held)).compressed and not layers_of(Image.fromarray(hard("disc"))).compressed


# ---- the cases -------------------------------------------------------------------------------------------------------


@needs_cases
def test_the_cases_of_pictures_and_of_the_sensors_orientation():
    folder = CASES / "07_photo_as_mask"
    for photo, mask in (("p5_photo", "photo_with_white_paint"), ("photo_with_white_paint", "p5_photo")):
        with pytest.raises(InputError, match="copy of the photo in which 1,313 pixels"):
            open_mask(folder / f"{mask}.png", read_photo(folder / f"{photo}.png"))
    folder = CASES / "09_exif_sensor_mask"
    found = open_mask(folder / "mask_stored.png", read_photo(folder / "phone.jpg"))
    assert found.hole.shape == (400, 300) and found.hole.sum() == 3877 and "turned like the photo" in found.notes[0]


@needs_cases
def test_the_case_of_a_smooth_brush():
    folder = CASES / "01_antialiased_mask"
    for name in ("stamp", "disc"):
        levels = np.asarray(Image.open(folder / f"{name}_mask.png"))
        hole = open_mask(folder / f"{name}_mask.png", read_photo(folder / f"{name}.png")).hole
        assert hole[levels > 4].all() and not hole[levels == 0].any()
