"""What the grey levels of a mask mean: which pixels it covers at all, beyond what is noise of the file itself.

A brush with a smooth edge, a soft selection or a resized mask cover pixels partly, and a pixel that was partly covered
shows in part what is to disappear: it is a hole. A JPEG's ringing looks like that and covers nothing. The two differ in
how they fall: coverage fades away from what is certainly covered, and ringing comes up again behind darker pixels.

Levels are uint8 [H, W]: 0 is known and 255 is certainly hole, as far as the mask keeps to that.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

HALF = 128  # what is covered this much is certainly hole
REACH = 8  # pixels: the side of a JPEG's blocks; its ringing never lies farther from what it surrounds
FAR = 2 * REACH  # where colour is stored at half the size
TILE, TILES = 256, 64  # large masks are judged by some of their squares
COMES_UP = 0.99  # the quantile of what comes up again that is taken for the noise
LEAST = 4  # levels of noise of what is compressed, even where little comes up
RARE = 0.01  # of the pixels near a hole: where fewer come up again there is no noise
STEEP = 0.75  # share of what comes up by 8 levels or more: ringing is mostly weak, weak brush strokes are not
HARD = 0.15  # of the pixels at a border: where fewer are half covered, it was hard before it was compressed
PICTURE_GREY, PICTURE_ROUGH = 0.25, 0.05  # shares of pixels: a mask is smooth where it is neither black nor white
FEW, STANDS_OUT = 4, 3  # levels of which the most frequent is the usual one, or else one so much above the mean
ALMOST_ALL = 0.95  # of the pixels: a mask that covers so many a little is a slope, and no brush with a soft edge
DARK, LIGHT = 32, 224  # what lies between is neither black nor white


class Covered(NamedTuple):
    """What a mask covers."""

    hole: np.ndarray  # bool [H, W]
    notes: tuple[str, ...] = ()


class Looks(NamedTuple):
    """What some squares of a mask show near what is certainly hole."""

    comes_up: np.ndarray  # by how many levels the pixels near a hole are lighter than one on their way to it
    half: int  # pixels at a border that are half covered
    border: int

    @property
    def rough(self) -> float:
        """The share of pixels that come up again."""
        return float((self.comes_up >= 2).mean()) if len(self.comes_up) else 0.0


def covered(levels: np.ndarray, compressed: bool = False) -> Covered:
    """Levels, uint8 [H, W] -> what they cover. compressed: whether the file's own kind loses something."""
    counts = counts_of(levels)
    present = np.flatnonzero(counts)
    if len(present) == 1:
        return Covered(levels >= HALF)
    if len(present) == 2:
        return _of_two(levels, int(present[0]), int(present[1]))
    spread, notes = _spread(levels, counts)
    hole = _beyond_noise(spread, compressed)
    half = spread >= HALF
    if hole.mean() > ALMOST_ALL > 1.2 * half.mean():
        return Covered(half, (*notes, "it covers nearly every pixel a little: what it covers by half is the hole"))
    return Covered(hole, notes)


def counts_of(levels: np.ndarray) -> np.ndarray:
    """How many pixels have each of the 256 levels."""
    return np.array(Image.fromarray(levels).histogram())  # np.bincount takes 8 bytes for each pixel


def in_eight_bits(values: np.ndarray) -> np.ndarray:
    """A mask of any numbers, [H, W], as uint8 levels: 0 to 1, 0 to 255 or 0 to 65535 by what its largest value says.

    Two values are black and white whatever they are; what is no number is hole.
    """
    if values.dtype == np.uint8:
        return values
    numbers = np.nan_to_num(values.astype(np.float64), nan=np.inf, posinf=np.inf, neginf=0)
    present = np.unique(numbers)
    if len(present) == 2:
        return np.where(numbers == present[1], np.uint8(255), np.uint8(0))
    largest = present[np.isfinite(present)].max(initial=0)
    full = next((full for full in (1, 255, 65535) if largest <= full), largest)
    return (np.minimum(numbers, full) * (255 / full)).clip(0, 255).round().astype(np.uint8)


def is_picture(levels: np.ndarray) -> bool:
    """Whether so much is neither black nor white, and so uneven, that this is a photo and no mask."""
    counts = counts_of(levels)
    grey = counts[DARK:LIGHT].sum() / levels.size
    if grey <= PICTURE_GREY or np.count_nonzero(counts) <= 8:
        return False
    return _looks(levels).rough > PICTURE_ROUGH


def _of_two(levels: np.ndarray, dark: int, light: int) -> Covered:
    """The lighter of two levels is the hole, however light it is."""
    plain = dark < HALF <= light
    notes = () if plain else (f"its two levels are {dark} and {light} of 255: the lighter one is taken for the hole",)
    return Covered(levels == light, notes)


def _spread(levels: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """The levels with the usual dark one at 0 and the usual light one at 255."""
    present = np.flatnonzero(counts)
    middle = (int(present[0]) + int(present[-1]) + 1) // 2
    dark = _usual(counts, present[present < middle], int(present[0]))
    light = _usual(counts, present[present >= middle], int(present[-1]))
    if (dark, light) == (0, 255):
        return levels, ()
    table = (np.arange(256) - dark) * 255.0 / (light - dark)
    note = f"its levels are {present[0]} to {present[-1]} of 255: {dark} is taken for known and {light} for hole"
    notes = (note,) if light < HALF or dark >= HALF else ()
    return table.clip(0, 255).round().astype(np.uint8)[levels], notes


def _usual(counts: np.ndarray, levels: np.ndarray, otherwise: int) -> int:
    """The one among some levels that stands out; where none does, another."""
    usual = int(levels[counts[levels].argmax()])
    return usual if len(levels) < FEW or counts[usual] > STANDS_OUT * counts[levels].mean() else otherwise


def _beyond_noise(levels: np.ndarray, compressed: bool) -> np.ndarray:
    looks = _looks(levels)
    noise = max(_noise_near_holes(looks, compressed), _noise_of_the_ground(levels))
    if noise == 0 or looks.half >= HARD * max(looks.border, 1):
        return levels > min(noise, HALF - 1)
    # A hard border that was compressed is where it was: half way.
    hole, faint = levels >= HALF, levels > noise
    near = ndimage.maximum_filter(hole, 2 * FAR + 1)
    return np.asarray(hole | (faint & ~near))


def _noise_near_holes(looks: Looks, compressed: bool) -> int:
    """How light a pixel near a hole may be that nothing covers: ringing, by what comes up again."""
    if compressed:
        return max(LEAST, int(np.quantile(looks.comes_up, COMES_UP))) if len(looks.comes_up) else LEAST
    if looks.rough < RARE:
        return 0
    if (looks.comes_up[looks.comes_up >= 2] >= 8).mean() > STEEP:
        return 0  # a thin line that was softened has weak parts beside strong ones
    return int(np.quantile(looks.comes_up, COMES_UP))


def _noise_of_the_ground(levels: np.ndarray) -> int:
    """Six standard deviations of the noise of dark pixels, of a scan for example; 0 where most are even.

    Immerkaer, "Fast Noise Variance Estimation", CVIU 64(2), 1996: what is left of an image after its slopes.
    """
    rest = [np.abs(ndimage.convolve(tile, LEAVES_NOISE))[tile < HALF] for tile in _tiles(levels, everywhere=True)]
    return round(6 * float(np.median(np.concatenate(rest))) / (6 * 0.6745))


LEAVES_NOISE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.int16)


def _looks(levels: np.ndarray) -> Looks:
    ups, half, border = [], 0, 0
    for tile in _tiles(levels):
        sure = tile >= HALF
        rim = sure ^ ndimage.binary_erosion(sure, border_value=1)
        rim |= ndimage.binary_dilation(sure) & ~sure
        half += int(((tile > 64) & (tile < 192) & rim).sum())
        border += int(rim.sum())
        ups.append(_comes_up(tile, sure))
    return Looks(np.concatenate(ups) if ups else np.zeros(0, np.int16), half, border)


def _comes_up(tile: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """By how many levels each pixel near a hole is lighter than the darkest on its straight way to it."""
    distance, (rows, columns) = ndimage.distance_transform_edt(~sure, return_indices=True)
    near = (distance > 1.5) & (distance <= REACH)
    y, x = np.nonzero(near)
    down, right = rows[near] - y, columns[near] - x
    darkest = tile[near]
    for share in np.arange(1, REACH + 1) / (REACH + 1):
        darkest = np.minimum(
            darkest, tile[(y + down * share).round().astype(int), (x + right * share).round().astype(int)]
        )
    return tile[near] - darkest


def _tiles(levels: np.ndarray, everywhere: bool = False) -> Iterator[np.ndarray]:
    """Squares of the mask as int16, at most `TILES`, evenly chosen; those in which a hole begins, or any."""
    height, width = levels.shape
    corners = [(top, left) for top in range(0, height, TILE) for left in range(0, width, TILE)]
    tiles = [levels[top : top + TILE, left : left + TILE] for top, left in corners]
    wanted = [tile for tile in tiles if (tile < HALF).any() and (everywhere or (tile >= HALF).any())]
    for place in range(0, len(wanted), -(-len(wanted) // TILES) or 1):
        yield wanted[place].astype(np.int16)
