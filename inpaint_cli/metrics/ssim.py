"""Structural similarity (Wang et al. 2004), equal to scikit-image's, several times faster."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from inpaint_cli.errors import InputError
from inpaint_cli.metrics.metric import Column, Completions, Metric

SIGMA = 1.5
RADIUS = 5  # pixels: scikit-image cuts the Gaussian at 3.5 sigma, and leaves a border of this width out of the mean
WINDOW = 2 * RADIUS + 1
LUMINANCE, CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # C1 and C2
BLOCK = 16  # pixels blurred by one matrix product: larger ones multiply more zeros, smaller ones are too many


def rows(completions: Completions) -> dict[str, np.ndarray]:
    """float64 [N] in [-1, 1] each; `InputError` for images smaller than the window.

    An image at a time stays within a core's cache, and NumPy lets threads work side by side.
    """
    height, width = completions.original.shape[1:3]
    if min(height, width) < WINDOW:
        raise InputError(f"SSIM needs images of at least {WINDOW}×{WINDOW} pixels; these have {width}×{height}")
    with ThreadPoolExecutor(_processors()) as pool:
        values = list(pool.map(_of_image, completions.original, completions.completed, completions.missing))
    whole, hole = np.array(values, dtype=np.float64).reshape(-1, 2).T
    return {"ssim": whole, "ssim_hole": hole}


def _of_image(original: np.ndarray, completed: np.ndarray, missing: np.ndarray) -> tuple[float, float]:
    """Means of the index within the border, and over the hole (NaN for none)."""
    index = similarity(original, completed)
    inner = index[RADIUS:-RADIUS, :, RADIUS:-RADIUS]
    in_hole = index[missing.transpose(0, 2, 1)]
    return inner.mean(), in_hole.mean() if in_hole.size else np.nan


def similarity(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The index at each value, Eq. 13 of Wang et al.: uint8 [H, W, C] twice -> float64 [H, C, W].

    The variances occur in their sum alone, so that four blurred maps suffice: x, y, x·y, x² + y².
    """
    x, y = (image.transpose(0, 2, 1).astype(np.float64) for image in (first, second))
    maps = np.concatenate([x, y, x * y, x * x + y * y], axis=1)
    mean_x, mean_y, product, squares = np.split(blurred(maps), 4, axis=1)
    means, squared_means = mean_x * mean_y, mean_x * mean_x + mean_y * mean_y
    above = (2 * means + LUMINANCE) * (2 * (product - means) + CONTRAST)
    return above / ((squared_means + LUMINANCE) * (squares - squared_means + CONTRAST))


def blurred(maps: np.ndarray) -> np.ndarray:
    """Gaussian window along height and width of [H, K, W], mirrored at the borders, as products with band matrices."""
    height, count, width = maps.shape
    along_height = np.empty((height, count * width))
    padded = maps[_mirrored(height)].reshape(-1, count * width)
    for start in range(0, height, BLOCK):
        band = _band(min(BLOCK, height - start))
        np.matmul(band, padded[start : start + band.shape[1]], out=along_height[start : start + len(band)])
    result = np.empty((height * count, width))
    padded = along_height.reshape(-1, width)[:, _mirrored(width)]
    for start in range(0, width, BLOCK):
        band = _band(min(BLOCK, width - start))
        np.matmul(padded[:, start : start + band.shape[1]], band.T, out=result[:, start : start + len(band)])
    return result.reshape(maps.shape)


@cache
def _band(size: int) -> np.ndarray:
    """The window's weights, a row for each of `size` neighbouring pixels: [size, size + 2 RADIUS]."""
    weights = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
    band = np.zeros((size, size + 2 * RADIUS))
    for row in range(size):
        band[row, row : row + WINDOW] = weights / weights.sum()
    return band


def _mirrored(length: int) -> np.ndarray:
    """Where each pixel of an axis with a border comes from: … c b a | a b c …"""
    places = np.arange(-RADIUS, length + RADIUS) % (2 * length)
    return np.where(places < length, places, 2 * length - 1 - places)


def _processors() -> int:
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 16)


METRIC = Metric(
    name="ssim",
    columns=(Column("ssim"), Column("ssim_hole")),
    definition=(
        "SSIM: Wang et al. 2004, Gaussian window with sigma 1.5 (11×11 pixels), no sample covariance, data range 255, "
        "mean over channels (as scikit-image), per image, then averaged over images; ssim_hole: mean of the same index "
        "over the missing values"
    ),
    rows=rows,
    averages=("ssim", "ssim_hole"),
    smallest_side=WINDOW,
)
