"""Structural similarity (Wang et al. 2004), equal to scikit-image's, several times faster."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from inpaint_cli.errors import InputError
from inpaint_cli.metrics.metric import Column, Completions, Metric

SIGMA = 1.5
RADIUS = 5  # pixels: scikit-image cuts the Gaussian at 3.5 sigma, and leaves a border of this width out of the mean
WINDOW = 2 * RADIUS + 1
LUMINANCE, CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # C1 and C2
PART = 512  # rows or columns of one matrix product: 16 × 26 × 512 stays below OpenBLAS's 2¹⁸ for several threads
BLOCK = 16  # pixels blurred by one matrix product: larger ones multiply more zeros, smaller ones are too many


def rows(completions: Completions) -> dict[str, np.ndarray]:
    """float64 [N] in [-1, 1] each; `InputError` for images smaller than the window. NumPy lets threads work at once."""
    count, height, width = completions.original.shape[:3]
    if min(height, width) < WINDOW:
        raise InputError(f"SSIM needs images of at least {WINDOW}×{WINDOW} pixels; these have {width}×{height}")
    stacks = (completions.original, completions.completed, completions.missing)
    threads = _threads(count)
    shares = [[stack[start::threads] for stack in stacks] for start in range(threads)]
    values = np.empty((count, 2))
    with ThreadPoolExecutor(threads) as pool:
        for start, found in enumerate(pool.map(_of_images, *zip(*shares, strict=True))):
            values[start::threads] = found
    return {"ssim": values[:, 0], "ssim_hole": values[:, 1]}


def _of_images(originals: np.ndarray, completed: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Means of the index within the border, and over the hole (NaN for none): [N, 2]."""
    similarity, values = Similarity(originals.shape[1:]), np.empty((len(originals), 2))
    for index, pair in enumerate(zip(originals, completed, strict=True)):
        found = similarity(*pair)
        in_hole = missing[index].transpose(0, 2, 1).astype(np.float64, order="C")
        count = in_hole.sum()
        values[index] = found[RADIUS:-RADIUS, :, RADIUS:-RADIUS].mean(), np.nan
        if count:
            values[index, 1] = np.multiply(in_hole, found, out=in_hole).sum() / count
    return values


class Similarity:
    """The index at each value, Eq. 13 of Wang et al.: uint8 [H, W, C] twice -> float64 [H, C, W], valid until the next.

    An image at a time stays within a core's cache, and its memory is used again: fresh memory would cost more than the
    arithmetic. The variances occur in their sum alone, so that four maps are blurred: x, y, x·y, x² + y².
    """

    def __init__(self, shape: tuple[int, int, int]):
        height, width, channels = self.shape = shape
        self.tall = np.empty((height + 2 * RADIUS, 4, channels, width))
        self.along_height = np.empty((height, 4 * channels * width))
        self.wide = np.empty((height * 4 * channels, width + 2 * RADIUS))
        self.blurred = np.empty((height * 4 * channels, width))
        self.scratch = np.empty((3, height, channels, width))

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        maps = self.tall[RADIUS:-RADIUS]
        x, y, product, squares = (maps[:, index] for index in range(4))
        x[:], y[:] = first.transpose(0, 2, 1), second.transpose(0, 2, 1)
        np.multiply(x, y, out=product)
        np.multiply(x, x, out=squares)
        squares += np.multiply(y, y, out=self.scratch[0])
        self._blur()
        return self._index()

    def _blur(self) -> None:
        """Gaussian window along height, then width, mirrored at the borders, as products with band matrices."""
        height, width, _ = self.shape
        self.tall[:RADIUS] = self.tall[2 * RADIUS - 1 : RADIUS - 1 : -1]
        self.tall[-RADIUS:] = self.tall[-RADIUS - 1 : -2 * RADIUS - 1 : -1]
        lines = self.tall.reshape(len(self.tall), -1)
        for start in range(0, height, BLOCK):
            band = _band(min(BLOCK, height - start))
            source, target = lines[start : start + band.shape[1]], self.along_height[start : start + len(band)]
            for part in _parts(source.shape[1]):
                np.matmul(band, source[:, part], out=target[:, part])
        rows = self.along_height.reshape(-1, width)
        self.wide[:, RADIUS:-RADIUS] = rows
        self.wide[:, :RADIUS], self.wide[:, -RADIUS:] = rows[:, RADIUS - 1 :: -1], rows[:, : -RADIUS - 1 : -1]
        for start in range(0, width, BLOCK):
            band = _band(min(BLOCK, width - start))
            source, target = self.wide[:, start : start + band.shape[1]], self.blurred[:, start : start + len(band)]
            for part in _parts(len(source)):
                np.matmul(source[part], band.T, out=target[part])

    def _index(self) -> np.ndarray:
        """(2 μx μy + C1)(2 σxy + C2) / ((μx² + μy² + C1)(σx² + σy² + C2)), in place."""
        height, width, channels = self.shape
        maps = self.blurred.reshape(height, 4, channels, width)
        mean_x, mean_y, product, squares = (maps[:, index] for index in range(4))
        means, squared_means, spare = self.scratch
        np.multiply(mean_x, mean_y, out=means)
        np.multiply(mean_x, mean_x, out=squared_means)
        squared_means += np.multiply(mean_y, mean_y, out=spare)
        product -= means
        squares -= squared_means
        for values, factor, constant in ((means, 2, LUMINANCE), (product, 2, CONTRAST)):
            values *= factor
            values += constant
        squared_means += LUMINANCE
        squares += CONTRAST
        means *= product
        squared_means *= squares
        return np.divide(means, squared_means, out=means)


def _parts(length: int) -> Iterator[slice]:
    """Pieces so small that BLAS starts no threads of its own, which would get in the way of ours."""
    return (slice(start, start + PART) for start in range(0, length, PART))


@cache
def _band(size: int) -> np.ndarray:
    """The window's weights, a row for each of `size` neighbouring pixels: [size, size + 2 RADIUS]."""
    weights = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
    band = np.zeros((size, size + 2 * RADIUS))
    for row in range(size):
        band[row, row : row + WINDOW] = weights / weights.sum()
    return band


def _threads(images: int) -> int:
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(processors, images, 16))


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
