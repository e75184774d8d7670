"""Metrics on uint8 images: one file each, as data; each definition is printed with its results.

    rows = measure(completions, chosen)                  # for each batch, in any process
    rows = joined([rows_of_batch, ...])                  # in the order of the images' indices
    summarise(rows, chosen, references)                  # {column: number or None}, and the counts
    intervals(rows, chosen, seed)                        # {column: (low, high) or None}
    paired_difference(rows_a["psnr"], rows_b["psnr"])    # two methods, same images, same masks

`Completions.networks` holds what `inpaint_cli.weights.load_networks` loads for the names in `Metric.networks`. A metric
with `reference` (the FIDs) compares with `references[metric.name]`, the `Statistics` of the original images: their rows
are those of `Completions(original, original, hole)`, and `reference_statistics(metric, rows)` makes statistics of them;
`kept_statistics` keeps these between runs, `load_statistics` reads those of other tools.

`obstacle(metric, …)` says beforehand what a metric lacks, `warning(metric, images)` what its readers must know.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from inpaint_cli.errors import UsageError, unknown
from inpaint_cli.metrics import (
    accuracy,
    attributes,
    dice,
    diversity,
    fid,
    inception_score,
    inner,
    l1,
    l2,
    landmarks,
    lpips,
    maem,
    mse,
    psnr,
    seam,
    ssim,
)
from inpaint_cli.metrics.fid import reference_statistics
from inpaint_cli.metrics.frechet import Statistics, kept_statistics, load_statistics, save_statistics
from inpaint_cli.metrics.metric import Column, Completions, Metric, Rows, obstacle, warning
from inpaint_cli.metrics.statistics import (
    Difference,
    Intervals,
    finite_mean,
    intervals_of,
    paired_difference,
    resampled,
)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        psnr.METRIC,
        ssim.METRIC,
        mse.METRIC,
        inner.METRIC,
        l1.METRIC,
        l2.METRIC,
        maem.METRIC,
        seam.METRIC,
        fid.METRIC,
        fid.CLEAN,
        inception_score.METRIC,
        lpips.METRIC,
        diversity.METRIC,
        dice.METRIC,
        landmarks.METRIC,
        attributes.METRIC,
        accuracy.METRIC,
    )
}
DEFAULT = ("psnr", "ssim", "mse", "l1", "l2", "maem")  # need nothing but the images
Plain = float | list[float | None] | None  # what results files hold; whole numbers are whole
COLUMNS: dict[str, Column] = {column.name: column for metric in METRICS.values() for column in metric.columns}

__all__ = [
    "COLUMNS",
    "DEFAULT",
    "METRICS",
    "Column",
    "Completions",
    "Difference",
    "Metric",
    "Rows",
    "Statistics",
    "choose",
    "definitions",
    "intervals",
    "joined",
    "kept_statistics",
    "load_statistics",
    "measure",
    "obstacle",
    "paired_difference",
    "per_image",
    "reference_statistics",
    "save_statistics",
    "summarise",
    "warning",
]


def choose(names: Iterable[str] = DEFAULT) -> tuple[Metric, ...]:
    """Names -> metrics; `UsageError` names the choices."""
    for name in names:
        if name not in METRICS:
            raise UsageError(unknown("metric", name, METRICS))
    return tuple(METRICS[name] for name in dict.fromkeys(names))


def definitions(chosen: Iterable[Metric]) -> dict[str, str]:
    """What each metric's columns mean, to be printed with them."""
    return {metric.name: metric.definition for metric in chosen}


def measure(completions: Completions, chosen: Iterable[Metric]) -> dict[str, np.ndarray]:
    """The rows of a batch: arrays whose first axis is the images, by name."""
    rows: dict[str, np.ndarray] = {}
    for metric in chosen:
        rows |= metric.rows(completions)
    return rows


def joined(batches: Sequence[Rows]) -> dict[str, np.ndarray]:
    """The rows of batches, given in the order of the images' indices -> those of all images."""
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def per_image(rows: Rows) -> dict[str, np.ndarray]:
    """The rows that are columns of a table with one line per image: float64 [N] by name."""
    return {name: values for name, values in rows.items() if name in COLUMNS and values.ndim == 1}


def summarise(
    rows: Rows, chosen: Iterable[Metric], references: Mapping[str, Statistics] | None = None
) -> dict[str, Plain]:
    """Rows of all images -> every column, `images`, and how many images a metric leaves out and why.

    A number that is not defined (a mean over no image, the PSNR of perfect completions) is None, never NaN; columns
    ending in `_by_…` are lists. references: by metric, for those with `reference`.
    """
    summary: dict[str, Plain] = {"images": len(next(iter(rows.values())))}
    for metric in chosen:
        means = {name: finite_mean(rows[name], axis=0) for name in metric.averages}
        values: dict[str, np.ndarray | float] = {
            **means,
            **metric.derive(means),
            **metric.settle(rows, references or {}),
        }
        summary |= {column.name: _plain(values[column.name]) for column in metric.columns} | metric.count(rows)
    return summary


def intervals(rows: Rows, chosen: Iterable[Metric], seed: int = 0) -> dict[str, Intervals]:
    """95 % intervals by bootstrap over images, by column, of a list one for each figure; set metrics have none."""
    result: dict[str, Intervals] = {}
    for metric in chosen:
        if metric.averages:
            found = resampled({name: rows[name] for name in metric.averages}, metric.derive, seed)
            result |= {
                column.name: intervals_of(found[column.name]) for column in metric.columns if column.name in found
            }
    return result


def _plain(value: np.ndarray | float) -> Plain:
    return [_number(item) for item in value] if isinstance(value, np.ndarray) and value.ndim else _number(value)


def _number(value: np.ndarray | float) -> float | None:
    return float(value) if np.isfinite(value) else None
