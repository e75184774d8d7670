"""16 bits per channel: Pillow holds them in grey images alone, so imagecodecs decodes and encodes the pixels here.

Pixels are uint16 [H, W, C], C = 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha).
"""

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import ExifTags, Image, ImageFile, TiffImagePlugin

from inpaint_cli.imaging.decoding import has_sixteen_bits, orientation_of

FULL = 65535
PNG_HEADER = 33  # bytes: the signature and the IHDR chunk
# Fast and no larger for photographs than libpng's own choice, which is 7 times slower.
PNG_SPEED = {"level": 1, "strategy": 3, "filter": 16}
GREY, COLOUR = 1, 2  # TIFF's photometric interpretations
ASSOCIATED, UNASSOCIATED = 1, 2  # TIFF's kinds of alpha
UPRIGHT = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels),
}


def is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether the file (asked before it is decoded) is one whose 16 bits per channel are kept: a PNG or a TIFF."""
    if image.format == "PNG":
        return has_sixteen_bits(image)
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    tags = image.tag_v2
    plain = tags.get(ExifTags.Base.PhotometricInterpretation) in (GREY, COLOUR)
    integers = set(tags.get(ExifTags.Base.SampleFormat, (1,))) == {1}
    return plain and integers and set(tags.get(ExifTags.Base.BitsPerSample, ())) == {16}


def read_deep(path: Path, image: Image.Image) -> tuple[np.ndarray, np.ndarray | None] | None:
    """Upright uint16 [H, W, 1 or 3] and alpha uint16 [H, W] or None; None for arrangements that only Pillow reads.

    image: the same file, opened and judged safe to decode.
    """
    decode = imagecodecs.png_decode if image.format == "PNG" else imagecodecs.tiff_decode
    pixels = decode(path.read_bytes())
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if pixels.dtype != np.uint16 or pixels.shape[:2] != (image.height, image.width) or pixels.shape[2] > 4:
        return None
    kinds = _extra_samples(image)
    pixels = np.ascontiguousarray(UPRIGHT.get(orientation_of(image), lambda same: same)(pixels))
    colours = 3 if pixels.shape[2] >= 3 else 1
    if pixels.shape[2] == colours or kinds not in ((ASSOCIATED,), (UNASSOCIATED,)):
        return pixels[:, :, :colours], None
    colour, alpha = pixels[:, :, :colours], pixels[:, :, colours]
    return (_unmultiplied(colour, alpha) if kinds == (ASSOCIATED,) else colour), alpha


def _extra_samples(image: Image.Image) -> tuple[int, ...]:
    """What the channels after the colours are, in TIFF's numbers."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return tuple(image.tag_v2.get(ExifTags.Base.ExtraSamples, ()))
    return (UNASSOCIATED,)  # a PNG's


def _unmultiplied(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    scaled = colour.astype(np.float64) * (FULL / np.maximum(alpha, 1))[:, :, None]
    return scaled.round().clip(0, FULL).astype(np.uint16)


def to_eight_bits(pixels: np.ndarray) -> np.ndarray:
    """uint16 -> uint8, rounded; uint8 as it is."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) * 255 + FULL // 2) // FULL).astype(np.uint8)


def write_deep_png(pixels: np.ndarray, path: Path, metadata: Mapping[str, bytes]) -> None:
    """Write uint16 [H, W, C] with `exif` and `icc_profile`."""
    encoded = imagecodecs.png_encode(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels, **PNG_SPEED)
    chunks = b""
    if "icc_profile" in metadata:
        chunks += _png_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(metadata["icc_profile"]))
    if "exif" in metadata:
        chunks += _png_chunk(b"eXIf", metadata["exif"].removeprefix(b"Exif\0\0"))
    path.write_bytes(encoded[:PNG_HEADER] + chunks + encoded[PNG_HEADER:])


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def write_deep_tiff(pixels: np.ndarray, path: Path, metadata: Mapping[str, bytes]) -> None:
    """Write uint16 [H, W, C], uncompressed, in one strip, with `exif` and `icc_profile`.

    Grey with alpha is written as RGB with alpha: Pillow, and so many programs, open no such TIFF of 16 bits.
    """
    if pixels.shape[2] == 2:
        pixels = pixels[:, :, [0, 0, 0, 1]]
    height, width, channels = pixels.shape
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    exif = Image.Exif()
    exif.load(metadata.get("exif", b""))
    for tag in exif:
        tags[tag] = exif.get_ifd(tag) if tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo) else exif[tag]
    tags[ExifTags.Base.ImageWidth], tags[ExifTags.Base.ImageLength] = width, height
    tags[ExifTags.Base.BitsPerSample] = (16,) * channels
    tags[ExifTags.Base.Compression] = 1
    tags[ExifTags.Base.PhotometricInterpretation] = COLOUR if channels >= 3 else GREY
    tags[ExifTags.Base.SamplesPerPixel] = channels
    tags[ExifTags.Base.PlanarConfiguration] = 1
    tags[ExifTags.Base.RowsPerStrip] = height
    tags[ExifTags.Base.StripByteCounts] = pixels.nbytes
    tags[ExifTags.Base.StripOffsets] = 0  # counted by the directory from its own end
    if channels == 4:
        tags[ExifTags.Base.ExtraSamples] = UNASSOCIATED
    if "icc_profile" in metadata:
        tags[TiffImagePlugin.ICCPROFILE] = metadata["icc_profile"]
    with path.open("wb") as file:
        tags.save(file)
        file.write(pixels.astype("<u2").tobytes())
