"""Photos and masks of `inpaint complete`: read upright, written whole, known pixels and metadata kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageChops

from inpaint_cli.errors import EnvironmentFault, InputError, UsageError
from inpaint_cli.files import replacing
from inpaint_cli.imaging.decoding import (
    colour_and_alpha,
    has_sixteen_bits,
    opened,
    over_white,
    pixels_of,
    printable,
)

HOLE_THRESHOLD = 128  # white in a mask file is the hole
# What describes the photo. Sizes and offsets belong to the old file, and its thumbnail shows what was taken out.
KEPT_TAGS = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)
KEPT_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)


class Format(NamedTuple):
    """How one kind of file is written."""

    name: str  # as Pillow calls it
    alpha: bool
    metadata: bool
    options: Mapping[str, Any] = {}


JPEG = Format("JPEG", alpha=False, metadata=True, options={"quality": 95})
TIFF = Format("TIFF", alpha=True, metadata=True)  # uncompressed: libtiff refuses the directories inside EXIF
FORMATS = {
    ".png": Format("PNG", alpha=True, metadata=True),
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".webp": Format("WEBP", alpha=True, metadata=True, options={"lossless": True, "exact": True}),
    ".tif": TIFF,
    ".tiff": TIFF,
    ".bmp": Format("BMP", alpha=False, metadata=False),
}


@dataclass(frozen=True)
class Photo:
    """A photo as it looks upright."""

    pixels: np.ndarray  # uint8 [H, W, C], C = 1 or 3
    alpha: np.ndarray | None = None  # uint8 [H, W]
    format: str = ""  # as Pillow calls it
    metadata: Mapping[str, bytes] = field(default_factory=dict)  # exif (orientation reset) and icc_profile
    notes: tuple[str, ...] = ()  # what the user should know about reading it

    @property
    def size(self) -> tuple[int, int]:
        """Width, height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


def read_photo(path: str | Path) -> Photo:
    """Decode a photo with its alpha and metadata; `InputError` names the file and the reason."""
    notes = []
    with opened(path, inspect=lambda image: notes.extend(_notes(image))) as image:
        colour, alpha = colour_and_alpha(image)
        return Photo(
            pixels=pixels_of(colour).copy(),
            alpha=None if alpha is None else np.array(alpha),
            format=image.format,
            metadata=_metadata(image),
            notes=tuple(notes),
        )


def read_mask(path: str | Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """A mask file -> bool [H, W], True where it is white: the hole.

    `InputError` unless it has both a hole and known pixels, and the photo's `size` (width, height) where that is given.
    Painting programs leave what is not painted transparent: that is known, whatever colour lies beneath.
    """
    with opened(path) as image:
        colour, alpha = colour_and_alpha(image)
    if size is not None and colour.size != tuple(size):
        sizes = "the mask is {}×{} but the photo is {}×{} pixels".format(*colour.size, *size)
        raise InputError(f"{printable(path)}: {sizes}")
    levels = ImageChops.multiply(colour.convert("L"), alpha or Image.new("L", colour.size, 255))
    hole = np.array(levels) >= HOLE_THRESHOLD
    if not hole.any():
        raise InputError(f"{printable(path)}: the mask has no hole; paint what is to be completed white")
    if hole.all():
        raise InputError(f"{printable(path)}: the mask is all hole; leave what is known black")
    return hole


def output_format(path: str | Path) -> Format:
    """The format that the extension names; `UsageError` lists the choices."""
    extension = Path(path).suffix.lower()
    if extension not in FORMATS:
        raise UsageError(f"{printable(path)}: cannot write '{extension}' files. Choices: {', '.join(FORMATS)}")
    return FORMATS[extension]


def write_photo(photo: Photo, pixels: np.ndarray, path: str | Path, overwrite: bool = False) -> tuple[str, ...]:
    """Write `pixels` (uint8 [H, W, C]) in the place of `photo`'s; returns notes on what the format could not keep.

    Every format but JPEG keeps the pixels byte for byte.
    """
    form = output_format(path)
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    alpha = None if photo.alpha is None else Image.fromarray(photo.alpha)
    notes = ()
    if alpha is not None and form.alpha:
        image.putalpha(alpha)
    elif alpha is not None:
        image = over_white(image, alpha)
        notes = (f"{form.name} has no transparency: laid over white",)
    with replacing(Path(path), overwrite) as temporary:
        _save(image, temporary, form, photo.metadata if form.metadata else {}, printable(path))
    return notes


def _save(image: Image.Image, path: Path, form: Format, metadata: Mapping[str, bytes], name: str) -> None:
    try:
        image.save(path, format=form.name, **form.options, **metadata)
    except OSError as error:
        raise EnvironmentFault(f"{name}: could not be written ({error})") from None
    except (ValueError, SystemError) as error:  # beyond what the format can hold, such as WebP's 16,383 pixels
        raise InputError(f"{name}: this photo cannot be kept as {form.name} ({error})") from None


def _notes(image: Image.Image) -> list[str]:
    return ["16 bits per channel: completed and written with 8"] if has_sixteen_bits(image) else []


def _metadata(image: Image.Image) -> dict[str, bytes]:
    kept = {}
    exif = _descriptive_exif(image)
    if exif:
        kept["exif"] = exif
    profile = image.info.get("icc_profile")
    if profile and image.mode not in ("CMYK", "YCbCr"):  # those pixels have left their profile's colour space
        kept["icc_profile"] = profile
    return kept


def _descriptive_exif(image: Image.Image) -> bytes:
    kept = Image.Exif()
    try:
        original = image.getexif()
        kept.update({tag: original[tag] for tag in KEPT_TAGS if tag in original})
        kept.update({tag: values for tag in KEPT_DIRECTORIES if (values := original.get_ifd(tag))})
        return kept.tobytes() if len(kept) else b""
    except Exception:  # damaged metadata must not cost the photo
        return b""
