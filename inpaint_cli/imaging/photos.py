"""Photos of `inpaint complete`: read upright, with all that their files hold; the formats that they are written in."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageFile

from inpaint_cli.errors import EnvironmentFault, InputError, UsageError
from inpaint_cli.imaging.decoding import SIXTEEN_BITS_IN_32, colour_and_alpha, loaded, pixels_of, printable
from inpaint_cli.imaging.deep import (
    Channels,
    has_sixteen_bits,
    is_deep,
    is_raster,
    read_deep,
    read_raster,
)
from inpaint_cli.imaging.kinds import INSTALL_HEIF, has_heif, raw_photo
from inpaint_cli.imaging.metadata import (
    Metadata,
    colour_chunks,
    jpeg_encoding,
    note_of_more,
    read_metadata,
)
from inpaint_cli.imaging.native import Inks, Native, Numbers, numbers_of
from inpaint_cli.imaging.orientation import orientation_of, upright, upright_image

NOTHING = 42113  # GDAL's tag for the number that stands for nothing


class Format(NamedTuple):
    """How one kind of file is written."""

    name: str  # as Pillow calls it
    alpha: bool
    options: Mapping[str, Any] = {}
    has_quality: bool = False
    deep: bool = False  # holds 16 bits per channel
    inks: bool = False  # holds CMYK


JPEG = Format("JPEG", alpha=False, options={"quality": 95}, has_quality=True, inks=True)
TIFF = Format("TIFF", alpha=True, deep=True, inks=True)
HEIF = Format("HEIF", True, {"quality": -1, "chroma": 444, "matrix_coefficients": 0}, has_quality=True)
FORMATS = {
    ".png": Format("PNG", alpha=True, deep=True),
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".webp": Format("WEBP", True, {"lossless": True, "exact": True}, has_quality=True),
    ".tif": TIFF,
    ".tiff": TIFF,
    ".bmp": Format("BMP", alpha=False),
    ".avif": Format("AVIF", True, {"quality": 95, "subsampling": "4:4:4"}, has_quality=True),
    ".heic": HEIF,
    ".heif": HEIF,
}
ANIMATED = ("PNG", "WEBP", "AVIF")  # formats that hold several frames
SAME_FORMAT = {"MPO": "JPEG", "DIB": "BMP"}  # kinds of one format: a camera's JPEG with a preview, a BMP without header


@dataclass(frozen=True)
class Photo:
    """A photo as it looks upright."""

    pixels: np.ndarray  # uint8 or uint16 [H, W, C], C = 1 or 3; of a raster float32 in [0, 1]
    alpha: np.ndarray | None = None  # of the same type, [H, W]
    format: str = ""  # as Pillow calls it
    metadata: Metadata = field(default_factory=Metadata)
    encoding: Mapping[str, Any] = field(default_factory=dict)  # how its JPEG was compressed
    notes: tuple[str, ...] = ()  # what the user should know about reading it
    turned: int = 1  # the EXIF orientation that was applied
    further: np.ndarray | None = None  # channels that are neither colour nor alpha, [H, W, E], such as infrared
    native: Native | None = None  # the numbers that are written in the place of `pixels`
    path: Path | None = None  # its file, whose JPEG blocks are kept
    duration: float = 0  # of a frame of an animation, in milliseconds
    loop: int = 0  # how often the animation is shown, 0 without end

    @property
    def size(self) -> tuple[int, int]:
        """Width, height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def invisible(self) -> np.ndarray | None:
        """bool [H, W]: what is known but has no colour, since it is wholly transparent; None where nothing is."""
        if isinstance(self.native, Numbers):
            return self.native.missing if self.native.missing.any() else None
        return None if self.alpha is None or self.alpha.all() else self.alpha == 0


def read_photo(path: str | Path, most: int | None = None, page: int | None = None) -> Photo:
    """Decode a photo with its alpha and metadata; `InputError` names the file and the reason.

    PNG and TIFF of 16 bits per channel come as uint16, everything else as uint8. most: pixels that are decoded; page:
    which of several pictures, from 0; None for the first, with a note where there are more.
    """
    number = page or 0
    headers: list[_Header] = []
    inspect = lambda image: headers.append(_before_decoding(image, Path(path), page))  # noqa: E731 - one line of many
    with loaded(path, inspect, most, number, _decoded_elsewhere) as image:
        (header,) = headers
        turned = header.turned or orientation_of(image)
        raster = read_raster(Path(path), image, turned, number) if header.raster else None
        deep = read_deep(Path(path), image, turned, number) if header.deep else None
        if header.deep and deep is None and image.format == "TIFF":
            image.load()  # an arrangement that only Pillow reads
        native = _native(image, raster)
        channels = deep or _channels(image, native)
        height, width = channels.colour.shape[:2]
        metadata = read_metadata(image, turned, (width, height), header.chunks)
        notes = [*header.notes, *note_of_more(image), *_note_of_channels(channels)]
        if header.sixteen and deep is None and not header.raster:
            notes.append("16 bits per channel: completed and written with 8")
        return Photo(
            pixels=channels.colour,
            alpha=channels.alpha,
            format=_format_of(image),
            metadata=metadata,
            encoding=header.encoding,
            notes=tuple(notes),
            turned=turned,
            further=channels.further,
            native=native,
            path=Path(path),
            duration=float(image.info.get("duration") or 0),
            loop=int(image.info.get("loop") or 0),
        )


def _decoded_elsewhere(image: ImageFile.ImageFile) -> bool:
    """Whether imagecodecs alone decodes a file: a TIFF of what Pillow does not hold."""
    return image.format == "TIFF" and (is_deep(image) or is_raster(image))


class _Header(NamedTuple):
    """What only the undecoded file says."""

    deep: bool
    raster: bool
    sixteen: bool
    turned: int | None  # of a TIFF, which Pillow turns while it decodes
    chunks: tuple[tuple[bytes, bytes], ...]
    encoding: Mapping[str, Any]
    notes: list[str]


def _before_decoding(image: ImageFile.ImageFile, path: Path, page: int | None) -> _Header:
    if raw_photo(image):
        raise InputError(
            "is a camera's raw file, of which this program would read a small preview alone: develop it first into a "
            "16-bit TIFF: darktable-cli IN OUT.tif, RawTherapee, `dcraw -T -6 IN` or Lightroom"
        )
    return _Header(
        deep=is_deep(image),
        raster=is_raster(image),
        sixteen=has_sixteen_bits(image) and (image.mode != "I" or image.format in SIXTEEN_BITS_IN_32),
        turned=orientation_of(image) if image.format == "TIFF" else None,
        chunks=colour_chunks(image),
        encoding=jpeg_encoding(image),
        notes=[*_note_of_format(image, path), *_note_of_frames(image, page)],
    )


def _native(image: Image.Image, raster: np.ndarray | None) -> Native | None:
    if raster is not None:
        nothing = getattr(image, "tag_v2", {}).get(NOTHING)
        return numbers_of(raster, _number(nothing))
    if image.mode == "CMYK":
        profile = image.info.get("icc_profile") or b""
        return Inks(upright(np.asarray(image), orientation_of(image)), profile)
    return None


def _number(text: object) -> float | None:
    try:
        return float(str(text).strip("\0 "))
    except ValueError:
        return None


def _channels(image: Image.Image, native: Native | None) -> Channels:
    if native is not None:
        return Channels(native.shown(), None, None)
    colour, alpha = colour_and_alpha(upright_image(image))
    return Channels(pixels_of(colour).copy(), None if alpha is None else np.array(alpha), None)


def _note_of_channels(channels: Channels) -> list[str]:
    if channels.further is None:
        return []
    count = channels.further.shape[2]
    further = "a further channel stays as it is" if count == 1 else f"{count} further channels stay as they are"
    return [f"{further}, in the hole too: colours alone are completed"]


def _format_of(image: Image.Image) -> str:
    name = image.format or ""
    return SAME_FORMAT.get(name, name)


def _note_of_format(image: Image.Image, path: Path) -> list[str]:
    named = FORMATS.get(path.suffix.lower())
    content = _format_of(image)
    if named is None or named.name == content:
        return []
    return [f"{printable(path.name)} is a {content} file inside, and was read as one"]


def _note_of_frames(image: Image.Image, page: int | None) -> list[str]:
    frames = "pages" if image.format == "TIFF" else "pictures"
    return (
        [f"the file holds several {frames}: the first was completed (--pages all, or a number)"]
        if page is None and frames_of(image) > 1
        else []
    )


def pages_in(path: str | Path) -> int:
    """How many pages or frames a file holds; `InputError` for what is no image."""
    with loaded(path, most=sys.maxsize, elsewhere=lambda image: True) as image:
        return frames_of(image)


def frames_of(image: Image.Image) -> int:
    """How many pages or frames a file holds; a camera's JPEG with a preview holds one photo."""
    try:
        return (
            1
            if image.format == "MPO" or not getattr(image, "is_animated", False)
            else int(getattr(image, "n_frames", 1))
        )
    except Exception:  # a damaged second frame does not harm the first
        return 1


def output_format(path: str | Path) -> Format:
    """The format that the extension names; `UsageError` lists the choices."""
    extension = Path(path).suffix.lower()
    if extension not in FORMATS:
        raise UsageError(f"{printable(path)}: cannot write '{extension}' files. Choices: {', '.join(FORMATS)}")
    if FORMATS[extension].name == "HEIF" and not has_heif():
        raise EnvironmentFault(f"{printable(path)}: {INSTALL_HEIF} lets this program write HEIC files")
    return FORMATS[extension]
