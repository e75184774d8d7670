"""Pictures of what a method says about a photo: its landmarks drawn, a network's maps side by side."""

import math

import numpy as np
from PIL import Image

from inpaint_cli.reports.grids import grid
from inpaint_cli.reports.sheet import marked

SMALLEST = 64  # pixels: smaller maps are enlarged by a whole number


def landmarks_drawn(pixels: np.ndarray, points: np.ndarray) -> Image.Image:
    """Rings around the points x, y [K, 2] of a photo uint8 [H, W, 1 or 3]."""
    return Image.fromarray(marked(np.broadcast_to(pixels, (*pixels.shape[:2], 3)), points))


def maps_drawn(observed: np.ndarray, maps: np.ndarray) -> Image.Image:
    """What a network saw (uint8 [h, w, 1 or 3]), and beside it the maps [N, h', w'] of one of its layers.

    Each map goes from its smallest value, black, to its largest, white, as in figure 6 of Liao et al. 2018.
    """
    columns = math.ceil(math.sqrt(len(maps)))
    tiles = [_enlarged(_levels(values)[:, :, None]) for values in maps]
    sheet = np.asarray(grid([tiles[start : start + columns] for start in range(0, len(tiles), columns)]))
    height, width = maps.shape[1:]
    labels = ["what is seen", f"{len(maps)} maps of {width}×{height}, each from its least to its greatest value"]
    return grid([[_enlarged(observed), sheet]], labels_top=labels)


def _levels(values: np.ndarray) -> np.ndarray:
    """Least to greatest -> 0 to 255; a map that is the same everywhere is black."""
    least, greatest = float(values.min()), float(values.max())
    return np.round(255 * (values - least) / max(greatest - least, 1e-12)).astype(np.uint8)


def _enlarged(pixels: np.ndarray) -> np.ndarray:
    factor = max(1, -(-SMALLEST // min(pixels.shape[:2])))
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)
