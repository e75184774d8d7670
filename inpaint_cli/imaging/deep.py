"""Pixels that Pillow does not hold: 16 bits per channel in colour, further channels, elevations. imagecodecs decodes.

Pixels are uint16 [H, W, C], C = 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha).
"""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import imagecodecs
import numpy as np
from PIL import ExifTags, Image, ImageFile, TiffImagePlugin

from inpaint_cli.imaging.describing import png_chunks
from inpaint_cli.imaging.metadata import Metadata
from inpaint_cli.imaging.orientation import upright

FULL = 65535
PNG_HEADER = 33  # bytes: the signature and the IHDR chunk
# Fast and no larger for photographs than libpng's own choice, which is 7 times slower.
PNG_SPEED = {"level": 1, "strategy": 3, "filter": 16}
WHITE_IS_ZERO, GREY, COLOUR = 0, 1, 2  # TIFF's photometric interpretations
UNSPECIFIED, ASSOCIATED, UNASSOCIATED = 0, 1, 2  # TIFF's kinds of further channels
UNSIGNED, SIGNED, FLOAT = 1, 2, 3  # TIFF's kinds of numbers
MOST_CHANNELS = 64  # a file that claims more is damaged
SEPARATE = 2  # TIFF's planar configuration of one channel after the other
NUMBERS = ((SIGNED, 8), (SIGNED, 16), (SIGNED, 32), (UNSIGNED, 32), (FLOAT, 16), (FLOAT, 32), (FLOAT, 64))


class Channels(NamedTuple):
    """What a file holds for each pixel, upright."""

    colour: np.ndarray  # [H, W, 1 or 3]
    alpha: np.ndarray | None  # [H, W]
    further: np.ndarray | None  # [H, W, E]: infrared and the like


def is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether the file (asked before it is decoded) holds what Pillow would lose and is read here: a PNG or a TIFF.

    These are 16 bits per channel, and channels that are neither colour nor transparency.
    """
    if image.format == "PNG":
        return has_sixteen_bits(image)
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    tags = image.tag_v2
    if tags.get(ExifTags.Base.SamplesPerPixel, 1) > MOST_CHANNELS:
        return False
    bits, kinds = _bits(image), _extra_samples(image)
    plain = tags.get(ExifTags.Base.PhotometricInterpretation) in (WHITE_IS_ZERO, GREY, COLOUR) and _sample_formats(
        image
    ) == {UNSIGNED}
    further = UNSPECIFIED in kinds or len(kinds) > 1
    return plain and (bits == {16} or (further and bits == {8}))


def is_raster(image: ImageFile.ImageFile) -> bool:
    """Whether a TIFF holds one number for each pixel that is no grey level: elevations, temperatures."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile) or len(bits := _bits(image)) != 1:
        return False
    one = image.tag_v2.get(ExifTags.Base.SamplesPerPixel, 1) == 1
    return one and (*_sample_formats(image), *bits) in NUMBERS


def _bits(image: TiffImagePlugin.TiffImageFile) -> set[int]:
    return set(image.tag_v2.get(ExifTags.Base.BitsPerSample, (1,)))


def _sample_formats(image: TiffImagePlugin.TiffImageFile) -> set[int]:
    return set(image.tag_v2.get(ExifTags.Base.SampleFormat, (UNSIGNED,)))


def has_sixteen_bits(image: ImageFile.ImageFile) -> bool:
    """Whether the file holds more than 8 bits per channel (asked before `load`, which forgets)."""
    arguments = [part for tile in image.tile for part in (tile[3] if isinstance(tile[3], tuple) else (tile[3],))]
    known = image.mode.startswith("I") or any(isinstance(part, str) and ";16" in part for part in arguments)
    return known or _bits_elsewhere(image) > 8


def _bits_elsewhere(image: ImageFile.ImageFile) -> int:
    """The bits per channel of formats that Pillow reduces without a word; 0 of all others."""
    if image.format == "PPM":
        most = max((part for tile in image.tile if isinstance(tile[3], tuple) for part in tile[3][1:]), default=255)
        return int(most).bit_length() if isinstance(most, int) else 0
    if image.format == "HEIF":
        return int(image.info.get("bit_depth", 8))
    place = BITS_STAND.get(image.format or "")
    if place is None or not image.filename:
        return 0
    with Path(str(image.filename)).open("rb") as file:
        head = file.read(4096)
    found = head.find(place[0])
    return 0 if found < 0 or found + place[1] >= len(head) else place[2](head[found + place[1]])


BITS_STAND: dict[str, tuple[bytes, int, Callable[[int], int]]] = {  # a box, the byte in it, what it says
    "AVIF": (b"pixi", 9, lambda byte: byte),
    "JPEG2000": (b"ihdr", 14, lambda byte: (byte & 127) + 1),
}


def read_deep(path: Path, image: Image.Image, turned: int = 1, page: int = 0) -> Channels | None:
    """Upright pixels of the page-th picture; None for arrangements that only Pillow reads.

    image: the same file and picture, opened and judged safe to decode; turned: its EXIF orientation.
    """
    pixels = _decoded(path, image, page)
    if pixels.dtype not in (np.uint8, np.uint16) or sorted(pixels.shape[:2]) != sorted(image.size):
        return None
    kinds = _extra_samples(image)
    colours = 3 if pixels.shape[2] - len(kinds) >= 3 or (image.format == "PNG" and pixels.shape[2] >= 3) else 1
    pixels = upright(pixels, turned)
    colour, others = pixels[:, :, :colours], pixels[:, :, colours:]
    kinds = kinds[: others.shape[2]]
    transparent = [number for number, kind in enumerate(kinds) if kind in (ASSOCIATED, UNASSOCIATED)][:1]
    alpha = others[:, :, transparent[0]] if transparent else None
    further = np.delete(others, transparent, axis=2)
    colour = np.ascontiguousarray(colour)
    if getattr(image, "tag_v2", {}).get(ExifTags.Base.PhotometricInterpretation) == WHITE_IS_ZERO:
        colour = np.iinfo(colour.dtype).max - colour
    if alpha is not None and kinds[transparent[0]] == ASSOCIATED:
        colour = _unmultiplied(colour, alpha)
    return Channels(colour, alpha, further if further.shape[2] else None)


def read_raster(path: Path, image: Image.Image, turned: int = 1, page: int = 0) -> np.ndarray:
    """Upright numbers [H, W] of a TIFF for which `is_raster` holds."""
    return upright(_decoded(path, image, page)[:, :, 0], turned)


def _decoded(path: Path, image: Image.Image, page: int) -> np.ndarray:
    """[H, W, C] as stored."""
    if image.format == "PNG":
        pixels = imagecodecs.png_decode(path.read_bytes())
    else:
        pixels = imagecodecs.tiff_decode(path.read_bytes(), index=page)
        tags = getattr(image, "tag_v2", {})
        if pixels.ndim == 3 and tags.get(ExifTags.Base.PlanarConfiguration) == SEPARATE:
            pixels = np.moveaxis(pixels, 0, 2)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _extra_samples(image: Image.Image) -> tuple[int, ...]:
    """What the channels after the colours are, in TIFF's numbers."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return (UNASSOCIATED,)  # a PNG's
    tags = image.tag_v2
    said = tuple(tags.get(ExifTags.Base.ExtraSamples, ()))
    colours = 3 if tags.get(ExifTags.Base.PhotometricInterpretation) == COLOUR else 1
    unsaid = min(tags.get(ExifTags.Base.SamplesPerPixel, 1), MOST_CHANNELS) - colours - len(said)
    return said + (UNSPECIFIED,) * unsaid


def _unmultiplied(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    full = np.iinfo(colour.dtype).max
    scaled = colour.astype(np.float64) * (full / np.maximum(alpha, 1))[:, :, None]
    return scaled.round().clip(0, full).astype(colour.dtype)


def to_eight_bits(pixels: np.ndarray) -> np.ndarray:
    """uint16, or float in [0, 1] -> uint8, rounded; uint8 as it is."""
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind == "f":
        return (pixels * 255).round().clip(0, 255).astype(np.uint8)
    return ((pixels.astype(np.uint32) * 255 + FULL // 2) // FULL).astype(np.uint8)


def write_deep_png(pixels: np.ndarray, path: Path, metadata: Metadata) -> None:
    """Write uint16 [H, W, C] with what describes it."""
    encoded = imagecodecs.png_encode(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels, **PNG_SPEED)
    chunks = b""
    if metadata.icc_profile:
        chunks += _png_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(metadata.icc_profile))
    chunks += b"".join(_png_chunk(kind, content) for kind, content in png_chunks(metadata))
    if metadata.exif:
        chunks += _png_chunk(b"eXIf", metadata.exif.removeprefix(b"Exif\0\0"))
    path.write_bytes(encoded[:PNG_HEADER] + chunks + encoded[PNG_HEADER:])


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))
