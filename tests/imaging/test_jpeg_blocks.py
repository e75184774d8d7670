"""JPEG blocks in which nothing changed are the old file's, bit for bit."""

from pathlib import Path

import numpy as np
import pytest
from conftest import smooth_pictures
from PIL import Image
from scipy import ndimage

from inpaint_cli.imaging.jpeg_blocks import keep_blocks
from inpaint_cli.imaging.orientation import upright
from inpaint_cli.imaging.photos import read_photo
from inpaint_cli.imaging.writing import write_photo

jpeglib = pytest.importorskip("jpeglib")
HOLE = np.zeros((96, 128), bool)
HOLE[40:56, 50:70] = True


def texture(height: int, width: int) -> np.ndarray:
    noise = np.random.default_rng(0).integers(-20, 21, (height, width, 3))
    return (smooth_pictures(1, 160)[0][:height, :width] + noise).clip(0, 255).astype(np.uint8)


def saved(path: Path, pixels: np.ndarray, orientation: int = 1, **options) -> Path:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "a camera"
    Image.fromarray(pixels).save(path, "JPEG", exif=exif, comment=b"box 3", dpi=(300, 300), **options)
    return path


def coefficients(path: Path) -> list[np.ndarray]:
    found = jpeglib.read_dct(str(path))
    return [plane for plane in (found.Y, found.Cb, found.Cr) if plane is not None]


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("size", [(96, 128), (91, 123)])
def test_blocks_far_from_the_hole_stay_bit_for_bit(tmp_path, subsampling, progressive, size):
    height, width = size
    hole = HOLE[:height, :width]
    options = {"quality": 83, "subsampling": subsampling, "progressive": progressive}
    saved(tmp_path / "in.jpg", texture(height, width), **options)
    photo = read_photo(tmp_path / "in.jpg")
    write_photo(photo, np.where(hole[:, :, None], 255 - photo.pixels, photo.pixels), tmp_path / "out.jpg")
    before, after = coefficients(tmp_path / "in.jpg"), coefficients(tmp_path / "out.jpg")
    for old, new in zip(before, after, strict=True):
        tall, wide = (
            (16, 16) if old.shape[0] < before[0].shape[0] else (8, 16 if old.shape[1] < before[0].shape[1] else 8)
        )
        touched = {(y // tall, x // wide) for y, x in zip(*np.nonzero(hole), strict=True)}
        different = {tuple(map(int, place)) for place in np.argwhere((old != new).any(axis=(2, 3)))}
        assert different and different <= touched
    old, new = Image.open(tmp_path / "in.jpg"), Image.open(tmp_path / "out.jpg")
    far = ~ndimage.maximum_filter(hole, 2 * 17 + 1)
    np.testing.assert_array_equal(np.asarray(old)[far], np.asarray(new)[far])
    assert new.info["comment"] == b"box 3" and new.info["dpi"] == (300, 300) and new.getexif()[0x010F] == "a camera"
    assert new.layer == old.layer and new.quantization == old.quantization
    assert (np.asarray(new).astype(int)[hole] - (255 - photo.pixels.astype(int))[hole]).std() < 40


@pytest.mark.parametrize("orientation", range(2, 9))
def test_blocks_of_a_photo_that_is_turned_are_turned(tmp_path, orientation):
    pixels = texture(96, 128)
    saved(tmp_path / "in.jpg", pixels, orientation, quality=83)
    photo = read_photo(tmp_path / "in.jpg")
    hole = upright(HOLE, orientation)
    write_photo(photo, np.where(hole[:, :, None], 255 - photo.pixels, photo.pixels), tmp_path / "out.jpg")
    far = ~ndimage.maximum_filter(hole, 2 * 17 + 1)
    difference = np.abs(np.asarray(Image.open(tmp_path / "out.jpg")).astype(int) - photo.pixels)[far]
    assert difference.max() <= 4 and (difference > 1).mean() < 0.06, "what decoding rounds"
    again = read_photo(tmp_path / "out.jpg")
    write_photo(again, again.pixels, tmp_path / "twice.jpg")
    for once, twice in zip(coefficients(tmp_path / "out.jpg"), coefficients(tmp_path / "twice.jpg"), strict=True):
        np.testing.assert_array_equal(once, twice)


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("subsampling", [1, 2])
def test_a_photo_whose_sides_are_no_whole_blocks_stays_turned_and_its_blocks_stay(tmp_path, orientation, subsampling):
    hole = HOLE[:91, :123]
    saved(tmp_path / "in.jpg", texture(91, 123), orientation, quality=83, subsampling=subsampling)
    photo = read_photo(tmp_path / "in.jpg")
    turned = upright(hole, orientation)
    completed = np.where(turned[:, :, None], 255 - photo.pixels, photo.pixels)
    notes = write_photo(photo, completed, tmp_path / "out.jpg")
    if (orientation, subsampling) == (5, 2):  # nothing is mirrored, and blocks are as tall as they are wide
        assert notes == ()
        return
    assert "stays turned by its EXIF orientation" in notes[0]
    image = Image.open(tmp_path / "out.jpg")
    assert image.getexif()[0x0112] == orientation and image.getexif()[0x010F] == "a camera"
    far = ~ndimage.maximum_filter(hole, 2 * 17 + 1)
    np.testing.assert_array_equal(np.asarray(image)[far], np.asarray(Image.open(tmp_path / "in.jpg"))[far])
    again = read_photo(tmp_path / "out.jpg")
    assert again.size == photo.size
    assert np.abs(again.pixels.astype(int) - completed)[turned].mean() < 12


def test_files_that_were_coded_otherwise_are_left_as_they_are(tmp_path):
    saved(tmp_path / "a.jpg", texture(96, 128), quality=83)
    for name, pixels, options in (
        ("tables", texture(96, 128), {"quality": 50}),
        ("size", texture(88, 128), {"quality": 83}),
        ("grey", texture(96, 128)[:, :, 0], {"quality": 83}),
    ):
        path = saved(tmp_path / f"{name}.jpg", pixels, **options)
        before = path.read_bytes()
        assert not keep_blocks(path, tmp_path / "a.jpg", HOLE)
        assert path.read_bytes() == before, name
    (tmp_path / "no.jpg").write_bytes(b"no JPEG")
    assert not keep_blocks(tmp_path / "a.jpg", tmp_path / "no.jpg", HOLE)


def test_a_quality_that_is_asked_for_compresses_everything(tmp_path):
    saved(tmp_path / "in.jpg", texture(96, 128), quality=83)
    photo = read_photo(tmp_path / "in.jpg")
    write_photo(photo, photo.pixels, tmp_path / "out.jpg", quality=40)
    assert Image.open(tmp_path / "out.jpg").quantization != Image.open(tmp_path / "in.jpg").quantization
