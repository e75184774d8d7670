"""Holes of `inpaint complete` that no mask file says, and what is done with holes: growing, fading.

A hole is bool [H, W], True = missing.
"""

import numpy as np
from PIL import ImageColor
from scipy import ndimage

from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.imaging.deep import to_eight_bits
from inpaint_cli.imaging.native import Numbers
from inpaint_cli.imaging.photos import Photo

LOSSY = ("JPEG", "WEBP", "AVIF", "HEIF")
FRINGE = 3  # pixels; measured on JPEGs of quality 20 to 95


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


def missing_numbers(photo: Photo) -> np.ndarray:
    """bool [H, W]: where a raster has no number, or the one that its file says stands for nothing."""
    if not isinstance(photo.native, Numbers):
        raise InputError("mask nan: the photo has colours, and no missing numbers; this is for rasters of elevations")
    return photo.native.missing


def with_fringe(hole: np.ndarray, photo: Photo) -> tuple[np.ndarray, tuple[str, ...]]:
    """A hole that was painted into the photo, with what compression has smeared of its colour, and a note of that."""
    if photo.format not in LOSSY:
        return hole, ()
    return dilated(hole, FRINGE), (f"the colour was compressed with the photo: the hole takes {FRINGE} pixels more",)


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
    mixed = mixed.round() if original.dtype.kind == "u" else mixed
    result = np.repeat(original[None], len(completed), axis=0)
    result[:, *around] = np.where(share == 1, above, mixed.astype(original.dtype))
    return result
