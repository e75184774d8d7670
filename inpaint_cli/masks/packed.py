"""Masks at one bit a pixel, and how they are taken to the size of images.

A mask is looked at through two lists of places, of its rows and of its columns: resizing, cutting, turning over and
shifting are all choices of places, so that only the rows that are looked at are ever unpacked.
"""

from array import array
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

SLAB_BYTES = 16 << 20  # what is not written to takes no memory
WINDOWS = 8  # tried of a mask that is cut, until one has both a hole and something known


class Packed(NamedTuple):
    """One mask at one bit a pixel, 1 = missing: uint8 [height, width / 8, rounded up]."""

    bits: np.ndarray
    width: int

    @property
    def height(self) -> int:
        return len(self.bits)

    def hole(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """bool [rows, columns]"""
        unpacked = np.unpackbits(self.bits.take(rows, axis=0), axis=1, count=self.width)
        return unpacked.take(columns, axis=1).view(bool)

    @classmethod
    def of(cls, hole: np.ndarray) -> "Packed":
        return cls(np.packbits(hole, axis=1), hole.shape[1])


class PackedMasks:
    """Many masks in a few large pieces of memory, so that little of it lies idle between them."""

    def __init__(self) -> None:
        self._slabs: list[np.ndarray] = []
        self._room = 0  # bytes of the last slab that are free
        self._places = array("q")  # slab, where it begins there, height and width of each mask

    def append(self, mask: Packed) -> None:
        """Keep a copy."""
        size = mask.bits.size
        if size > self._room:
            self._slabs.append(np.empty(max(SLAB_BYTES, size), np.uint8))
            self._room = len(self._slabs[-1])
        start = len(self._slabs[-1]) - self._room
        self._slabs[-1][start : start + size] = mask.bits.ravel()
        self._room -= size
        self._places.extend((len(self._slabs) - 1, start, mask.height, mask.width))

    def __len__(self) -> int:
        return len(self._places) // 4

    def __iter__(self) -> Iterator[Packed]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, place: int) -> Packed:
        slab, start, height, width = self._places[4 * place : 4 * place + 4]
        bits = self._slabs[slab][start : start + height * -(-width // 8)]
        return Packed(bits.reshape(height, -1), width)


def resize(mask: Packed, size: tuple[int, int], chance: np.ndarray, moved: bool) -> np.ndarray:
    """The whole mask: each pixel is what lies in its middle, so that as much is missing on average. bool [H, W]

    moved: turned over, and shifted around, so that what leaves at one side comes in at the other.
    """
    lines = [_spread(length, own) for length, own in zip(size, (mask.height, mask.width), strict=True)]
    if moved:
        lines = [_moved(*each) for each in zip(lines, chance[:2], chance[2:4], strict=True)]
    hole = mask.hole(*lines)
    if not 0 < (missing := np.count_nonzero(hole)) < hole.size:  # what was thinner than a pixel is gone: one stays
        row, column = np.argwhere(mask.hole(*map(np.arange, (mask.height, mask.width))) ^ (missing > 0))[0]
        hole[row * size[0] // mask.height, column * size[1] // mask.width] ^= True
    return hole


def crop(mask: Packed, size: tuple[int, int], chance: np.ndarray, moved: bool) -> np.ndarray:
    """A window of the images' size, anywhere in the mask; one that is smaller is enlarged until it covers them.

    Where none of `WINDOWS` windows has both a hole and something known, the whole mask is resized.
    """
    scale = max(1.0, size[0] / mask.height, size[1] / mask.width)
    steps = [-1 if moved and turned < 0.5 else 1 for turned in chance[:2]]
    for tried in chance[4:].reshape(-1, 2):
        lines = [
            _window(length, own, scale, place)[::step]
            for length, own, place, step in zip(size, (mask.height, mask.width), tried, steps, strict=True)
        ]
        hole = mask.hole(*lines)
        if 0 < np.count_nonzero(hole) < hole.size:
            return hole
    return resize(mask, size, chance, moved)


@lru_cache(64)
def _spread(length: int, own: int) -> np.ndarray:
    """`own` places, spread over `length`."""
    return ((np.arange(length) + 0.5) * own / length).astype(np.int64)


def _moved(line: np.ndarray, turned: float, shift: float) -> np.ndarray:
    """Places shifted around by a share of them, and for `turned` below a half in their opposite order."""
    start = int(shift * len(line))
    around = np.concatenate((line[start:], line[:start]))
    return around[::-1] if turned < 0.5 else around


def _window(length: int, own: int, scale: float, place: float) -> np.ndarray:
    """`length` neighbours of `own` places that are enlarged so many times; `place` in [0, 1) says where they begin."""
    room = max(0, round(own * scale) - length)
    return np.minimum(((int(place * (room + 1)) + np.arange(length) + 0.5) / scale).astype(np.int64), own - 1)
