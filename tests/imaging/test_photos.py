"""What `complete` reads and writes: known pixels and metadata survive, holes are white."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from inpaint_cli.errors import EnvironmentFault, InputError, UsageError
from inpaint_cli.imaging.photos import Photo, read_mask, read_photo, write_photo

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
    Image.fromarray(NOISE[:, :, :3]).save(tmp_path / "in.jpg", exif=exif, icc_profile=profile)
    photo = read_photo(tmp_path / "in.jpg")
    assert photo.size == (13, 17) and photo.format == "JPEG"
    write_photo(photo, photo.pixels, tmp_path / f"out{extension}")
    with Image.open(tmp_path / f"out{extension}") as written:
        kept = written.getexif()
        assert kept.get(0x0112, 1) == 1 and kept[0x010F] == "a camera"
        assert float(kept.get_ifd(0x8769)[0x829D]) == pytest.approx(2.8)
        assert written.info["icc_profile"] == profile and written.size == (13, 17)


def test_grey_stays_grey_and_16_bits_are_noted(tmp_path):
    Image.fromarray(np.full((4, 5), 65535, np.uint16)).save(tmp_path / "deep.png")
    photo = read_photo(tmp_path / "deep.png")
    assert photo.pixels.shape == (4, 5, 1) and photo.pixels.min() == 255
    assert "16 bits" in photo.notes[0]
    write_photo(photo, photo.pixels, tmp_path / "out.png")
    assert read_photo(tmp_path / "out.png").notes == ()


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


def test_white_is_the_hole_from_128_on(tmp_path):
    Image.fromarray(np.array([[0, 127, 128, 255]], np.uint8)).save(tmp_path / "mask.png")
    assert read_mask(tmp_path / "mask.png", (4, 1)).tolist() == [[False, False, True, True]]


def test_masks_that_cannot_be_meant_are_refused(tmp_path):
    for name, value in (("none.png", 0), ("all.png", 255)):
        Image.new("L", (4, 3), value).save(tmp_path / name)
    with pytest.raises(InputError, match=r"4×3.*5×3"):
        read_mask(tmp_path / "none.png", (5, 3))
    with pytest.raises(InputError, match="no hole"):
        read_mask(tmp_path / "none.png", (4, 3))
    with pytest.raises(InputError, match="all hole"):
        read_mask(tmp_path / "all.png", (4, 3))
