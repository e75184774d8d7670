"""What `complete` reads and writes: known pixels and metadata survive, holes are white."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageCms

from inpaint_cli.errors import EnvironmentFault, InputError, UsageError
from inpaint_cli.imaging.mask_files import read_mask
from inpaint_cli.imaging.metadata import Metadata
from inpaint_cli.imaging.photos import Photo, read_photo
from inpaint_cli.imaging.writing import write_photo

NOISE = np.random.default_rng(0).integers(0, 256, (13, 17, 4), dtype=np.uint8)
LOSSLESS = (".png", ".tif", ".tiff", ".webp", ".bmp")


@pytest.mark.parametrize("extension", LOSSLESS)
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_formats_keep_every_byte(tmp_path, extension, channels):
    pixels = NOISE[:, :, :channels]
    write_photo(Photo(pixels), pixels, tmp_path / f"a{extension}")
    back = read_photo(tmp_path / f"a{extension}").pixels
    if (extension, channels) == (".webp", 1):  # WebP has no grey
        back = back[:, :, :1]
    assert np.array_equal(back, pixels)


@pytest.mark.parametrize("extension", [".png", ".tif", ".webp"])
def test_alpha_is_kept_with_the_colours_under_it(tmp_path, extension):
    photo = Photo(NOISE[:, :, :3], alpha=NOISE[:, :, 3] // 2 * (NOISE[:, :, 3] > 60))
    assert write_photo(photo, photo.pixels, tmp_path / f"a{extension}") == ()
    back = read_photo(tmp_path / f"a{extension}")
    assert np.array_equal(back.pixels, photo.pixels) and np.array_equal(back.alpha, photo.alpha)


def test_a_format_without_alpha_lays_over_white_and_says_so(tmp_path):
    photo = Photo(np.zeros((8, 8, 3), np.uint8), alpha=np.zeros((8, 8), np.uint8))
    assert "JPEG" in write_photo(photo, photo.pixels, tmp_path / "a.jpg")[0]
    assert read_photo(tmp_path / "a.jpg").pixels.min() == 255


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp", ".tif"])
def test_exif_and_icc_are_kept_with_the_orientation_reset(tmp_path, extension):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    exif[0x8769] = {0x829D: 2.8}
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    whole = np.tile(NOISE[:8, :16, :3], (2, 2, 1))  # of whole blocks, which can be turned as they are
    Image.fromarray(whole).save(tmp_path / "in.jpg", exif=exif, icc_profile=profile)
    photo = read_photo(tmp_path / "in.jpg")
    assert photo.size == (16, 32) and photo.format == "JPEG"
    write_photo(photo, photo.pixels, tmp_path / f"out{extension}")
    with Image.open(tmp_path / f"out{extension}") as written:
        kept = written.getexif()
        assert kept.get(0x0112, 1) == 1 and kept[0x010F] == "a camera"
        assert float(kept.get_ifd(0x8769)[0x829D]) == pytest.approx(2.8)
        assert written.info["icc_profile"] == profile and written.size == (16, 32)


@pytest.mark.parametrize("extension", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_go_in_and_out_exactly_with_their_metadata(tmp_path, extension, channels):
    values = np.random.default_rng(0).integers(0, 65536, (13, 17, channels), dtype=np.uint16)
    colours = 1 if channels < 3 else 3
    exif = Image.Exif()
    exif[0x010F], exif[0x8769] = "a camera", {0x829D: 2.8}
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    alpha = values[:, :, colours] if channels in (2, 4) else None
    photo = Photo(values[:, :, :colours], alpha, metadata=Metadata(exif=exif.tobytes(), icc_profile=profile))
    assert write_photo(photo, photo.pixels, tmp_path / f"a{extension}") == ()
    back = read_photo(tmp_path / f"a{extension}")
    assert back.pixels.dtype == np.uint16 and back.notes == ()
    if (channels, extension) == (2, ".tif"):  # Pillow opens no such TIFF: written as RGB
        back = replace(back, pixels=back.pixels[:, :, :1])
    np.testing.assert_array_equal(back.pixels, photo.pixels)
    assert (back.alpha is None) == (alpha is None) and (alpha is None or (back.alpha == alpha).all())
    assert back.metadata.icc_profile == profile
    kept = Image.Exif()
    kept.load(back.metadata.exif)
    assert kept[0x010F] == "a camera" and float(kept.get_ifd(0x8769)[0x829D]) == pytest.approx(2.8)


@pytest.mark.parametrize("extension", [".jpg", ".webp", ".bmp"])
def test_16_bits_become_8_where_the_format_has_no_more_and_that_is_said(tmp_path, extension):
    values = np.array([[[0], [257], [32768], [65535]]] * 2, np.uint16)
    notes = write_photo(Photo(values), values, tmp_path / f"a{extension}", quality=None)
    assert "8 bits per channel of 16" in notes[0]
    if extension != ".jpg":
        assert read_photo(tmp_path / f"a{extension}").pixels[0, :, 0].tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize("extension", [".png", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_16_bits_come_upright_like_8(tmp_path, orientation, extension):
    exif = Image.Exif()
    exif[0x0112] = orientation
    deep = np.random.default_rng(0).integers(0, 256, (5, 4), dtype=np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / f"deep{extension}", exif=exif)
    Image.fromarray((deep // 257).astype(np.uint8)).save(tmp_path / "shallow.png", exif=exif)
    shallow, photo = read_photo(tmp_path / "shallow.png"), read_photo(tmp_path / f"deep{extension}")
    np.testing.assert_array_equal(photo.pixels, shallow.pixels.astype(np.uint16) * 257)
    assert photo.turned == shallow.turned == orientation


def test_an_associated_alpha_is_taken_out_of_the_colours(tmp_path):
    import tifffile

    alpha, colour = np.full((3, 4), 32768, np.uint16), np.full((3, 4, 3), 20000, np.uint16)
    stored = np.dstack([(colour * (32768 / 65535)).round().astype(np.uint16), alpha])
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extrasamples=["assocalpha"])
    photo = read_photo(tmp_path / "a.tif")
    assert np.abs(photo.pixels.astype(int) - 20000).max() <= 1 and (photo.alpha == 32768).all()


def test_deep_tiffs_that_are_not_grey_or_rgb_are_kept_or_noted(tmp_path):
    import tifffile

    tifffile.imwrite(tmp_path / "float.tif", np.zeros((4, 5), np.float32))
    assert read_photo(tmp_path / "float.tif").native.values.dtype == np.float32
    tifffile.imwrite(tmp_path / "four.tif", np.zeros((4, 5, 4), np.uint16), photometric="separated")
    photo = read_photo(tmp_path / "four.tif")
    assert photo.pixels.dtype == np.uint8 and "16 bits per channel" in photo.notes[0]


def test_an_existing_file_and_an_unknown_extension_are_refused(tmp_path):
    photo = Photo(NOISE[:, :, :3])
    (tmp_path / "a.png").write_bytes(b"mine")
    with pytest.raises(UsageError, match="--overwrite"):
        write_photo(photo, photo.pixels, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"mine"
    with pytest.raises(UsageError, match=r"\.png, \.jpg"):
        write_photo(photo, photo.pixels, tmp_path / "a.xyz")
    with pytest.raises(EnvironmentFault, match="does not exist"):
        write_photo(photo, photo.pixels, tmp_path / "nowhere" / "a.png")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    (tmp_path / "a.webp").write_bytes(b"mine")
    wide = np.zeros((1, 20_000, 3), np.uint8)  # WebP ends at 16,383
    with pytest.raises(InputError, match="WEBP"):
        write_photo(Photo(wide), wide, tmp_path / "a.webp", overwrite=True)
    assert (tmp_path / "a.webp").read_bytes() == b"mine" and len(list(tmp_path.iterdir())) == 1


def test_what_is_covered_at_all_is_the_hole(tmp_path):
    Image.fromarray(np.array([[0, 1, 128, 255]], np.uint8)).save(tmp_path / "mask.png")
    assert read_mask(tmp_path / "mask.png", (4, 1)).tolist() == [[False, True, True, True]]


def test_masks_that_cannot_be_meant_are_refused(tmp_path):
    for name, value in (("none.png", 0), ("all.png", 255)):
        Image.new("L", (4, 3), value).save(tmp_path / name)
    with pytest.raises(InputError, match=r"4×3.*5×3"):
        read_mask(tmp_path / "none.png", (5, 3))
    with pytest.raises(InputError, match="no hole"):
        read_mask(tmp_path / "none.png", (4, 3))
    with pytest.raises(InputError, match="all hole"):
        read_mask(tmp_path / "all.png", (4, 3))
