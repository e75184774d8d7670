"""What a photo's file says besides its pixels, and how each format says it, so that a completed photo keeps it.

What no longer holds is set right: the EXIF orientation and sizes, and thumbnails, which show what was taken out.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import ExifTags, Image, JpegImagePlugin, TiffImagePlugin

from inpaint_cli.imaging.orientation import TURNS_THE_SIDES

Base, IFD = ExifTags.Base, ExifTags.IFD
DIRECTORIES = (IFD.Exif, IFD.GPSInfo)
# Tags that say how the old file was laid out, or that are kept in a place of their own.
LAYOUT = {
    254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291,
    292, 293, 317, 320, 321, 322, 323, 324, 325, 330, 332, 333, 334, 336, 338, 339, 340, 341, 342, 343, 344, 345, 346,
    347, 351, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532,
}  # fmt: skip
RESOLUTION = (Base.XResolution, Base.YResolution, Base.ResolutionUnit)
XMP, IPTC, PHOTOSHOP, ICC, LAYERS = 700, 33723, 34377, 34675, 37724
PLACED = {*DIRECTORIES, IFD.Interop, XMP, IPTC, PHOTOSHOP, ICC, LAYERS, *RESOLUTION}
PHOTO_TAGS = range(0x9C9B, 0x9CA0)  # Windows' title, comment, author, keywords, subject
DESCRIPTIVE = {
    Base.ImageDescription, Base.Make, Base.Model, Base.Software, Base.DateTime, Base.Artist, Base.HostComputer,
    Base.Copyright, Base.Rating, Base.RatingPercent, *PHOTO_TAGS,
}  # fmt: skip  # of a TIFF's many tags those that EXIF knows, too
PIXEL_SIZES = (0xA002, 0xA003)  # width, height inside EXIF
PNG_COLOUR = ("cHRM", "gAMA", "sRGB", "cICP", "sBIT")  # what a PNG says of its colours, kept from PNG to PNG
IPTC_BLOCK, THUMBNAILS = 0x0404, (0x0409, 0x040C)  # among Photoshop's blocks
JPEG_MODES = ("L", "RGB", "CMYK")  # whose tables fit the pixels as they are written
PHOTOSHOP_HEAD, XMP_MORE = b"Photoshop 3.0\0", b"http://ns.adobe.com/xmp/extension/"


@dataclass(frozen=True)
class Metadata:
    """What describes a photo, in no format's own way; empty where the file says nothing of it."""

    exif: bytes = b""  # orientation left out
    icc_profile: bytes = b""
    xmp: bytes = b""
    photoshop: bytes = b""  # Photoshop's blocks, the IPTC fields among them
    dpi: tuple[float, float] | None = None  # pixels per inch
    comment: bytes = b""
    text: Mapping[str, str] = field(default_factory=dict)  # a PNG's, by keyword
    chunks: tuple[tuple[bytes, bytes], ...] = ()  # a PNG's about colour, kind and content
    tags: Mapping[int, tuple[int, Any]] = field(default_factory=dict)  # a TIFF's: type and value by number
    compression: tuple[int, int] = (1, 1)  # a TIFF's, and its predictor

    @property
    def words(self) -> dict[str, object]:
        """Everything that formats differ in holding, by the name that users know."""
        fields = {
            "EXIF": self.exif, "colour profile": self.icc_profile, "XMP": self.xmp, "IPTC": self.photoshop,
            "resolution": self.dpi, "comment": self.comment, "GeoTIFF": {33550, 34735} & {*self.tags},
        }  # fmt: skip
        return {**fields, **{f"text '{key}'": value for key, value in self.text.items()}}


# ---- in --------------------------------------------------------------------------------------------------------------


def read_metadata(
    image: Image.Image, turned: int, size: tuple[int, int], chunks: tuple[tuple[bytes, bytes], ...] = ()
) -> Metadata:
    """Of an image as its file has it; turned: the orientation after which it has the size (width, height).

    chunks: what `colour_chunks` found before the image was decoded.
    """
    photoshop = _safely(_photoshop, image, b"")
    info, tags = image.info, getattr(image, "tag_v2", {})
    return Metadata(
        exif=_safely(lambda image: _exif(image, size), image, b""),
        icc_profile=_bytes(info.get("icc_profile")) or _bytes(tags.get(ICC)),
        xmp=turned_xmp(_bytes(info.get("xmp")) or _bytes(tags.get(XMP)), turned),
        photoshop=photoshop,
        dpi=_safely(_dpi, image, None),
        comment=_bytes(info.get("comment")) if image.format in ("JPEG", "MPO", "GIF") else b"",
        text=_safely(_text, image, {}),
        chunks=chunks,
        tags=_safely(_tags, image, {}),
        compression=_safely(_compression, image, (1, 1)),
    )


def note_of_more(image: Image.Image) -> list[str]:
    """What a file says and no completed photo keeps."""
    notes = []
    if any(content.startswith(XMP_MORE) for _, content in getattr(image, "applist", [])):
        notes.append("the part of its XMP that lies in further segments is left out")
    if LAYERS in getattr(image, "tag_v2", {}):
        notes.append("the layers of Photoshop in this TIFF are left out: they show what was taken out")
    return notes


def _safely(read: Any, image: Image.Image, otherwise: Any) -> Any:
    try:
        return read(image)
    except Exception:  # damaged metadata must not cost the photo
        return otherwise


def _bytes(value: object) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value) if isinstance(value, bytes | bytearray) else b""


def _exif(image: Image.Image, size: tuple[int, int]) -> bytes:
    kept, original = Image.Exif(), image.getexif()
    is_tiff = isinstance(image, TiffImagePlugin.TiffImageFile)
    for tag, value in original.items():
        if tag in DESCRIPTIVE if is_tiff else tag not in LAYOUT and (tag not in PLACED or tag in RESOLUTION):
            kept[tag] = value
    for tag in DIRECTORIES:
        if values := dict(original.get_ifd(tag)):
            kept[tag] = _set_right(values, original, size) if tag == IFD.Exif else values
    return kept.tobytes() if len(kept) else b""


def _set_right(values: dict[int, Any], original: Image.Exif, size: tuple[int, int]) -> dict[int, Any]:
    """EXIF's own directory with the sizes that now hold, and the one inside it as a directory."""
    values |= {tag: length for tag, length in zip(PIXEL_SIZES, size, strict=True) if tag in values}
    inner = original.get_ifd(IFD.Interop) if IFD.Interop in values else {}
    values.pop(IFD.Interop, None)
    return values | ({IFD.Interop: inner} if inner else {})


ORIENTATION = re.compile(rb"""(tiff:Orientation(?:\s*=\s*["']|>))\s*\d+""")
SIZES = re.compile(
    rb"""((?:tiff:ImageWidth|tiff:ImageLength|exif:PixelXDimension|exif:PixelYDimension))(=["']|>)(\d+)"""
)
XMP_THUMBNAILS = re.compile(rb"<(xmp|xap):Thumbnails>.*?</\1:Thumbnails>", re.S)
OTHER_SIDE = {
    b"tiff:ImageWidth": b"tiff:ImageLength", b"tiff:ImageLength": b"tiff:ImageWidth",
    b"exif:PixelXDimension": b"exif:PixelYDimension", b"exif:PixelYDimension": b"exif:PixelXDimension",
}  # fmt: skip


def turned_xmp(xmp: bytes, turned: int, orientation: int = 1) -> bytes:
    """The packet with another orientation, sides exchanged where a turn does so, and without thumbnails."""
    xmp = XMP_THUMBNAILS.sub(b"", ORIENTATION.sub(rb"\g<1>%d" % orientation, xmp))
    if turned not in TURNS_THE_SIDES:
        return xmp
    sides: dict[bytes, bytes] = {found[1]: found[3] for found in SIZES.finditer(xmp)}

    def exchanged(found: re.Match[bytes]) -> bytes:
        name, between, own = found.groups()
        return bytes(name + between + sides.get(OTHER_SIDE[name], own))

    return SIZES.sub(exchanged, xmp)


def turned_back(metadata: Metadata, turned: int) -> Metadata:
    """What describes a photo as it was stored, before the turn that its orientation asks for."""
    exif = Image.Exif()
    exif.load(metadata.exif)
    exif[Base.Orientation] = turned
    inside = exif.get_ifd(IFD.Exif)
    if turned in TURNS_THE_SIDES and all(tag in inside for tag in PIXEL_SIZES):
        inside[PIXEL_SIZES[0]], inside[PIXEL_SIZES[1]] = inside[PIXEL_SIZES[1]], inside[PIXEL_SIZES[0]]
    return replace(metadata, exif=exif.tobytes(), xmp=turned_xmp(metadata.xmp, turned, turned))


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    dpi = image.info.get("dpi")
    if dpi is None or image.info.get("jfif_unit", 1) == 0:  # EXIF alone says it, and is kept as it is
        return None
    across, down = float(dpi[0]), float(dpi[1])
    return (across, down) if 0 < across < 1e6 and 0 < down < 1e6 else None


def _text(image: Image.Image) -> dict[str, str]:
    found = getattr(image, "text", {}) if image.format == "PNG" else {}
    return {str(key): str(value) for key, value in found.items() if not _says_elsewhere(str(key))}


def _says_elsewhere(key: str) -> bool:
    """Whether a PNG's text is XMP, EXIF, IPTC or a profile, written as text."""
    return key == "XML:com.adobe.xmp" or key.lower().startswith("raw profile type")


def colour_chunks(image: Image.Image) -> tuple[tuple[bytes, bytes], ...]:
    """What a PNG that is not yet decoded says of its colours, kind and content."""
    if image.format != "PNG" or (source := getattr(image, "fp", None)) is None:
        return ()
    place = source.tell()
    try:
        source.seek(8)
        return tuple((kind, content) for kind, content in _chunks(source) if kind.decode("latin-1") in PNG_COLOUR)
    finally:
        source.seek(place)


def _chunks(source: Any) -> Iterator[tuple[bytes, bytes]]:
    """The small chunks of a PNG before its pixels."""
    while len(head := source.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IDAT":
            return
        if length > 4096:
            source.seek(length + 4, 1)
            continue
        content = source.read(length)
        source.seek(4, 1)
        yield kind, content


def _tags(image: Image.Image) -> dict[int, tuple[int, Any]]:
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return {}
    own = image.tag_v2
    kept = {tag: (own.tagtype[tag], value) for tag, value in own.items() if tag not in LAYOUT and tag not in PLACED}
    units = {tag: (own.tagtype[tag], own[tag]) for tag in RESOLUTION if tag in own}
    return kept | units


def _compression(image: Image.Image) -> tuple[int, int]:
    tags = getattr(image, "tag_v2", {})
    return tags.get(Base.Compression, 1), tags.get(Base.Predictor, 1)


# ---- Photoshop's blocks ----------------------------------------------------------------------------------------------


def _photoshop(image: Image.Image) -> bytes:
    """The blocks without thumbnails."""
    tags = getattr(image, "tag_v2", {})
    segments = [content for name, content in getattr(image, "applist", []) if name == "APP13"]
    raw = b"".join(content.removeprefix(PHOTOSHOP_HEAD) for content in segments if content.startswith(PHOTOSHOP_HEAD))
    raw = raw or _bytes(tags.get(PHOTOSHOP)) or _profile_in_text(image)
    blocks = dict(blocks_in(raw))
    if IPTC in tags and (fields := _iptc_of_tag(tags)):
        blocks[IPTC_BLOCK] = fields
    return b"".join(_block(kind, content) for kind, content in blocks.items() if kind not in THUMBNAILS)


def _iptc_of_tag(tags: Any) -> bytes:
    value = tags[IPTC]
    if isinstance(value, bytes):
        return value
    numbers = value if isinstance(value, tuple) else (value,)  # many programs call these bytes 4-byte numbers
    if any(isinstance(number, bytes) for number in numbers):
        return b"".join(numbers)
    return struct.pack(f"{'<' if tags.prefix == b'II' else '>'}{len(numbers)}I", *numbers)


def blocks_in(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of each of Photoshop's blocks."""
    place = 0
    while raw[place : place + 4] == b"8BIM" and place + 12 <= len(raw):
        kind, name = struct.unpack(">HB", raw[place + 4 : place + 7])
        place += 6 + (name + 2) // 2 * 2
        (length,) = struct.unpack(">I", raw[place : place + 4])
        yield kind, raw[place + 4 : place + 4 + length]
        place += 4 + (length + 1) // 2 * 2


def _block(kind: int, content: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHI", kind, 0, len(content)) + content + b"\0" * (len(content) % 2)


def _profile_in_text(image: Image.Image) -> bytes:
    """ImageMagick's and ExifTool's way of putting IPTC into a PNG: hexadecimal digits after a name and a length."""
    text = getattr(image, "text", {}).get("Raw profile type iptc", "") if image.format == "PNG" else ""
    raw = bytes.fromhex("".join(text.split()[2:])) if text else b""
    return raw if not raw or raw.startswith(b"8BIM") else _block(IPTC_BLOCK, raw)


def jpeg_encoding(image: Image.Image) -> Mapping[str, Any]:
    """What encodes a JPEG as this one was: its quantisation tables, subsampling and scan order; empty for others."""
    tables = getattr(image, "quantization", None)
    if not tables or image.mode not in JPEG_MODES:
        return {}
    encoding: dict[str, Any] = {"qtables": [tables[key] for key in sorted(tables)], "mode": image.mode}
    encoding["progressive"] = bool(image.info.get("progressive"))
    if image.mode == "RGB" and (sampling := JpegImagePlugin.get_sampling(image)) >= 0:
        encoding["subsampling"] = sampling
    return encoding
