"""What counts as a hole: files with and without transparency, colours, growing and fading."""

import numpy as np
import pytest
from PIL import Image

from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.imaging.holes import (
    dilated,
    faded,
    pixels_of_colour,
    transparent_pixels,
)
from inpaint_cli.imaging.mask_files import open_mask, read_mask, read_sources, write_mask
from inpaint_cli.imaging.photos import Photo

HOLE = np.zeros((20, 30), bool)
HOLE[4:9, 5:12] = True
NOISE = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def save(path, colour, alpha=None):
    """An RGB(A) file from arrays that broadcast."""
    pixels = np.zeros((20, 30, 3), np.uint8) + colour
    layers = [pixels.astype(np.uint8)] + ([] if alpha is None else [alpha[:, :, None].astype(np.uint8)])
    Image.fromarray(np.concatenate(layers, axis=2)).save(path)
    return path


PAINT = HOLE[:, :, None] * 255
WITH_ALPHA = {
    "white paint on nothing": (PAINT, HOLE * 255),
    "white everywhere, painted by alpha": (255, HOLE * 255),
    "white and black paint, the rest left out": (PAINT, (HOLE | (np.arange(30) > 15)) * 255),
    "soft edges": (255, np.where(HOLE, 200, 40)),
    "black with the hole erased": (0, ~HOLE * 255),
    "a photo with the hole erased": (NOISE, ~HOLE * 255),
    "grey with the hole erased": (120, ~HOLE * 255),
    "opaque throughout": (PAINT, HOLE * 0 + 255),
}


@pytest.mark.parametrize("kind", WITH_ALPHA)
def test_masks_with_transparency(tmp_path, kind):
    mask = open_mask(save(tmp_path / "mask.png", *WITH_ALPHA[kind]), Photo(NOISE))
    np.testing.assert_array_equal(mask.hole, HOLE)
    assert ("transparent part" in " ".join(mask.notes)) == ("erased" in kind)


def test_inverting(tmp_path):
    save(tmp_path / "mask.png", PAINT)
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png", invert=True), ~HOLE)


def test_more_than_half_is_warned_of_with_the_option_that_helps(tmp_path):
    save(tmp_path / "mask.png", 255 - PAINT)
    assert (
        "94%" in open_mask(tmp_path / "mask.png").notes[0]
        and "--invert-mask" in open_mask(tmp_path / "mask.png").notes[0]
    )
    assert open_mask(tmp_path / "mask.png", invert=True).notes == ()


def test_written_masks_are_read_back(tmp_path):
    for name in ("a.png", "a.bmp", "a.jpg", "a.webp", "a.tif"):
        write_mask(HOLE, tmp_path / name)
        np.testing.assert_array_equal(read_mask(tmp_path / name, (30, 20)), HOLE)


def test_sources_are_white_and_may_be_everything(tmp_path):
    np.testing.assert_array_equal(read_sources(save(tmp_path / "some.png", PAINT), (30, 20)), HOLE)
    assert read_sources(save(tmp_path / "all.png", 255), (30, 20)).all()
    with pytest.raises(InputError, match=r"none\.png: nothing is white"):
        read_sources(save(tmp_path / "none.png", 0), (30, 20))
    with pytest.raises(InputError, match=r"30×20.*31×20"):
        read_sources(tmp_path / "some.png", (31, 20))


@pytest.mark.parametrize("text", ["magenta", "#ff00ff", "#f0f", "rgb(255, 0, 255)", "#FF00FF,0"])
def test_pixels_of_a_colour(text):
    pixels = np.where(HOLE[:, :, None], np.array([255, 0, 255]), 100).astype(np.uint8)
    pixels[0, 0] = 250, 3, 255
    np.testing.assert_array_equal(pixels_of_colour(Photo(pixels), text), HOLE)
    near = pixels_of_colour(Photo(pixels), "#ff00ff,5")
    assert near[0, 0] and near.sum() == HOLE.sum() + 1


def test_colours_of_grey_and_deep_photos_and_under_transparency():
    deep = np.where(HOLE, 65535, 0).astype(np.uint16)[:, :, None]
    np.testing.assert_array_equal(pixels_of_colour(Photo(deep), "white"), HOLE)
    assert not pixels_of_colour(Photo(deep, alpha=np.zeros((20, 30), np.uint16)), "white").any()


@pytest.mark.parametrize("text", ["", "mgenta", "#ff", "red,x", "red,-1"])
def test_colours_that_cannot_be_read_are_usage_errors(text):
    with pytest.raises(UsageError, match="auto:#ff00ff,12"):
        pixels_of_colour(Photo(NOISE), text)


def test_transparent_pixels_are_all_that_is_not_opaque():
    alpha = np.full((20, 30), 65535, np.uint16)
    alpha[HOLE] = 65534
    np.testing.assert_array_equal(transparent_pixels(Photo(NOISE, alpha)), HOLE)
    with pytest.raises(InputError, match="no transparency"):
        transparent_pixels(Photo(NOISE))


@pytest.mark.parametrize("pixels", [0, 1, 3, 30])
def test_growing_by_a_square(pixels):
    grown = np.zeros_like(HOLE)
    grown[max(4 - pixels, 0) : 9 + pixels, max(5 - pixels, 0) : 12 + pixels] = True
    np.testing.assert_array_equal(dilated(HOLE, pixels), grown)
    channels = dilated(np.dstack([HOLE, ~HOLE]), pixels)
    np.testing.assert_array_equal(channels[:, :, 0], grown)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_fading_falls_with_the_distance_from_the_hole(dtype):
    original, completed = np.zeros((20, 30, 3), dtype), np.full((1, 20, 30, 3), 200, dtype)
    result = faded(original, completed, HOLE, 3)[0]
    assert result.dtype == dtype and (result[HOLE] == 200).all()
    assert result[6, 11:17, 0].tolist() == [200, 150, 100, 50, 0, 0]
    assert (result[~dilated(HOLE, 3)] == 0).all()
