"""Dashed boxes around what is known of an image, as figure 5 of the mde paper draws them on the originals."""

from typing import NamedTuple

import numpy as np

Colour = tuple[int, int, int]
COLOURS = ((255, 32, 32), (32, 208, 32), (64, 96, 255))  # of the channels R, G and B
SHARED, BETWEEN = (255, 255, 255), (0, 0, 0)  # the dashes of a box of all channels, and what lies between them
DASH, WIDTH = 4, 2  # pixels


class Box(NamedTuple):
    """A rectangle; bottom and right are the first row and column outside. As it is made: nothing."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0


def boxed(image: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """A box for each channel in its colour, or one where all know the same.

    uint8 and bool [H, W, C] -> uint8 [H, W, 3]; the image as it is where what is known is no rectangle, or all of it.
    """
    boxes = [box for channel in np.moveaxis(~missing, 2, 0) if (box := box_of(channel)) is not None]
    if len(boxes) < missing.shape[2] or not missing.any():
        return image
    picture = np.broadcast_to(image, (*image.shape[:2], 3)).copy()
    if (missing == missing[..., :1]).all():
        _draw(picture, boxes[0], SHARED, BETWEEN)
    else:
        for box, colour in zip(boxes, COLOURS, strict=True):
            _draw(picture, box, colour)
    return picture


def box_of(known: np.ndarray) -> Box | None:
    """The rectangle that is true in bool [H, W]; None where what is true is no rectangle."""
    rows, columns = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
    if not rows.size:
        return Box()
    box = Box(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
    return box if known[box.top : box.bottom, box.left : box.right].all() else None


def _draw(picture: np.ndarray, box: Box, colour: Colour, between: Colour | None = None) -> None:
    """Dashes along the rectangle's rim, inside of it."""
    rim = np.zeros(picture.shape[:2], bool)
    rim[box.top : box.bottom, box.left : box.right] = True
    rim[box.top + WIDTH : max(0, box.bottom - WIDTH), box.left + WIDTH : max(0, box.right - WIDTH)] = False
    rows, columns = np.indices(rim.shape)
    dashes = (rows + columns) // DASH % 2 == 0
    picture[rim & dashes] = colour
    if between:
        picture[rim & ~dashes] = between
