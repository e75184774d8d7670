"""TIFF files out, with any channels, numbers, compression and tags: Pillow writes the tags, imagecodecs the pixels.

Pillow's own writer loses the directories inside EXIF as soon as it compresses, and holds 16 bits in grey images alone.
"""

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import imagecodecs
import numpy as np
from PIL import ExifTags, TiffImagePlugin

from inpaint_cli.errors import InputError
from inpaint_cli.imaging.describing import tiff_tags
from inpaint_cli.imaging.metadata import Metadata

GREY, COLOUR, INKS = 1, 2, 5  # photometric interpretations
UNASSOCIATED = 2  # the alpha among further channels
TIFF_HEADER, TIFF_ENTRY = 8, 12  # bytes of the file's head, of an entry of its directory
STRIP = 1 << 20  # bytes of pixels that are compressed together
LARGEST = (1 << 32) - (1 << 20)  # bytes: TIFF counts with 32 bits
SAMPLE_FORMATS = {"u": 1, "i": 2, "f": 3}
RAW, PREDICTED = 1, 2
COMPRESSIONS: dict[int, Callable[[bytes], bytes | bytearray]] = {
    5: imagecodecs.lzw_encode,
    8: imagecodecs.zlib_encode,
    32946: imagecodecs.zlib_encode,
    34925: imagecodecs.lzma_encode,
    50000: imagecodecs.zstd_encode,
}
PACKBITS, DEFLATE = 32773, 8
NAMES = {2: "CCITT", 3: "CCITT", 4: "CCITT", 6: "JPEG", 7: "JPEG", 34712: "JPEG 2000", 34887: "LERC", 50001: "WebP"}


def kept_compression(metadata: Metadata) -> tuple[int, tuple[str, ...]]:
    """The compression that a photo's TIFF is written with, and a note where it is not the file's own."""
    own = metadata.compression[0]
    if own in (RAW, PACKBITS) or own in COMPRESSIONS:
        return own, ()
    return DEFLATE, (f"TIFF: compressed by Deflate and not by {NAMES.get(own, own)}, which cannot keep these pixels",)


class Page(NamedTuple):
    """One picture of a TIFF."""

    pixels: np.ndarray  # [H, W, C] of any numbers
    metadata: Metadata
    extras: Sequence[int] = ()  # what the channels after the colours are, in TIFF's numbers
    inks: bool = False  # the colours are CMYK


def write_tiff(path: Path, pages: Sequence[Page]) -> None:
    """Write the pages, one after the other.

    Grey with alpha of 16 bits is written as RGB with alpha: Pillow, and so many programs, open no such TIFF.
    """
    with path.open("w+b") as file:
        link = 0  # where the page before says where the next one is
        for page in pages:
            if page.pixels.shape[2] == 2 and tuple(page.extras) == (UNASSOCIATED,) and page.pixels.dtype == np.uint16:
                page = page._replace(pixels=page.pixels[:, :, [0, 0, 0, 1]])
            file.write(b"\0" * (file.seek(0, os.SEEK_END) % 2))
            link = _append(file, page, link)


def _append(file: BinaryIO, page: Page, link: int) -> int:
    """Write a page at the end, and where it is at `link`; returns where the one after it is to be named."""
    compression = kept_compression(page.metadata)[0]
    predicted = page.metadata.compression[1] == PREDICTED and page.pixels.dtype.kind in "ui"
    predictor = PREDICTED if predicted and compression in COMPRESSIONS else RAW
    height, width, channels = page.pixels.shape
    rows = height if compression == RAW else max(1, STRIP // (width * channels * page.pixels.itemsize))
    strips = _strips(page.pixels, rows, compression, predictor)
    held = [] if compression == RAW else list(strips)
    sizes = [page.pixels.nbytes] if compression == RAW else [len(strip) for strip in held]
    start = file.tell()
    if start + sum(sizes) > LARGEST:
        raise InputError("more than the 4 GB that a TIFF holds; write PNG, or compress it")
    tags = _directory(page, compression, predictor, rows, sizes)
    tags.save(file)
    for strip in held or strips:
        file.write(strip)
    if link:
        file.seek(link)
        file.write(struct.pack("<I", start))
    return (start or TIFF_HEADER) + 2 + TIFF_ENTRY * len(tags)


def _directory(
    page: Page, compression: int, predictor: int, rows: int, sizes: list[int]
) -> TiffImagePlugin.ImageFileDirectory_v2:
    """What describes a page and how its pixels are laid out."""
    tags, kind = tiff_tags(page.metadata), page.pixels.dtype.kind
    height, width, channels = page.pixels.shape
    colours = COLOUR if channels - len(page.extras) >= 3 else GREY
    layout = {
        ExifTags.Base.ImageWidth: width,
        ExifTags.Base.ImageLength: height,
        ExifTags.Base.BitsPerSample: (page.pixels.itemsize * 8,) * channels,
        ExifTags.Base.Compression: compression,
        ExifTags.Base.PhotometricInterpretation: INKS if page.inks else colours,
        ExifTags.Base.SamplesPerPixel: channels,
        ExifTags.Base.PlanarConfiguration: 1,
        ExifTags.Base.RowsPerStrip: rows,
        ExifTags.Base.SampleFormat: (SAMPLE_FORMATS[kind],) * channels,
        ExifTags.Base.StripByteCounts: tuple(sizes),
        ExifTags.Base.StripOffsets: tuple(int(place) for place in np.cumsum([0, *sizes[:-1]])),  # from the tags' end
    }
    if predictor != RAW:
        layout[ExifTags.Base.Predictor] = predictor
    if page.extras:
        layout[ExifTags.Base.ExtraSamples] = tuple(page.extras)
    for tag, value in layout.items():
        tags[tag] = value
    return tags


def _strips(pixels: np.ndarray, rows: int, compression: int, predictor: int) -> Iterator[bytes | bytearray]:
    """Some rows after the other, little-endian, compressed."""
    step = rows if compression != RAW else max(1, STRIP // (pixels.shape[1] * pixels.shape[2] * pixels.itemsize))
    for top in range(0, len(pixels), step):
        strip = np.ascontiguousarray(pixels[top : top + step], pixels.dtype.newbyteorder("<"))
        if predictor == PREDICTED:
            strip = np.concatenate([strip[:, :1], strip[:, 1:] - strip[:, :-1]], axis=1)
        if compression == PACKBITS:
            yield b"".join(imagecodecs.packbits_encode(row.tobytes()) for row in strip)
        else:
            yield COMPRESSIONS[compression](strip.tobytes()) if compression != RAW else strip.tobytes()
