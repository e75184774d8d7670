"""Photos of `inpaint complete`: read upright, written whole, known pixels and metadata kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageFile

from inpaint_cli.errors import EnvironmentFault, InputError, UsageError
from inpaint_cli.files import replacing
from inpaint_cli.imaging.decoding import (
    SIXTEEN_BITS_IN_32,
    colour_and_alpha,
    has_sixteen_bits,
    opened,
    over_white,
    pixels_of,
    printable,
)
from inpaint_cli.imaging.deep import is_deep, read_deep, to_eight_bits, write_deep_png, write_deep_tiff
from inpaint_cli.imaging.metadata import jpeg_encoding, kept_metadata


class Format(NamedTuple):
    """How one kind of file is written."""

    name: str  # as Pillow calls it
    alpha: bool
    metadata: bool
    options: Mapping[str, Any] = {}
    has_quality: bool = False
    write_deep: Callable[[np.ndarray, Path, Mapping[str, bytes]], None] | None = None


JPEG = Format("JPEG", alpha=False, metadata=True, options={"quality": 95}, has_quality=True)
# Uncompressed: libtiff refuses the directories inside EXIF.
TIFF = Format("TIFF", alpha=True, metadata=True, write_deep=write_deep_tiff)
FORMATS = {
    ".png": Format("PNG", alpha=True, metadata=True, write_deep=write_deep_png),
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".webp": Format("WEBP", True, True, options={"lossless": True, "exact": True}, has_quality=True),
    ".tif": TIFF,
    ".tiff": TIFF,
    ".bmp": Format("BMP", alpha=False, metadata=False),
}
SAME_FORMAT = {"MPO": "JPEG", "DIB": "BMP"}  # kinds of one format: a camera's JPEG with a preview, a BMP without header


@dataclass(frozen=True)
class Photo:
    """A photo as it looks upright."""

    pixels: np.ndarray  # uint8 or uint16 [H, W, C], C = 1 or 3
    alpha: np.ndarray | None = None  # of the same type, [H, W]
    format: str = ""  # as Pillow calls it
    metadata: Mapping[str, bytes] = field(default_factory=dict)  # exif (orientation reset) and icc_profile
    encoding: Mapping[str, Any] = field(default_factory=dict)  # how its JPEG was compressed
    notes: tuple[str, ...] = ()  # what the user should know about reading it

    @property
    def size(self) -> tuple[int, int]:
        """Width, height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def invisible(self) -> np.ndarray | None:
        """bool [H, W]: what is known but has no colour, since it is wholly transparent; None where nothing is."""
        return None if self.alpha is None or self.alpha.all() else self.alpha == 0


def read_photo(path: str | Path) -> Photo:
    """Decode a photo with its alpha and metadata; `InputError` names the file and the reason.

    PNG and TIFF of 16 bits per channel come as uint16, everything else as uint8.
    """
    headers: list[_Header] = []
    with opened(path, inspect=lambda image: headers.append(_before_decoding(image, Path(path)))) as image:
        (header,) = headers
        colour, alpha = colour_and_alpha(image)
        pixels, transparency = pixels_of(colour), None if alpha is None else np.asarray(alpha)
        if header.deep is not None:
            pixels, transparency = header.deep
        notes = [*header.notes]
        if header.sixteen and header.deep is None:
            notes.append("16 bits per channel: completed and written with 8")
        return Photo(
            pixels=pixels.copy(),
            alpha=None if transparency is None else transparency.copy(),
            format=_format_of(image),
            metadata=kept_metadata(image),
            encoding=header.encoding,
            notes=tuple(notes),
        )


class _Header(NamedTuple):
    """What only the undecoded file says."""

    deep: tuple[np.ndarray, np.ndarray | None] | None  # as `read_deep` gives them
    sixteen: bool
    encoding: Mapping[str, Any]
    notes: list[str]


def _before_decoding(image: ImageFile.ImageFile, path: Path) -> _Header:
    return _Header(
        deep=read_deep(path, image) if is_deep(image) else None,
        sixteen=has_sixteen_bits(image) and (image.mode != "I" or image.format in SIXTEEN_BITS_IN_32),
        encoding=jpeg_encoding(image),
        notes=[*_note_of_format(image, path), *_note_of_frames(image)],
    )


def _format_of(image: Image.Image) -> str:
    name = image.format or ""
    return SAME_FORMAT.get(name, name)


def _note_of_format(image: Image.Image, path: Path) -> list[str]:
    named = FORMATS.get(path.suffix.lower())
    content = _format_of(image)
    if named is None or named.name == content:
        return []
    return [f"{printable(path.name)} is a {content} file inside, and was read as one"]


def _note_of_frames(image: Image.Image) -> list[str]:
    frames = "pages" if image.format == "TIFF" else "pictures"
    try:
        several = image.format != "MPO" and getattr(image, "is_animated", False)  # cameras append their previews
    except Exception:  # a damaged second frame does not harm the first
        several = False
    return [f"the file holds several {frames}: the first was completed"] if several else []


def output_format(path: str | Path) -> Format:
    """The format that the extension names; `UsageError` lists the choices."""
    extension = Path(path).suffix.lower()
    if extension not in FORMATS:
        raise UsageError(f"{printable(path)}: cannot write '{extension}' files. Choices: {', '.join(FORMATS)}")
    return FORMATS[extension]


def write_photo(
    photo: Photo, pixels: np.ndarray, path: str | Path, overwrite: bool = False, quality: int | None = None
) -> tuple[str, ...]:
    """Write `pixels` (uint8 or uint16 [H, W, C]) in the place of `photo`'s; returns what the format could not keep.

    Every format but JPEG keeps the pixels byte for byte, unless a `quality` (1 to 100) is asked of WebP. A JPEG's own
    tables compress it again.
    """
    form = output_format(path)
    metadata = photo.metadata if form.metadata else {}
    write_deep = form.write_deep
    if pixels.dtype == np.uint16 and write_deep:
        layers = [pixels] if photo.alpha is None else [pixels, photo.alpha[:, :, None]]
        return _write_whole(
            path, form, overwrite, lambda temporary: write_deep(np.concatenate(layers, axis=2), temporary, metadata)
        )
    image, notes = _eight_bit_image(photo, pixels, form)
    options = _encoding_options(photo, image, form, quality)
    _write_whole(
        path, form, overwrite, lambda temporary: image.save(temporary, format=form.name, **options, **metadata)
    )
    return notes


def _eight_bit_image(photo: Photo, pixels: np.ndarray, form: Format) -> tuple[Image.Image, tuple[str, ...]]:
    notes = (f"{form.name} was written with 8 bits per channel of 16",) if pixels.dtype == np.uint16 else ()
    pixels = to_eight_bits(pixels)
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    if photo.alpha is None:
        return image, notes
    alpha = Image.fromarray(to_eight_bits(photo.alpha))
    if form.alpha:
        image.putalpha(alpha)
        return image, notes
    return over_white(image, alpha), (*notes, f"{form.name} has no transparency: laid over white")


def _encoding_options(photo: Photo, image: Image.Image, form: Format, quality: int | None) -> Mapping[str, Any]:
    if quality is not None and form.has_quality:
        return {"quality": quality}
    tables = photo.encoding.get("qtables", ())
    if form.name == "JPEG" and tables and (image.mode == "RGB") == (len(tables) > 1 or "subsampling" in photo.encoding):
        return photo.encoding
    return form.options


def _write_whole(path: str | Path, form: Format, overwrite: bool, save: Callable[[Path], None]) -> tuple[str, ...]:
    with replacing(Path(path), overwrite) as temporary:
        try:
            save(temporary)
        except OSError as error:
            raise EnvironmentFault(f"{printable(path)}: could not be written ({error})") from None
        except (ValueError, SystemError) as error:  # beyond what the format can hold, such as WebP's 16,383 pixels
            raise InputError(f"{printable(path)}: this photo cannot be kept as {form.name} ({error})") from None
    return ()
