"""TIFF files out, with any channels, numbers, compression and tags: Pillow writes the tags, imagecodecs the pixels.

Pillow's own writer loses the directories inside EXIF as soon as it compresses, and holds 16 bits in grey images alone.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import ExifTags

from inpaint_cli.errors import InputError
from inpaint_cli.imaging.metadata import Metadata, tiff_tags

GREY, COLOUR, INKS = 1, 2, 5  # photometric interpretations
UNASSOCIATED = 2  # the alpha among further channels
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
    return DEFLATE, (f"TIFF: compressed by Deflate and not by {NAMES.get(own, own)}, which does not keep every pixel",)


def write_tiff(
    pixels: np.ndarray, path: Path, metadata: Metadata, extras: Sequence[int] = (), inks: bool = False
) -> None:
    """Write [H, W, C] of any numbers; extras: what the channels after the colours are, in TIFF's numbers.

    Grey with alpha of 16 bits is written as RGB with alpha: Pillow, and so many programs, open no such TIFF.
    """
    if pixels.shape[2] == 2 and tuple(extras) == (UNASSOCIATED,) and pixels.dtype == np.uint16:
        pixels = pixels[:, :, [0, 0, 0, 1]]
    height, width, channels = pixels.shape
    compression = kept_compression(metadata)[0]
    predictor = PREDICTED if metadata.compression[1] == PREDICTED and pixels.dtype.kind in "ui" else RAW
    predictor = predictor if compression in COMPRESSIONS else RAW
    rows = height if compression == RAW else max(1, STRIP // (width * channels * pixels.itemsize))
    strips = _strips(pixels, rows, compression, predictor)
    held = [] if compression == RAW else list(strips)
    sizes = [pixels.nbytes] if compression == RAW else [len(strip) for strip in held]
    if sum(sizes) > LARGEST:
        raise InputError("more than the 4 GB that a TIFF holds; write PNG, or compress it")
    tags = tiff_tags(metadata)
    layout = {
        ExifTags.Base.ImageWidth: width,
        ExifTags.Base.ImageLength: height,
        ExifTags.Base.BitsPerSample: (pixels.itemsize * 8,) * channels,
        ExifTags.Base.Compression: compression,
        ExifTags.Base.PhotometricInterpretation: INKS if inks else (COLOUR if channels - len(extras) >= 3 else GREY),
        ExifTags.Base.SamplesPerPixel: channels,
        ExifTags.Base.PlanarConfiguration: 1,
        ExifTags.Base.RowsPerStrip: rows,
        ExifTags.Base.SampleFormat: (SAMPLE_FORMATS[pixels.dtype.kind],) * channels,
        ExifTags.Base.StripByteCounts: tuple(sizes),
        ExifTags.Base.StripOffsets: tuple(int(place) for place in np.cumsum([0, *sizes[:-1]])),  # from the tags' end
    }
    if predictor != RAW:
        layout[ExifTags.Base.Predictor] = predictor
    if extras:
        layout[ExifTags.Base.ExtraSamples] = tuple(extras)
    for tag, value in layout.items():
        tags[tag] = value
    with path.open("wb") as file:
        tags.save(file)
        for strip in held or strips:
            file.write(strip)


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
