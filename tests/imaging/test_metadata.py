"""What a file says besides its pixels: kept, in every format that can hold it, and set right; or its loss is said."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin

from inpaint_cli.imaging.photos import read_photo
from inpaint_cli.imaging.writing import write_photo

CASES = Path(__file__).parents[3] / "shared" / "cases" / "04_metadata"
PIXELS = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:tiff="t" xmlns:exif="e" '
    b'tiff:Orientation="6" exif:PixelXDimension="48" exif:PixelYDimension="32"><xmp:Thumbnails>AAAA</xmp:Thumbnails>'
    b'</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
CAPTION = b"\x1c\x02\x78\x00\x07a photo"  # an IPTC field
BLOCKS = (
    b"8BIM\x04\x04\x00\x00\x00\x00\x00\x0c" + CAPTION + b"8BIM\x04\x0c\x00\x00\x00\x00\x00\x04JPEG"  # and a thumbnail
)
SAYS_EVERYTHING = ("JPEG", "PNG", "TIFF", "WEBP", "AVIF")


def exif(orientation: int = 1) -> Image.Exif:
    """With all that there is: directories, a thumbnail's directory, sizes, tags that few programs know."""
    made = Image.Exif()
    made[0x0112], made[0x010F], made[0x8298], made[0x9C9B] = orientation, "a camera", "(c) me", b"t\0i\0\0\0"
    made[0x8769] = {0x829D: 2.8, 0xA002: 48, 0xA003: 32, 0x9286: b"ASCII\0\0\0a comment"}
    made[0x8825] = {1: "N", 2: (48.0, 12.0, 0.0)}
    return made


def segment(marker: bytes, content: bytes) -> bytes:
    return marker + (2 + len(content)).to_bytes(2) + content


def saved(path: Path, form: str, orientation: int = 1) -> Path:
    """A photo that says all that its format can say."""
    image, common = Image.fromarray(PIXELS), {"exif": exif(orientation), "icc_profile": PROFILE}
    if form == "JPEG":
        extra = segment(b"\xff\xed", b"Photoshop 3.0\0" + BLOCKS)
        image.save(path, form, **common, dpi=(300, 200), xmp=XMP, comment=b"box 3", extra=extra, quality=90)
    elif form == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Title", "box 3")
        info.add_itxt("Ort", "Zürich – See", "de", "Ort")
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        info.add_text("Raw profile type iptc", f"\niptc\n{len(CAPTION):8d}\n{CAPTION.hex()}\n")
        image.save(path, form, **common, dpi=(300, 200), pnginfo=info)
    elif form == "TIFF":
        image.save(path, form, icc_profile=PROFILE, dpi=(300, 200), compression="tiff_lzw", tiffinfo=tiff_tags())
    else:
        image.save(path, form, **common, xmp=XMP, **({"lossless": True} if form == "WEBP" else {}))
    return path


def tiff_tags() -> TiffImagePlugin.ImageFileDirectory_v2:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[270], tags[315], tags[33432] = "box 3", "me", "(c) me"
    for tag, kind, value in ((700, 1, XMP), (33723, 7, CAPTION), (34377, 7, BLOCKS)):
        tags.tagtype[tag], tags[tag] = kind, value
    tags.tagtype[33550], tags[33550] = 12, (10.0, 10.0, 0.0)
    tags.tagtype[34735], tags[34735] = 3, (1, 1, 0, 0)
    return tags


def completed(source: Path, target: Path) -> tuple[Image.Image, tuple[str, ...]]:
    """As `complete` writes a photo, and what it says it lost."""
    photo = read_photo(source)
    notes = write_photo(photo, photo.pixels, target)
    return Image.open(target), (*photo.notes, *notes)


def resolution(image: Image.Image) -> tuple[float, float]:
    tags = image.getexif()
    return tuple(round(float(value)) for value in image.info.get("dpi") or (tags[0x011A], tags[0x011B]))


@pytest.mark.parametrize("target", ["jpg", "png", "tif", "webp", "avif"])
@pytest.mark.parametrize("form", SAYS_EVERYTHING)
def test_every_format_keeps_what_it_can_hold(tmp_path, form, target):
    image, notes = completed(saved(tmp_path / "in", form), tmp_path / f"out.{target}")
    tags = image.getexif()
    assert image.info["icc_profile"] == PROFILE and tags[0x8298] == "(c) me"
    xmp = image.info["xmp"]
    assert b"PixelXDimension" in xmp and b"Thumbnails" not in xmp and b'Orientation="6"' not in xmp
    if form != "TIFF":
        assert tags[0x010F] == "a camera" and tags[0x9C9B] == b"t\0i\0\0\0"
        assert float(tags.get_ifd(0x8769)[0x829D]) == pytest.approx(2.8) and tags.get_ifd(0x8825)[1] == "N"
    if form in ("JPEG", "PNG", "TIFF"):
        assert resolution(image) == (300, 200)
        assert ("IPTC" in " ".join(notes)) == (target in ("webp", "avif"))
        assert target in ("webp", "avif") or CAPTION in iptc_of(image)
    assert ("text 'Title'" in " ".join(notes)) == (form == "PNG" and target != "png")
    assert ("GeoTIFF" in " ".join(notes)) == (form == "TIFF" and target != "tif")


def iptc_of(image: Image.Image) -> bytes:
    """The IPTC fields as other programs find them."""
    if image.format == "JPEG":
        return image.info["photoshop"][0x0404]
    if image.format == "TIFF":
        return image.tag_v2[33723]
    return bytes.fromhex("".join(image.text["Raw profile type iptc"].split()[2:]))


def test_a_jpeg_says_what_it_said(tmp_path):
    image, notes = completed(saved(tmp_path / "in.jpg", "JPEG"), tmp_path / "out.jpg")
    assert image.info["comment"] == b"box 3" and image.info["dpi"] == (300, 200) and notes == ()
    assert image.info["photoshop"] == {0x0404: CAPTION}, "without the thumbnail, which shows what was taken out"


def test_a_png_says_what_it_said_in_any_script_and_of_its_colours(tmp_path):
    path = saved(tmp_path / "in.png", "PNG")
    raw = path.read_bytes()
    gamma = b"\0\0\0\x04gAMA\0\0\xb1\x8f\x0b\xfca\x05"
    path.write_bytes(raw[:33] + gamma + raw[33:])
    image, notes = completed(path, tmp_path / "out.png")
    assert image.text["Title"] == "box 3" and image.text["Ort"] == "Zürich – See" and notes == ()
    assert image.info["gamma"] == pytest.approx(0.45455)


def test_a_deep_png_says_it_too(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "box 3")
    deep = np.random.default_rng(0).integers(0, 65536, (32, 48), dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "in.png", dpi=(300, 200), pnginfo=info)
    image, _ = completed(tmp_path / "in.png", tmp_path / "out.png")
    assert image.text["Title"] == "box 3" and resolution(image) == (300, 200) and image.mode.startswith("I")


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "zstd", "packbits", "lzma"])
def test_a_tiff_keeps_compression_tags_and_every_pixel(tmp_path, compression, deep):
    import tifffile

    pixels = PIXELS.astype(np.uint16) * 257 if deep else PIXELS
    geography = [
        (33550, 12, 3, (10.0, 10.0, 0.0), True),
        (34735, 3, 4, (1, 1, 0, 0), True),
        (42113, 2, 6, "-9999", True),
    ]
    predictor = compression in ("lzw", "zlib")
    tifffile.imwrite(
        tmp_path / "in.tif", pixels, photometric="rgb", compression=compression, predictor=predictor or None,
        resolution=(600, 600), extratags=geography, description="box 3", metadata=None,
    )  # fmt: skip
    image, notes = completed(tmp_path / "in.tif", tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "in.tif") as before, tifffile.TiffFile(tmp_path / "out.tif") as after:
        old, new = before.pages[0], after.pages[0]
        assert old.compression == new.compression and old.predictor == new.predictor and notes == ()
        for tag in (270, 282, 283, 296, 33550, 34735, 42113):
            assert old.tags[tag].value == new.tags[tag].value, tag
        np.testing.assert_array_equal(new.asarray(), pixels)
    assert deep or (np.asarray(image) == PIXELS).all()


def test_a_compression_that_loses_pixels_is_replaced_and_that_is_said(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "in.tif", compression="jpeg")
    image, notes = completed(tmp_path / "in.tif", tmp_path / "out.tif")
    assert (
        image.info["compression"] == "tiff_adobe_deflate"
        and "Deflate and not by JPEG, which cannot keep these pixels" in notes[0]
    )
    np.testing.assert_array_equal(np.asarray(image), read_photo(tmp_path / "in.tif").pixels)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_turned_photo_has_its_new_sizes_and_no_orientation(tmp_path, form):
    image, _ = completed(
        saved(tmp_path / "in", form, orientation=6), tmp_path / f"out.{form.lower()}".replace("jpeg", "jpg")
    )
    tags, xmp = image.getexif(), image.info["xmp"]
    assert image.size == (32, 48) and tags.get(0x0112, 1) == 1
    inside = tags.get_ifd(0x8769)
    assert (inside[0xA002], inside[0xA003]) == (32, 48)
    assert b'exif:PixelXDimension="32"' in xmp and b'exif:PixelYDimension="48"' in xmp and b'Orientation="1"' in xmp


def test_no_thumbnail_of_the_old_photo_is_left(tmp_path):
    held = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(held, "JPEG")
    made = exif()
    made.get_ifd(0x014A)
    raw = made.tobytes()
    photo = replace(read_photo(saved(tmp_path / "in.jpg", "JPEG")))
    assert b"\xff\xd8\xff" not in photo.metadata.exif and len(photo.metadata.exif) <= len(raw) + 64


def test_a_bitmap_keeps_its_resolution_and_says_what_it_lost(tmp_path):
    image, notes = completed(saved(tmp_path / "in.jpg", "JPEG"), tmp_path / "out.bmp")
    assert resolution(image) == (300, 200)
    assert all(word in notes[0] for word in ("BMP cannot hold", "EXIF", "XMP", "IPTC", "comment", "colour profile"))


def test_what_is_too_long_for_a_jpeg_is_left_out_and_said(tmp_path):
    photo = read_photo(saved(tmp_path / "in.png", "PNG"))
    photo = replace(photo, metadata=replace(photo.metadata, xmp=b"x" * 70_000))
    notes = write_photo(photo, photo.pixels, tmp_path / "out.jpg")
    assert any("XMP this long" in note for note in notes) and "xmp" not in Image.open(tmp_path / "out.jpg").info


def test_damaged_metadata_does_not_cost_the_photo(tmp_path):
    path = saved(tmp_path / "in.jpg", "JPEG")
    path.write_bytes(path.read_bytes().replace(b"8BIM\x04\x04", b"8BIM\x04\xff").replace(b"MM\x00*", b"MM\x00\xff"))
    image, _ = completed(path, tmp_path / "out.jpg")
    assert image.size == (48, 32)


@pytest.mark.skipif(not CASES.is_dir(), reason="the collection of cases is not here")
@pytest.mark.parametrize("name", ["meta.jpg", "meta.png", "meta.tif", "meta.webp", "geo16.tif", "gray16.tif"])
def test_the_cases(tmp_path, name):
    before = Image.open(CASES / name)
    after, notes = completed(CASES / name, tmp_path / name)
    assert notes == ()
    same = ("dpi", "resolution", "comment", "photoshop", "compression", "Title", "icc_profile")
    assert {key: before.info.get(key) for key in same} == {key: after.info.get(key) for key in same}
    assert (before.info.get("xmp") or b"").strip(b"\0") == (after.info.get("xmp") or b"").strip(b"\0")
    tags, others = before.getexif(), after.getexif()
    for tag in (270, 282, 283, 296, 315, 33432, 33550, 33922, 34735):
        assert tags.get(tag) == others.get(tag), tag
