"""From rows of images to numbers with their uncertainty: means, intervals by bootstrap, paired differences."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

RESAMPLES = 2000
CONFIDENCE = 0.95
AT_ONCE = 2**22  # images drawn at once: bounds the memory

Means = Mapping[str, np.ndarray]
Interval = tuple[float, float]
Intervals = Interval | list[Interval | None] | None  # of a number, or of each number of a list; None: not defined


def finite_mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean along an axis over what is finite; NaN, without a warning, where nothing is."""
    finite = np.isfinite(values)
    count = finite.sum(axis=axis)
    return np.where(count > 0, np.where(finite, values, 0.0).sum(axis=axis) / np.maximum(count, 1), np.nan)


def bootstrap(
    rows: Mapping[str, np.ndarray], derive: Callable[[Means], Means], seed: int, resamples: int = RESAMPLES
) -> dict[str, Interval | None]:
    """95 % intervals by the percentiles of resampled images (Efron 1979), of means and of what is derived from them.

    rows: [N] or [N, K] by name; only finite values count, as in the means. All columns see the same resamples. None
    where fewer than two images have a value: one image says nothing about others. Lists: `intervals_of`.
    """
    found = resampled(rows, derive, seed, resamples)
    return {name: _percentiles(values) for name, values in found.items() if values.ndim == 1}


def intervals_of(values: np.ndarray) -> Intervals:
    """Of a figure's resamples, [R], or of those of each figure of a list, [R, K]."""
    return _percentiles(values) if values.ndim == 1 else [_percentiles(column) for column in values.T]


def resampled(
    rows: Mapping[str, np.ndarray], derive: Callable[[Means], Means], seed: int, resamples: int = RESAMPLES
) -> dict[str, np.ndarray]:
    """Means of resampled images and what is derived from them, as `bootstrap` takes them: [R] or [R, K] by name."""
    enough = {name: np.where(np.isfinite(values).sum(axis=0) > 1, values, np.nan) for name, values in rows.items()}
    parts = [{**means, **derive(means)} for means in _resampled_means(enough, seed, resamples)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _resampled_means(rows: Mapping[str, np.ndarray], seed: int, resamples: int) -> Iterator[dict[str, np.ndarray]]:
    """Means of resampled images, a block of resamples at a time: [R] or [R, K] by name.

    A resample is a vector of how often each image was drawn, so that all of them are one matrix product.
    """
    images = len(next(iter(rows.values())))
    random = np.random.default_rng(seed)
    block = max(1, min(resamples, AT_ONCE // max(images, 1)))
    for start in range(0, resamples, block):
        times = _draw(random, min(block, resamples - start), images)
        yield {name: _weighted_mean(times, values) for name, values in rows.items()}


def _draw(random: np.random.Generator, resamples: int, images: int) -> np.ndarray:
    """How often each resample holds each image: float64 [R, N]."""
    drawn = random.integers(images, size=(resamples, images)) + images * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * images).reshape(resamples, images).astype(np.float64)


def _weighted_mean(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    finite = np.isfinite(values)
    count = times @ finite.astype(np.float64)
    return np.where(count > 0, (times @ np.where(finite, values, 0.0)) / np.maximum(count, 1), np.nan)


def _percentiles(values: np.ndarray) -> Interval | None:
    """Left out: resamples without an image that has a value (NaN), or of perfect ones alone (pooled PSNR: infinite)."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    return float(low), float(high)


class Difference(NamedTuple):
    """The mean of first - second over the images that have both, with its 95 % interval (None for fewer than two)."""

    mean: float | None
    interval: tuple[float, float] | None
    images: int

    @property
    def clear(self) -> bool:
        """Whether zero lies outside the interval."""
        return self.interval is not None and not self.interval[0] <= 0.0 <= self.interval[1]


def paired_difference(first: np.ndarray, second: np.ndarray, seed: int = 0, resamples: int = RESAMPLES) -> Difference:
    """Compare two methods on the same images behind the same masks: float64 [N] each, in the same order.

    Images of which either value is not finite (identical, no hole) are left out of both.
    """
    if first.shape != second.shape:
        raise ValueError(f"paired values are of the same images, not {first.shape} and {second.shape}")
    both = np.isfinite(first) & np.isfinite(second)
    difference = first[both] - second[both]
    if not difference.size:
        return Difference(None, None, 0)
    interval = bootstrap({"difference": difference}, dict, seed, resamples)["difference"]
    return Difference(float(difference.mean()), interval, len(difference))
