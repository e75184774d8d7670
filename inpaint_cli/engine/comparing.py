"""Every two systems on the same images, every figure at once: many pairs share one set of resamples."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from inpaint_cli.metrics.statistics import bootstrap, finite_mean


def paired_differences(
    systems: Mapping[str, Mapping[str, np.ndarray]], seed: int
) -> dict[tuple[str, str], dict[str, dict[str, Any]]]:
    """First - second of each pair, by column: `mean`, `interval` (95 %, or None) and how many `images` have both.

    systems: float64 [N] by column, by system, of the same images in the same order. Images of which either value is not
    finite (identical, no hole) are left out.
    """
    columns = {
        (first, second, name): _difference(systems[first][name], systems[second][name])
        for first, second in itertools.combinations(systems, 2)
        for name in systems[first]
        if name in systems[second]
    }
    if not columns:
        return {}
    stacked = np.stack(list(columns.values()), axis=1)  # [N, K]
    means, counts = finite_mean(stacked, axis=0), np.isfinite(stacked).sum(axis=0)
    spans = bootstrap({"all": stacked}, _apart, seed)
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for number, (first, second, name) in enumerate(columns):
        found.setdefault((first, second), {})[name] = {
            "mean": float(means[number]) if counts[number] else None,
            "interval": spans[str(number)],
            "images": int(counts[number]),
        }
    return found


def _difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    both = np.isfinite(first) & np.isfinite(second)
    return np.where(both, np.where(both, first, 0) - np.where(both, second, 0), np.nan)


def _apart(means: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """[R, K] -> K columns [R]."""
    return {str(number): column for number, column in enumerate(np.moveaxis(means["all"], -1, 0))}
