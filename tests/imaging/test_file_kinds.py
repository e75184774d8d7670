"""Kinds of files: AVIF and HEIC in and out, and what is said of those that are not read."""

import numpy as np
import pytest
from conftest import smooth_pictures
from PIL import Image

from inpaint_cli.errors import EnvironmentFault, InputError
from inpaint_cli.imaging import kinds
from inpaint_cli.imaging.photos import output_format, read_photo
from inpaint_cli.imaging.writing import write_photo

PIXELS = smooth_pictures(1, 64)[0]


def test_avif_goes_in_and_out_nearly_as_it_was(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "in.avif", quality=100, subsampling="4:4:4")
    photo = read_photo(tmp_path / "in.avif")
    assert photo.format == "AVIF" and photo.notes == ()
    write_photo(photo, photo.pixels, tmp_path / "out.avif")
    assert np.abs(read_photo(tmp_path / "out.avif").pixels.astype(int) - photo.pixels).mean() < 1.5


@pytest.mark.parametrize("extension", [".heic", ".heif"])
def test_heic_keeps_every_pixel_and_what_it_says(tmp_path, extension):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x010F] = "a phone"
    Image.fromarray(PIXELS).save(tmp_path / f"in{extension}", format="HEIF", quality=90, exif=exif)
    photo = read_photo(tmp_path / f"in{extension}")
    assert photo.format == "HEIF" and photo.size == (64, 64)
    write_photo(photo, photo.pixels, tmp_path / f"out{extension}")
    back = read_photo(tmp_path / f"out{extension}")
    np.testing.assert_array_equal(back.pixels, photo.pixels)
    assert Image.open(tmp_path / f"out{extension}").getexif()[0x010F] == "a phone"


def test_without_its_package_heic_is_refused_with_what_helps(tmp_path, monkeypatch):
    monkeypatch.setattr(kinds, "has_heif", lambda: False)
    monkeypatch.setattr("inpaint_cli.imaging.photos.has_heif", lambda: False)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    with pytest.raises(InputError, match=r"a\.heic: is a HEIC photo.*pip install 'inpaint-cli\[heif\]'"):
        read_photo(tmp_path / "a.heic")
    with pytest.raises(EnvironmentFault, match=r"o\.heic: pip install 'inpaint-cli\[heif\]' lets this program write"):
        output_format(tmp_path / "o.heic")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jxl", b"\xff\x0a" + bytes(40), "a JPEG XL file.*djxl"),
        ("a.png", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40), "a JPEG XL file.*djxl"),
        ("a.cr3", b"\0\0\0\x18ftypcrx " + bytes(40), "camera's raw file.*darktable-cli"),
        ("a.raf", b"FUJIFILMCCD-RAW " + bytes(40), "camera's raw file.*16-bit TIFF"),
        ("a.nef", bytes(60), "camera's raw file"),
        ("a.psd", b"8BPS\0\x01" + bytes(40), "painting program's document.*export it"),
        ("a.dat", bytes(60), "not an image of a kind this program reads"),
    ],
)
def test_what_is_not_read_is_named_with_what_turns_it_into_something_that_is(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_photo(tmp_path / name)


def test_the_preview_of_a_dng_is_not_taken_for_the_photo(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.dng", format="TIFF", tiffinfo={50706: b"\x01\x04\0\0"})
    with pytest.raises(InputError, match="camera's raw file, of which this program would read a small preview"):
        read_photo(tmp_path / "a.dng")
