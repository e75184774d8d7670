"""How each format says what describes a photo, and what it cannot hold."""

import struct
from dataclasses import replace
from typing import Any

from PIL import Image, TiffImagePlugin

from inpaint_cli.imaging.metadata import (
    DIRECTORIES,
    ICC,
    IPTC,
    IPTC_BLOCK,
    PHOTOSHOP,
    PHOTOSHOP_HEAD,
    RESOLUTION,
    XMP,
    Base,
    Metadata,
    blocks_in,
)

CM = 2.54
JPEG_SEGMENT = 65_533  # bytes
HOLDS = {  # format -> what of `words` it holds
    "PNG": {"EXIF", "colour profile", "XMP", "IPTC", "resolution", "comment", "text"},
    "JPEG": {"EXIF", "colour profile", "XMP", "IPTC", "resolution", "comment"},
    "TIFF": {"EXIF", "colour profile", "XMP", "IPTC", "resolution", "comment", "GeoTIFF"},
    "WEBP": {"EXIF", "colour profile", "XMP", "resolution", "comment"},  # the last two inside EXIF
    "AVIF": {"EXIF", "colour profile", "XMP", "resolution", "comment"},
    "HEIF": {"EXIF", "colour profile", "XMP", "resolution", "comment"},
    "BMP": {"resolution"},
}


def lost(metadata: Metadata, form: str) -> tuple[str, ...]:
    """A note that names what a format cannot hold; none where that is nothing."""
    gone = [word for word, value in metadata.words.items() if value and word.split()[0] not in _first(HOLDS[form])]
    return (f"{form} cannot hold {', '.join(gone)}: left out",) if gone else ()


def _first(words: set[str]) -> set[str]:
    return {word.split()[0] for word in words}


def jpeg_parts(metadata: Metadata) -> dict[str, Any]:
    """What Pillow's JPEG writer takes. What is too long for its segment is left out (`too_long` says so)."""
    parts: dict[str, Any] = {"extra": _jpeg_segments(metadata.photoshop), "comment": metadata.comment[:JPEG_SEGMENT]}
    parts |= {"exif": metadata.exif, "xmp": metadata.xmp, "icc_profile": metadata.icc_profile}
    if metadata.dpi:
        parts["dpi"] = metadata.dpi
    return {name: value for name, value in parts.items() if value and name.upper() not in too_long(metadata)}


def too_long(metadata: Metadata) -> tuple[str, ...]:
    """What does not fit into one segment of a JPEG."""
    sizes = {"EXIF": len(metadata.exif), "XMP": len(metadata.xmp) + 29}
    return tuple(name for name, size in sizes.items() if size > JPEG_SEGMENT)


def _jpeg_segments(photoshop: bytes) -> bytes:
    room = JPEG_SEGMENT - len(PHOTOSHOP_HEAD)
    pieces = [photoshop[place : place + room] for place in range(0, len(photoshop), room)]
    return b"".join(
        b"\xff\xed" + struct.pack(">H", 2 + len(PHOTOSHOP_HEAD) + len(piece)) + PHOTOSHOP_HEAD + piece
        for piece in pieces
    )


def exif_with_more(metadata: Metadata) -> bytes:
    """EXIF that also says the resolution and the comment, for formats that hold them nowhere else."""
    exif = Image.Exif()
    exif.load(metadata.exif)
    if metadata.dpi:
        for tag, value in zip(RESOLUTION, (*metadata.dpi, 2), strict=True):
            exif[tag] = value
    if metadata.comment and Base.ImageDescription not in exif:
        exif[Base.ImageDescription] = metadata.comment.decode("utf-8", "replace")
    return exif.tobytes() if len(exif) else b""


def box_parts(metadata: Metadata) -> dict[str, Any]:
    """What Pillow's writers of WebP, AVIF and HEIF take."""
    parts = {"exif": exif_with_more(metadata), "icc_profile": metadata.icc_profile, "xmp": metadata.xmp}
    return {name: value for name, value in parts.items() if value}


def png_chunks(metadata: Metadata) -> list[tuple[bytes, bytes]]:
    """Every chunk but profile and EXIF, kind and content, as they stand before the pixels."""
    chunks = [(kind, content) for kind, content in metadata.chunks if not (metadata.icc_profile and kind == b"sRGB")]
    if metadata.dpi:
        chunks.append((b"pHYs", struct.pack(">IIB", *(round(dots / (CM / 100)) for dots in metadata.dpi), 1)))
    texts = dict(metadata.text)
    if metadata.comment:
        texts.setdefault("Comment", metadata.comment.decode("utf-8", "replace"))
    if metadata.photoshop:
        texts["Raw profile type iptc"] = _text_of_profile(metadata.photoshop)
    if metadata.xmp:
        texts["XML:com.adobe.xmp"] = metadata.xmp.decode("utf-8", "replace")
    return chunks + [_png_text(key, value) for key, value in texts.items()]


def _png_text(key: str, value: str) -> tuple[bytes, bytes]:
    """Latin letters as tEXt, all others, and XMP by its own rule, as iTXt."""
    name = key.encode("latin-1", "replace")[:79]
    if key != "XML:com.adobe.xmp":
        try:
            return b"tEXt", name + b"\0" + value.encode("latin-1")
        except UnicodeEncodeError:
            pass
    return b"iTXt", name + b"\0\0\0\0\0" + value.encode()


def tiff_tags(metadata: Metadata) -> TiffImagePlugin.ImageFileDirectory_v2:
    """A directory with all that describes the photo, to be completed by how its pixels are laid out."""
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    exif = Image.Exif()
    exif.load(exif_with_more(replace(metadata, dpi=None)))
    for tag in exif:
        tags[tag] = exif.get_ifd(tag) if tag in DIRECTORIES else exif[tag]
    for tag, (kind, value) in metadata.tags.items():
        tags.tagtype[tag] = kind
        tags[tag] = value
    if metadata.dpi and Base.XResolution not in metadata.tags:
        for tag, value in zip(RESOLUTION, (*metadata.dpi, 2), strict=True):
            tags[tag] = value
    own = {ICC: metadata.icc_profile, XMP: metadata.xmp, PHOTOSHOP: metadata.photoshop}
    own[IPTC] = dict(blocks_in(metadata.photoshop)).get(IPTC_BLOCK, b"")
    for tag, content in own.items():
        if content:
            tags.tagtype[tag] = 1 if tag in (XMP, PHOTOSHOP) else 7  # bytes
            tags[tag] = content
    return tags


def _text_of_profile(photoshop: bytes) -> str:
    digits = photoshop.hex()
    lines = [digits[place : place + 72] for place in range(0, len(digits), 72)]
    return f"\niptc\n{len(photoshop):8d}\n" + "\n".join(lines) + "\n"
