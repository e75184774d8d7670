"""Masks of `inpaint complete`: which pixels are missing, read from image files or from the photo itself.

In files white is the hole, threshold 128. Inside the program a hole is bool [H, W], True = missing.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageColor
from scipy import ndimage

from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.files import replacing
from inpaint_cli.imaging.decoding import colour_and_alpha, opened, printable
from inpaint_cli.imaging.deep import to_eight_bits
from inpaint_cli.imaging.photos import Photo, output_format

THRESHOLD = 128  # white in a mask file is the hole
BLACK, WHITE = 32, 224  # grey levels within which a visible pixel is neither: a mask has few of them, a picture many
SHARE_OF_GREY = 0.1
PAINT_WHITE, LEAVE_BLACK = "paint what is to be completed white", "leave what is known black"
WARN_ABOVE = 0.5  # of the photo: the mask is probably inverted


class MaskFile(NamedTuple):
    """A mask as a file holds it."""

    hole: np.ndarray  # bool [H, W]
    notes: tuple[str, ...]


def read_mask(path: str | Path, size: tuple[int, int] | None = None, invert: bool = False) -> np.ndarray:
    """A mask file -> bool [H, W], True where it is white: the hole. `invert`: where it is black.

    `InputError` unless it has both a hole and known pixels, and the photo's `size` (width, height) where that is given.
    """
    return open_mask(path, size, invert).hole


def open_mask(path: str | Path, size: tuple[int, int] | None = None, invert: bool = False) -> MaskFile:
    """As `read_mask`, with what the user should know about how the file was understood.

    A mask with transparency is understood in one of two ways. Painting programs leave what is not painted transparent:
    where white is visible, opaque white is the hole and transparent is known. Where nothing visible is white, or where
    the colours are a picture's and no mask's, something was erased: the transparent part is the hole.
    """
    with opened(path) as image:
        return mask_in(image, path, size, invert)


def mask_in(image: Image.Image, name: object, size: tuple[int, int] | None = None, invert: bool = False) -> MaskFile:
    """As `open_mask`, of an image that is upright already; `name` is what messages call it."""
    white = _white_in(image, name, size)
    hole, notes = ~white.hole if invert else white.hole, white.notes
    refuse_senseless(hole, name)
    if hole.mean() > WARN_ABOVE:
        turn = "leave out --invert-mask" if invert else "give --invert-mask"
        notes += (f"{printable(name)}: the hole covers {hole.mean():.0%} of the photo; if it is the rest, {turn}",)
    return MaskFile(hole, notes)


def _white_in(image: Image.Image, name: object, size: tuple[int, int] | None) -> MaskFile:
    colour, alpha = colour_and_alpha(image)
    if size is not None and colour.size != tuple(size):
        sizes = "the mask is {}×{} but the photo is {}×{} pixels".format(*colour.size, *size)
        raise InputError(f"{printable(name)}: {sizes}; a mask has its photo's size")
    levels = np.asarray(colour.convert("L"))
    if alpha is None:
        return MaskFile(levels >= THRESHOLD, ())
    visible = np.asarray(alpha) >= THRESHOLD
    if not _is_erased(levels, visible):
        return MaskFile((levels >= THRESHOLD) & visible, ())
    return MaskFile(~visible, (f"{printable(name)}: its transparent part is taken for the hole",))


def _is_erased(levels: np.ndarray, visible: np.ndarray) -> bool:
    """Whether the hole is where a file was made transparent, and not where it was painted white."""
    shown = levels[visible]
    if not len(shown) or len(shown) == levels.size:
        return False
    grey = ((shown > BLACK) & (shown < WHITE)).mean()
    return bool(grey > SHARE_OF_GREY or not (shown >= THRESHOLD).any())


def refuse_senseless(hole: np.ndarray, name: object, help_none: str = PAINT_WHITE, help_all: str = LEAVE_BLACK) -> None:
    """Raise `InputError` unless something is missing and something is known; the helps say what to do."""
    if not hole.any():
        raise InputError(f"{printable(name)}: the mask has no hole; {help_none}")
    if hole.all():
        raise InputError(f"{printable(name)}: the mask is all hole; {help_all}")


def read_sources(path: str | Path, size: tuple[int, int]) -> np.ndarray:
    """A mask file of the photo's size -> bool [H, W], True where it is white: what may be copied from."""
    with opened(path) as image:
        white = _white_in(image, path, size).hole
    if not white.any():
        raise InputError(f"{printable(path)}: nothing is white; paint what may be copied from white")
    return white


def write_mask(hole: np.ndarray, path: str | Path, overwrite: bool = False) -> None:
    """Write bool [H, W] as a black and white image, white = hole."""
    form = output_format(path)
    with replacing(Path(path), overwrite) as temporary:
        Image.fromarray(np.where(hole, 255, 0).astype(np.uint8)).save(temporary, format=form.name, **form.options)


def pixels_of_colour(photo: Photo, text: str) -> np.ndarray:
    """`COLOR` or `COLOR,TOLERANCE` -> bool [H, W]: pixels that differ by at most TOLERANCE (0) in every channel.

    COLOR is a name (magenta), #rrggbb or rgb(255, 0, 255); the tolerance is of 255.
    """
    colour, tolerance = parse_colour(text)
    pixels = to_eight_bits(photo.pixels).astype(np.int16)
    hole = np.all(np.abs(pixels - np.array(colour, np.int16)) <= tolerance, axis=2)
    if photo.alpha is not None:
        hole &= photo.alpha > 0
    return hole


def parse_colour(text: str) -> tuple[tuple[int, int, int], int]:
    """`COLOR[,TOLERANCE]` -> red, green and blue, and the tolerance; `UsageError` shows how it is written."""
    name, comma, last = text.rpartition(",")
    if not (comma and last.strip().isdecimal() and name.count("(") == name.count(")")):
        name, last = text, "0"
    try:
        return ImageColor.getrgb(name.strip())[:3], int(last)
    except ValueError:
        raise UsageError(
            f"--mask auto:{text}: no colour '{name.strip()}'; write a name such as magenta, #rrggbb or rgb(255,0,255), "
            "and after a comma the tolerance of each channel, such as auto:#ff00ff,12"
        ) from None


def transparent_pixels(photo: Photo) -> np.ndarray:
    """bool [H, W]: what is not fully opaque."""
    if photo.alpha is None:
        raise InputError("mask alpha: the photo has no transparency")
    return photo.alpha < np.iinfo(photo.alpha.dtype).max


def dilated(hole: np.ndarray, pixels: int) -> np.ndarray:
    """The hole grown by so many pixels on every side. bool [H, W] or [H, W, C]"""
    grown, around = hole.copy(), _around(hole, pixels)
    side = 2 * pixels + 1
    grown[around] = ndimage.maximum_filter(hole[around], (side, side, 1)[: hole.ndim], mode="constant")
    return grown


def _around(hole: np.ndarray, pixels: int) -> tuple[slice, slice]:
    """The rows and columns that lie within so many pixels of the hole."""
    where = np.any(np.atleast_3d(hole), axis=2)
    ends = [np.flatnonzero(where.any(axis=axis))[[0, -1]] for axis in (1, 0)]
    rows, columns = (slice(max(int(first) - pixels, 0), int(last) + 1 + pixels) for first, last in ends)
    return rows, columns


def faded(original: np.ndarray, completed: np.ndarray, hole: np.ndarray, pixels: int) -> np.ndarray:
    """The completion inside the hole, fading into the original over so many pixels outside it.

    original: integers [H, W, C]; completed: [samples, H, W, C]; hole: bool [H, W] or [H, W, C].
    """
    around = _around(hole, pixels + 1)
    planes = np.moveaxis(np.atleast_3d(hole[around]), 2, 0)
    distance = np.stack([ndimage.distance_transform_edt(~plane) for plane in planes], axis=2)
    share = np.clip(1 - distance / (pixels + 1), 0, 1).astype(np.float32)
    below, above = original[around], completed[:, *around]
    mixed = below + share * (above.astype(np.float32) - below)
    result = np.repeat(original[None], len(completed), axis=0)
    result[:, *around] = np.where(share == 1, above, mixed.round().astype(original.dtype))
    return result
