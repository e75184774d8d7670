"""Three lookup tables, which say what a pixel-by-pixel model has learned beyond counting.

Each is a table of how often a value followed what stands beside it, for each channel, with one added to every count.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

LEVELS = 256
CHANGES = 2 * LEVELS - 1  # -255 … 255


class Pair(NamedTuple):
    """What is predicted and what it is predicted from, both of [N, H, W, C] and from 0 on."""

    value: np.ndarray
    before: np.ndarray


def before_in_scan_order(images: np.ndarray) -> Pair:
    """A value and the one read before it: the channel before, or the last channel of the pixel to the left."""
    values = images.reshape(len(images), -1).astype(np.int32)
    before = np.pad(values, ((0, 0), (1, 0)))[:, :-1]
    return Pair(values.reshape(images.shape), before.reshape(images.shape))


def to_the_left(images: np.ndarray) -> Pair:
    """A value and that of the same channel to its left, 0 at the edge."""
    values = images.astype(np.int32)
    return Pair(values, np.pad(values, ((0, 0), (0, 0), (1, 0), (0, 0)))[:, :, :-1])


def change_of_the_channel_before(images: np.ndarray) -> Pair:
    """How a value differs from that to its left, and how the channel before differed, which of the first is 0."""
    values, left = to_the_left(images)
    change = values - left + LEVELS - 1
    before = np.full_like(change, LEVELS - 1)
    before[..., 1:] = change[..., :-1]
    return Pair(change, before)


TABLES: dict[str, Callable[[np.ndarray], Pair]] = {
    "given the value before": before_in_scan_order,
    "given the same channel to the left": to_the_left,
    "given that, and how the channel before differs from its left": change_of_the_channel_before,
}


def bits_of_tables(learned: np.ndarray, images: np.ndarray) -> dict[str, float]:
    """Bits per dimension of images, uint8 [N, H, W, C], by tables that counted the learned ones."""
    return {name: _bits(pair(learned), pair(images)) for name, pair in TABLES.items()}


def _bits(learned: Pair, asked: Pair) -> float:
    total = 0.0
    for channel in range(asked.value.shape[-1]):
        places = [(pair.before[..., channel] * CHANGES + pair.value[..., channel]).ravel() for pair in (learned, asked)]
        counts = np.bincount(places[0], minlength=CHANGES**2).reshape(CHANGES, CHANGES) + 1.0
        counts[:, _levels(learned) :] = 0
        shares = (counts / counts.sum(axis=1, keepdims=True)).ravel()
        total -= float(np.log2(shares[places[1]]).mean())
    return total / asked.value.shape[-1]


def _levels(pair: Pair) -> int:
    """How many values there may be."""
    return CHANGES if pair.value.max() >= LEVELS else LEVELS
