"""Runs of one system, trained alike from other seeds, as one result: means, and how far apart the runs are."""

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from inpaint_cli.records.results import Figure, Interval, Intervals, Result


def averaged(results: Iterable[Result]) -> list[Result]:
    """Results that differ in their weights alone become one, in the place of the first.

    Its figures are means over the runs; its intervals reach one standard deviation (of the runs, with n - 1) either
    way, in place of those over images.
    """
    groups: dict[tuple[Any, ...], list[Result]] = {}
    for result in results:
        groups.setdefault(_trained_alike(result), []).append(result)
    return [_mean(group) if len(group) > 1 else group[0] for group in groups.values()]


def _trained_alike(result: Result) -> tuple[Any, ...]:
    settings = json.dumps(result.settings, sort_keys=True)
    checkpoint = result.checkpoint
    learned = (result.trained_on, checkpoint and (checkpoint.step, checkpoint.batch))
    pretrained = (result.pretrained_on, result.pretrained_step, result.pretrained_batch)
    return (
        result.method, settings, *learned, *pretrained, result.masks, result.samples, result.compose, result.seed,
        result.images, result.data.identity, result.data.split,
    )  # fmt: skip


def _mean(runs: Sequence[Result]) -> Result:
    first = runs[0]
    figures = {name: [run.metrics.get(name) for run in runs] for name in first.metrics}
    metrics = {name: _mean_of(values) for name, values in figures.items()}
    intervals = {name: interval for name, values in figures.items() if (interval := _interval_of(values)) is not None}
    notes = list(dict.fromkeys(note for run in runs for note in run.notes))
    update = {"metrics": metrics, "intervals": intervals, "notes": notes, "runs": len(runs)}
    return first.model_copy(update=update)


def _mean_of(values: Sequence[Figure]) -> Figure:
    """Of numbers, of lists place by place; None where any run has no figure."""
    return _by_place(values, _mean_of_numbers)


def _interval_of(values: Sequence[Figure]) -> Intervals:
    """One standard deviation about the mean, either way, of lists place by place; None where not all are numbers."""
    return _by_place(values, _interval_of_numbers)


def _by_place(values: Sequence[Figure], of_numbers: Callable[[Sequence[float | None]], Any]) -> Any:
    lists = [value for value in values if isinstance(value, list)]
    if len(lists) == len(values):
        return [of_numbers(place) for place in zip(*lists, strict=True)]
    return of_numbers([value for value in values if not isinstance(value, list)])


def _mean_of_numbers(values: Sequence[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return statistics.fmean(numbers) if len(numbers) == len(values) else None


def _interval_of_numbers(values: Sequence[float | None]) -> Interval | None:
    numbers = [value for value in values if value is not None]
    if len(numbers) < len(values):
        return None
    mean, spread = statistics.fmean(numbers), statistics.stdev(numbers)
    return mean - spread, mean + spread
