"""A table's measured figures drawn: systems against conditions, as heat maps or as lines, one panel for each metric."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from inpaint_cli.errors import InputError
from inpaint_cli.reports.comparing import figure_of
from inpaint_cli.reports.filling import Filled, Line
from inpaint_cli.reports.published import Condition, Metric

INCHES = 0.62  # of a cell


def heat(panel: Axes, values: np.ndarray, metric: Metric, systems: list[str], conditions: list[str]) -> None:
    """Each cell with its figure; the brighter the better."""
    panel.imshow(values if metric.better == "higher" else -values, aspect="auto")
    low, high = np.nanmin(values), np.nanmax(values)
    middle = (low + high) / 2
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            bright = (value > middle) == (metric.better == "higher")
            colour = "black" if bright and high > low else "white"
            panel.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=7, color=colour)
    panel.set_xticks(range(len(conditions)), conditions, rotation=60, ha="right", fontsize=8)
    panel.set_yticks(range(len(systems)), systems, fontsize=8)


def lines(panel: Axes, values: np.ndarray, metric: Metric, systems: list[str], conditions: list[str]) -> None:
    """A line for each system, over the conditions in their order."""
    for system, row in zip(systems, values, strict=True):
        panel.plot(range(len(conditions)), row, marker="o", label=system)
    panel.set_xticks(range(len(conditions)), conditions, fontsize=8)
    panel.legend(fontsize=7)


KINDS: dict[str, Callable[[Axes, np.ndarray, Metric, list[str], list[str]], None]] = {"heat": heat, "lines": lines}


def draw_crossing(filled: Filled, kind: str, path: Path) -> None:
    """Written to `path`, a PNG; `InputError` where nothing was measured."""
    measured = [line for line in filled.lines if line.results]
    conditions = [each for each in filled.table.conditions if any(each.label in line.results for line in measured)]
    values = {metric.label: _values(measured, conditions, metric) for metric in filled.table.metrics}
    metrics = [metric for metric in filled.table.metrics if np.isfinite(values[metric.label]).any()]
    if not metrics:
        raise InputError(f"{filled.table.name}: there are no measured figures to draw: give results files")
    size = (len(metrics) * (INCHES * len(conditions) + 2.5), INCHES / 1.5 * len(measured) + 2)
    figure = Figure(figsize=(size[0], max(size[1], 3.5)), layout="constrained")
    figure.suptitle(filled.table.title, fontsize=11)
    for number, metric in enumerate(metrics, start=1):
        panel = figure.add_subplot(1, len(metrics), number)
        panel.set_title(metric.heading, fontsize=9)
        systems, labels = [line.system for line in measured], [condition.label for condition in conditions]
        KINDS[kind](panel, values[metric.label], metric, systems, labels)
    FigureCanvasAgg(figure).print_png(path)


def _values(measured: list[Line], conditions: list[Condition], metric: Metric) -> np.ndarray:
    """[systems, conditions], NaN where nothing was measured."""
    rows = [[figure_of(line, condition, metric) for condition in conditions] for line in measured]
    return np.array(rows, dtype=float).reshape(len(measured), len(conditions))
