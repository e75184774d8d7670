"""Where a method looks: the parts of a hole, and windows of the photo around them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

APART = 8  # pixels: the side of the blocks in which parts of the hole are told apart; neighbouring blocks are one part
QUICKNESS = 6  # the power of the fading: two windows are mixed over about a tenth of their side
MOST_PARTS = 256  # a hole in more pieces is told apart in larger blocks


class Box(NamedTuple):
    """A rectangle of pixels; the last row and column are exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def area(self) -> int:
        return self.height * self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def with_margin(self, margin: int, size: tuple[int, int]) -> "Box":
        """Grown on every side, cut off at the photo's (height, width)."""
        top, left = max(self.top - margin, 0), max(self.left - margin, 0)
        return Box(top, left, min(self.bottom + margin, size[0]), min(self.right + margin, size[1]))

    def seen_from(self, origin: "Box") -> "Box":
        """The same pixels, counted from another box's corner."""
        down, right = origin.top, origin.left
        return Box(self.top - down, self.left - right, self.bottom - down, self.right - right)

    def union(self, other: "Box") -> "Box":
        """The smallest box around both."""
        first = min(self.top, other.top), min(self.left, other.left)
        return Box(*first, max(self.bottom, other.bottom), max(self.right, other.right))


@dataclass(frozen=True)
class Part:
    """Some of the hole's pixels: bool [height, width] within a box."""

    box: Box
    pixels: np.ndarray

    def union(self, other: "Part") -> "Part":
        both = self.box.union(other.box)
        return Part(both, self.within(both) | other.within(both))

    def within(self, box: Box) -> np.ndarray:
        """Its pixels in a larger box: bool [height, width] of that box."""
        inside = np.zeros((box.height, box.width), bool)
        top, left = self.box.top - box.top, self.box.left - box.left
        inside[top : top + self.box.height, left : left + self.box.width] = self.pixels
        return inside


def box_of(where: np.ndarray) -> Box:
    """The smallest box around what is true in bool [H, W]; at least one pixel is."""
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def parts_of(hole: np.ndarray) -> list[Part]:
    """The parts of bool [H, W] that lie apart from each other."""
    block = APART
    while True:
        labels, count = ndimage.label(_in_blocks(hole, block), np.ones((3, 3)))
        if count <= MOST_PARTS:
            break
        block *= 2
    height, width = hole.shape
    labels = labels.repeat(block, axis=0)[:height].repeat(block, axis=1)[:, :width]
    labels[~hole] = 0
    boxes = [Box(rows.start, columns.start, rows.stop, columns.stop) for rows, columns in ndimage.find_objects(labels)]
    return [Part(box, labels[box.slices] == number) for number, box in enumerate(boxes, start=1)]


def _in_blocks(hole: np.ndarray, block: int) -> np.ndarray:
    """Whether anything is true in each block of block × block pixels."""
    height, width = hole.shape
    padded = np.pad(hole, ((0, -height % block), (0, -width % block)))
    return np.any(padded.reshape(padded.shape[0] // block, block, -1, block), axis=(1, 3))


def merged(parts: list[Part], view: Callable[[Box], Box]) -> list[Part]:
    """The parts, of which those are one whose views together are no smaller than one view of both.

    view: what a method is shown of the photo for a part in a box. What lies in two views would be completed twice.
    """
    parts, place = list(parts), 0
    while place < len(parts):
        own = parts[place]
        for other in range(place + 1, len(parts)):
            areas = [view(box).area for box in (own.box, parts[other].box, own.box.union(parts[other].box))]
            if areas[2] <= areas[0] + areas[1]:
                parts[place] = own.union(parts.pop(other))
                place = -1  # what has grown may reach one that was passed over
                break
        place += 1
    return parts


@dataclass(frozen=True)
class Window:
    """A rectangle of the photo; it may reach beyond the photo's edges."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, image: Tensor) -> Tensor:
        """[..., H, W] -> [..., height, width]; beyond the edges 0."""
        below, right = self.top + self.height - image.shape[-2], self.left + self.width - image.shape[-1]
        return F.pad(image, (-self.left, right, -self.top, below))

    def add(self, patch: Tensor, image: Tensor) -> None:
        """Add to `image` what of `patch` lies inside it."""
        top, left = max(self.top, 0), max(self.left, 0)
        bottom, right = min(self.top + self.height, image.shape[-2]), min(self.left + self.width, image.shape[-1])
        inside = patch[..., top - self.top : bottom - self.top, left - self.left : right - self.left]
        image[..., top:bottom, left:right] += inside

    def box(self, size: tuple[int, int]) -> Box:
        """What of it lies inside a photo of (height, width)."""
        bottom, right = min(self.top + self.height, size[0]), min(self.left + self.width, size[1])
        return Box(max(self.top, 0), max(self.left, 0), bottom, right)


def side_around(box: Box, size: tuple[int, int], native: tuple[int, int], context: float) -> float:
    """The side of a window around the whole box, in pixels along the method's shorter side.

    It is `context` sides of the box where the photo is that large, and at least the method's own size, so that nothing
    is enlarged without need.
    """
    unit = min(native)
    needed = max(box.height * unit / native[0], box.width * unit / native[1])
    room = min(size[0] * unit / native[0], size[1] * unit / native[1])
    return max(needed, min(max(context * needed, unit), room))


def window_around(box: Box, size: tuple[int, int], native: tuple[int, int], side: float) -> Window:
    """A window of the method's aspect and the given side with the box in its middle, inside the photo if it fits."""
    height, width = (int(-(-side * length // min(native))) for length in native)
    return Window(
        _place(box.top, box.bottom, height, size[0]), _place(box.left, box.right, width, size[1]), height, width
    )


def _place(first: int, last: int, length: int, available: int) -> int:
    """Where a stretch of `length` begins so that first … last lies in its middle, moved inside what is available."""
    if length >= available:
        return (available - length) // 2
    return min(max((first + last - length) // 2, 0), available - length)


def windows_over(where: np.ndarray, size: tuple[int, int], native: tuple[int, int], side: float) -> list[Window]:
    """Windows that overlap by half and whose middles together hold everything that is true in bool [H, W].

    Their middles are cells of half the side, laid so that those at the ends hang over equally.
    """
    box = box_of(where)
    cell = [max(1, int(side * length / min(native) / 2)) for length in native]
    counts = [-(-length // step) for length, step in zip((box.height, box.width), cell, strict=True)]
    first = [
        start - (count * step - length) // 2
        for start, length, count, step in zip((box.top, box.left), (box.height, box.width), counts, cell, strict=True)
    ]
    windows = []
    for row, column in np.ndindex(*counts):
        top, left = first[0] + row * cell[0], first[1] + column * cell[1]
        if where[max(top, 0) : top + cell[0], max(left, 0) : left + cell[1]].any():
            windows.append(window_around(Box(top, left, top + cell[0], left + cell[1]), size, native, side))
    return windows


def smooth_weights(height: int, width: int) -> Tensor:
    """Large in the middle of a window, small at its edges: overlapping windows fade into each other.

    The fading is quick, since means of different textures are blurred: a pixel is mostly that of the nearest middle.
    """
    rows, columns = (torch.hann_window(length + 2, periodic=False)[1:-1] for length in (height, width))
    return rows.clamp(min=0.03)[:, None] ** QUICKNESS * columns.clamp(min=0.03) ** QUICKNESS
