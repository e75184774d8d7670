"""Loss curves of a run as one PNG."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from inpaint_cli.files import replacing

POINTS = 200  # a longer curve is drawn as the means of this many stretches, with its spread behind


def draw_curves(columns: Mapping[str, Sequence[float]], path: Path, title: str = "") -> None:
    """`step` and each loss term, value by value -> one panel per term, written to `path`."""
    names = [name for name in columns if name != "step"]
    if not names:
        return
    across = min(3, len(names))
    lines = -(-len(names) // across)
    figure = Figure(figsize=(4 * across, 2.6 * lines + 0.4), layout="constrained")
    figure.suptitle(title, fontsize=11)
    for index, name in enumerate(names):
        panel = figure.add_subplot(lines, across, index + 1)
        _draw(panel, np.asarray(columns["step"]), np.asarray(columns[name]), name)
    with replacing(path) as temporary:
        FigureCanvasAgg(figure).print_png(temporary)


def _draw(axes: Axes, steps: np.ndarray, values: np.ndarray, name: str) -> None:
    there = np.isfinite(values)  # a later stage's terms begin late
    steps, values = steps[there], values[there]
    stretches = np.array_split(np.arange(len(steps)), min(POINTS, len(steps)))
    centres = [steps[part].mean() for part in stretches]
    means = [values[part].mean() for part in stretches]
    axes.fill_between(
        centres, [values[p].min() for p in stretches], [values[p].max() for p in stretches], alpha=0.2, linewidth=0
    )
    axes.plot(centres, means, linewidth=1.2)
    if values.min() > 0 and values.max() > 20 * values.min():
        axes.set_yscale("log")
    axes.set_title(name, fontsize=10)
    axes.set_xlabel("step", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
