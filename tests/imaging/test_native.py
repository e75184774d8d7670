"""Depth, channels, inks and rasters: what Pillow would lose comes out as it went in."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from inpaint_cli.errors import InputError
from inpaint_cli.imaging.native import Inks, numbers_of
from inpaint_cli.imaging.photos import read_photo
from inpaint_cli.imaging.writing import write_photo

CASES = Path(__file__).parents[3] / "shared" / "cases" / "05_planar16"
GENERATOR = np.random.default_rng(0)
HOLE = np.zeros((20, 30), bool)
HOLE[5:12, 8:20] = True


def filled(photo, value=0.5):
    """Pixels with another colour in the hole."""
    full = 1 if photo.pixels.dtype.kind == "f" else np.iinfo(photo.pixels.dtype).max
    return np.where(HOLE[:, :, None], np.asarray(value * full).astype(photo.pixels.dtype), photo.pixels)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize(
    ("channels", "extra", "further"),
    [(1, [], 0), (3, [], 0), (4, ["unspecified"], 1), (4, ["unassalpha"], 0), (5, ["unassalpha", "unspecified"], 1)],
)
def test_channels_and_depth_in_any_arrangement(tmp_path, bits, planar, channels, extra, further):
    values = GENERATOR.integers(0, 2**bits, (20, 30, channels)).astype(f"uint{bits}")
    stored = values if planar == "contig" else np.ascontiguousarray(np.moveaxis(values, 2, 0))
    photometric = "minisblack" if channels == 1 else "rgb"
    shaped = stored.reshape(20, 30) if channels == 1 else stored
    tifffile.imwrite(
        tmp_path / "in.tif", shaped, photometric=photometric, planarconfig=None if channels == 1 else planar,
        extrasamples=extra or None,
    )  # fmt: skip
    photo = read_photo(tmp_path / "in.tif")
    assert photo.pixels.dtype == values.dtype and ("a further channel stays" in "".join(photo.notes)) == bool(further)
    assert (photo.alpha is not None) == ("unassalpha" in extra)
    assert (0 if photo.further is None else photo.further.shape[2]) == further
    assert write_photo(photo, filled(photo), tmp_path / "out.tif") == ()
    back = tifffile.imread(tmp_path / "out.tif").reshape(20, 30, channels)
    np.testing.assert_array_equal(back[~HOLE], values[~HOLE])
    colours = min(channels, 3)
    np.testing.assert_array_equal(back[:, :, colours:], values[:, :, colours:])
    assert (back[HOLE][:, :colours] != values[HOLE][:, :colours]).mean() > 0.5
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert len(file.pages[0].extrasamples) == len(extra)


def test_a_format_without_further_channels_says_that_they_are_left_out(tmp_path):
    values = GENERATOR.integers(0, 65536, (20, 30, 4), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", values, photometric="rgb", extrasamples=["unspecified"])
    photo = read_photo(tmp_path / "in.tif")
    assert "PNG has no further channels: 1 of the TIFF left out" in write_photo(photo, photo.pixels, tmp_path / "o.png")
    np.testing.assert_array_equal(read_photo(tmp_path / "o.png").pixels, values[:, :, :3])


def test_white_may_be_zero(tmp_path):
    values = GENERATOR.integers(0, 65536, (20, 30), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", values, photometric="miniswhite")
    photo = read_photo(tmp_path / "in.tif")
    np.testing.assert_array_equal(photo.pixels[:, :, 0], 65535 - values)
    assert photo.notes == ()


def test_depth_that_is_lost_is_said(tmp_path):
    (tmp_path / "deep.ppm").write_bytes(b"P6 3 2 65535\n" + bytes(range(36)))
    assert "16 bits per channel" in read_photo(tmp_path / "deep.ppm").notes[0]
    (tmp_path / "shallow.ppm").write_bytes(b"P6 3 2 255\n" + bytes(range(18)))
    assert read_photo(tmp_path / "shallow.ppm").notes == ()


# ---- inks ------------------------------------------------------------------------------------------------------------


def inks(tmp_path, extension, **options):
    values = GENERATOR.integers(0, 256, (3, 4, 4), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)[:20, :30]
    image = Image.frombytes("CMYK", (30, 20), values.tobytes())
    image.save(tmp_path / f"in{extension}", **options)
    return values


@pytest.mark.parametrize("options", [{}, {"compression": "tiff_lzw"}])
def test_cmyk_tiffs_stay_cmyk_and_every_known_ink_stays(tmp_path, options):
    values = inks(tmp_path, ".tif", icc_profile=b"not a profile", **options)
    photo = read_photo(tmp_path / "in.tif")
    assert photo.pixels.shape == (20, 30, 3) and photo.notes == ()
    assert write_photo(photo, filled(photo, 1), tmp_path / "out.tif") == ()
    back = Image.open(tmp_path / "out.tif")
    assert back.mode == "CMYK" and back.info["icc_profile"] == b"not a profile"
    np.testing.assert_array_equal(np.asarray(back)[~HOLE], values[~HOLE])
    assert (np.asarray(back)[HOLE] == 0).all(), "white paper has no ink"


def test_a_cmyk_jpeg_stays_one(tmp_path):
    inks(tmp_path, ".jpg", quality=90, dpi=(300, 300))
    photo = read_photo(tmp_path / "in.jpg")
    write_photo(photo, filled(photo, 1), tmp_path / "out.jpg")
    back, before = Image.open(tmp_path / "out.jpg"), np.asarray(Image.open(tmp_path / "in.jpg")).astype(int)
    assert back.mode == "CMYK" and round(back.info["dpi"][0]) == 300
    far = np.s_[:, 24:]  # blocks that the hole does not touch
    np.testing.assert_array_equal(np.asarray(back)[far], before[far])
    assert np.asarray(back)[7:10, 10:18].mean() < 12


def test_cmyk_becomes_srgb_where_a_format_has_no_inks_and_that_is_said(tmp_path):
    values = inks(tmp_path, ".tif")
    photo = read_photo(tmp_path / "in.tif")
    (note,) = write_photo(photo, photo.pixels, tmp_path / "out.png")
    assert "CMYK became sRGB without a colour profile; TIFF and JPEG keep it" in note
    image = Image.frombytes("CMYK", (30, 20), values.tobytes()).convert("RGB")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out.png")), np.asarray(image))


def test_inks_are_shown_and_made_through_their_profile(monkeypatch):
    """A profile of inks is large: colour management is asked as Pillow is, and its answers are taken."""
    asked = []

    def convert(image, source, target, intent, outputMode, flags):
        asked.append(outputMode)
        return Image.new(outputMode, image.size, {"RGB": (9, 8, 7), "CMYK": (6, 5, 4, 3)}[outputMode])

    monkeypatch.setattr(ImageCms, "profileToProfile", convert)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = Inks(np.zeros((20, 30, 4), np.uint8), profile)
    assert (found.shown() == (9, 8, 7)).all() and found.described == "through its colour profile"
    made = found.filled(np.zeros((20, 30, 3), np.uint8), HOLE)
    assert (made[HOLE] == (6, 5, 4, 3)).all() and (made[~HOLE] == 0).all() and asked == ["RGB", "CMYK"]


# ---- rasters ---------------------------------------------------------------------------------------------------------


def elevations(dtype):
    rows, columns = np.mgrid[:20, :30]
    return (1000 + 35.5 * rows + 12.25 * columns + GENERATOR.normal(0, 0.5, (20, 30))).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int16, np.int32, np.uint32])
@pytest.mark.parametrize("compression", [None, "lzw"])
def test_rasters_keep_every_known_number_and_their_type(tmp_path, dtype, compression):
    values = elevations(dtype)
    tags = [(42113, 2, 6, "-9999", True), (33550, 12, 3, (10.0, 10.0, 0.0), True)]
    if np.dtype(dtype).kind == "f":
        values[HOLE] = np.nan
    elif np.dtype(dtype).kind == "i":
        values[HOLE] = -9999
    tifffile.imwrite(tmp_path / "in.tif", values, compression=compression, extratags=tags)
    photo = read_photo(tmp_path / "in.tif")
    assert photo.pixels.dtype == np.float32 and photo.pixels.min() >= 0 and photo.pixels.max() <= 1
    assert photo.notes == () and photo.native.values.dtype == dtype
    if np.dtype(dtype).kind != "u":
        np.testing.assert_array_equal(photo.native.missing, HOLE)
        np.testing.assert_array_equal(photo.invisible, HOLE)
    assert write_photo(photo, filled(photo), tmp_path / "out.tif", hole=HOLE) == ()
    back = tifffile.imread(tmp_path / "out.tif")
    assert back.dtype == dtype
    np.testing.assert_array_equal(back[~HOLE], values[~HOLE])
    known = values[~photo.native.missing].astype(float)
    assert back[HOLE].astype(float) == pytest.approx((known.min() + known.max()) / 2, rel=1e-3)
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert file.pages[0].tags[33550].value == (10.0, 10.0, 0.0)


def test_rasters_are_written_as_tiff_alone(tmp_path):
    tifffile.imwrite(tmp_path / "in.tif", elevations(np.float32))
    photo = read_photo(tmp_path / "in.tif")
    with pytest.raises(InputError, match=r"out\.png: numbers of the type float32 are kept in TIFF: name OUT\.tif"):
        write_photo(photo, photo.pixels, tmp_path / "out.png")


def test_numbers_that_are_all_the_same_or_missing_do_no_harm():
    for values in (np.full((3, 4), 7, np.int16), np.full((3, 4), np.nan, np.float32)):
        numbers = numbers_of(values)
        assert (numbers.shown() == 0).all() and numbers.filled(numbers.shown(), ~numbers.missing).dtype == values.dtype


@pytest.mark.skipif(not CASES.is_dir(), reason="the collection of cases is not here")
@pytest.mark.parametrize("name", ["planar16.tif", "rgbi64.tif"])
def test_the_cases(tmp_path, name):
    before = tifffile.imread(CASES / name)
    photo = read_photo(CASES / name)
    assert len(photo.notes) == (name == "rgbi64.tif") and write_photo(photo, photo.pixels, tmp_path / name) == ()
    before = np.moveaxis(before, 0, 2) if name == "planar16.tif" else before
    np.testing.assert_array_equal(tifffile.imread(tmp_path / name), before)
