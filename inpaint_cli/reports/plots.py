"""Curves of several runs as paths of an SVG panel, and the figures that its readout shows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inpaint_cli.reports.terms import kinds_of, label

POINTS = 240  # a longer curve is drawn as the means of this many stretches, with its spread behind
WIDTH, HEIGHT = 400, 180  # of a panel's drawing, in its own units
LOGARITHMIC = 20  # from this ratio of the largest to the smallest value


@dataclass(frozen=True)
class Curve:
    """One term of one run in one panel."""

    run: int  # which run
    term: str  # for people
    colour: int  # of several runs each has its own; of one run each term
    dashes: int  # how terms are told apart that have one colour
    line: str  # an SVG path through the means of the stretches
    band: str  # around their smallest and largest values
    steps: list[int]
    values: list[float]


@dataclass(frozen=True)
class Panel:
    """The terms of one kind, which share an axis."""

    name: str
    terms: list[str]  # for people
    curves: list[Curve]
    ticks: list[tuple[float, str]]  # height from the top, value
    last_step: int
    logarithmic: bool


def panels(runs: Sequence[Mapping[str, Sequence[float]]]) -> list[Panel]:
    """Columns of each run's metrics, `step` among them -> a panel for each kind of what any of them has."""
    names = dict.fromkeys(name for columns in runs for name in columns)
    return [_panel(title, members, runs) for title, members in kinds_of(names).items()]


def _panel(title: str, names: Sequence[str], runs: Sequence[Mapping[str, Sequence[float]]]) -> Panel:
    places = [(run, term) for run, columns in enumerate(runs) for term, name in enumerate(names) if name in columns]
    own = {(run, term): _finite(runs[run], names[term]) for run, term in places}
    own = {place: pair for place, pair in own.items() if len(pair[0])}
    everything = np.concatenate([values for _, values in own.values()]) if own else np.ones(1)
    low, high = float(everything.min()), float(everything.max())
    logarithmic = low > 0 and high > LOGARITHMIC * low
    last = int(max((steps[-1] for steps, _ in own.values()), default=1))
    scale = Scale(low, high, logarithmic, last)
    terms = [label(name) for name in names]
    curves = [
        _curve((run, terms[term], *((term, 0) if len(runs) == 1 else (run, term))), steps, values, scale)
        for (run, term), (steps, values) in own.items()
    ]
    ticks = [(round(scale.y(value), 1), _short(value)) for value in scale.ticks()]
    return Panel(title, terms, curves, ticks, last, logarithmic)


def _short(value: float) -> str:
    """At most seven letters, which is what stands left of a panel."""
    text = f"{value:.3g}"
    return text if len(text) < 8 else f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e+")


def _finite(columns: Mapping[str, Sequence[float]], name: str) -> tuple[np.ndarray, np.ndarray]:
    steps, values = np.asarray(columns["step"], float), np.asarray(columns[name], float)
    kept = np.isfinite(values)
    return steps[kept], values[kept]


@dataclass(frozen=True)
class Scale:
    """From steps and values to the panel's units."""

    low: float
    high: float
    logarithmic: bool
    last: int

    def x(self, step: float) -> float:
        return WIDTH * step / max(self.last, 1)

    def y(self, value: float) -> float:
        low, high, value = (
            map(math.log, (self.low, self.high, value)) if self.logarithmic else (self.low, self.high, value)
        )
        share = (value - low) / (high - low) if high > low else 0.5
        return HEIGHT * (1 - share)

    def ticks(self) -> list[float]:
        middle = math.sqrt(self.low * self.high) if self.logarithmic else (self.low + self.high) / 2
        return [self.high, middle, self.low] if self.high > self.low else [self.high]

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        """One point is a dot: a line to itself."""
        points = [*points, *points] if len(points) == 1 else points
        return " ".join(
            f"{'L' if number else 'M'}{self.x(step):.1f} {self.y(value):.1f}"
            for number, (step, value) in enumerate(points)
        )


def _curve(whose: tuple[int, str, int, int], steps: np.ndarray, values: np.ndarray, scale: Scale) -> Curve:
    stretches = np.array_split(np.arange(len(steps)), min(POINTS, len(steps)))
    centres = [float(steps[part].mean()) for part in stretches]
    means = [float(values[part].mean()) for part in stretches]
    lows, highs = ([float(pick(values[part])) for part in stretches] for pick in (np.min, np.max))
    around = [*zip(centres, highs, strict=True), *zip(centres[::-1], lows[::-1], strict=True)]
    return Curve(
        *whose,
        line=scale.path(list(zip(centres, means, strict=True))),
        band=scale.path(around) + "Z" if len(stretches) < len(steps) else "",
        steps=[round(centre) for centre in centres],
        values=[float(f"{mean:.4g}") for mean in means],
    )
