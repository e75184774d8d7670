"""What is measured of completed images, as rows of their metrics, and which of them are looked at."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from inpaint_cli.engine.feeding import spread
from inpaint_cli.metrics import COLUMNS, Completions, Metric, measure
from inpaint_cli.metrics.pixels import mean_squared_errors

GROUP = 32  # images completed together
COMPOSE = {
    "known": "known pixels as they were",
    "poisson": "known pixels as they were, Poisson editing at the rim",
    "output": "known pixels as the method paints them",
}
HOLE_SHARE, KNOWN_ERROR = "hole_share", "known_error"  # rows beside those of the metrics
EXTREMES = 4  # hardest and easiest images kept of each system, for the grid


@dataclass(frozen=True)
class Protocol:
    """What is measured, and how, beside method, masks and images."""

    chosen: tuple[Metric, ...]
    images: int  # the first of the split
    seed: int = 0
    samples: int = 1  # completions of each image
    compose: str = "known"  # what is measured: a key of `COMPOSE`
    batch: int = GROUP  # images that a process has in hand at once
    show: int | None = None  # images of the grid, evenly spread; None: the hardest and the easiest
    networks: Mapping[str, Any] = field(
        default_factory=dict
    )  # that metrics look through, by the names of their weights


@dataclass(frozen=True)
class Example:
    """One image of the grid, uint8 [H, W, C] each."""

    index: int
    error: float  # mean squared, of the hole, 0-255
    original: np.ndarray
    observed: np.ndarray
    completed: np.ndarray | None  # None: the method only annotates
    missing: np.ndarray  # bool
    predicted: Mapping[str, np.ndarray] = field(default_factory=dict)  # what it annotated, where that was measured


class Described(NamedTuple):
    """What is measured of a few images, all of one size, and their places."""

    places: np.ndarray
    completions: Completions
    completes: bool = True  # false: nothing is completed, the originals are annotated


def rows_of(completions: Completions, protocol: Protocol) -> dict[str, np.ndarray]:
    """A group's rows: of the metrics, and `hole_share`, the part of each image that is missing.

    Of what others painted also `known_error`, the largest difference of a known value, 0-255.
    """
    rows = {**metric_rows(completions, protocol), HOLE_SHARE: completions.missing.mean(axis=(1, 2, 3))}
    if completions.painted is not None:
        apart = np.abs(np.subtract(completions.painted, completions.original, dtype=np.int16))
        rows[KNOWN_ERROR] = np.where(completions.missing, 0, apart).max(axis=(1, 2, 3)).astype(np.float64)
    return rows


# ---- several samples -------------------------------------------------------------------------------------------------


def metric_rows(completions: Completions, protocol: Protocol) -> dict[str, np.ndarray]:
    """Of several samples: means of what is measured image by image, and beside each column the best of them
    (`psnr_best`); diversity sees all of them, and features of whole sets are those of the first."""
    if completions.samples is None:
        return measure(completions, protocol.chosen)
    averaged = tuple(metric for metric in protocol.chosen if metric.averages and metric.samples == 1)
    others = tuple(metric for metric in protocol.chosen if metric not in averaged)
    by_sample = [
        measure(replace(completions, completed=np.ascontiguousarray(sample), shared={}), averaged)
        for sample in completions.samples.swapaxes(0, 1)
    ]
    stacked = {name: np.stack([rows[name] for rows in by_sample]) for name in by_sample[0]}
    return {
        **measure(completions, others),
        **{name: rows.mean(axis=0) for name, rows in stacked.items()},
        **best(stacked),
    }


def best(stacked: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each image's best sample by each column: [S, N] -> [N]."""
    choose = {"higher": np.max, "lower": np.min}
    return {
        f"{name}_best": choose[COLUMNS[name].better](rows, axis=0)
        for name, rows in stacked.items()
        if rows.ndim == 2 and name in COLUMNS and COLUMNS[name].better in choose
    }


# ---- images to look at -----------------------------------------------------------------------------------------------


def examples_of(described: Described, protocol: Protocol) -> list[Example]:
    """Those of a group that may be shown."""
    completions = described.completions
    whole, hole = mean_squared_errors(completions)
    errors = hole if np.isfinite(hole).any() else whole  # nobody says what was missing
    if protocol.show:
        rows = np.flatnonzero(np.isin(described.places, spread(protocol.images, protocol.show)))
    else:
        order = np.argsort(errors)  # what is no number comes last
        order = order[: int(np.isfinite(errors).sum())]
        rows = np.unique(np.concatenate([order[:EXTREMES], order[-EXTREMES:]]))
    return [
        Example(
            int(described.places[row]),
            float(errors[row]),
            completions.original[row],
            np.where(completions.missing[row], np.uint8(128), completions.original[row]),
            completions.completed[row] if described.completes else None,
            completions.missing[row],
            {name: values[row] for name, values in completions.predicted.items()},
        )
        for row in rows
    ]


def chosen(examples: list[Example], protocol: Protocol) -> list[Example]:
    """Those that the grid shows: evenly spread ones in their order, or from the hardest to the easiest."""
    if protocol.show:
        shown = {*spread(protocol.images, protocol.show).tolist()}
        return sorted((example for example in examples if example.index in shown), key=lambda example: example.index)
    measured = [example for example in examples if np.isfinite(example.error)]
    ordered = sorted(measured, key=lambda example: (-example.error, -example.index))
    return ordered if len(ordered) <= 2 * EXTREMES else [*ordered[:EXTREMES], *ordered[-EXTREMES:]]
