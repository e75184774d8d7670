"""Which metrics can be measured here, through which networks, and what their rows come to."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.figures import COMPOSE, HOLE_SHARE, Protocol
from inpaint_cli.engine.processes import Team
from inpaint_cli.errors import EnvironmentFault, InputError, UsageError, unknown
from inpaint_cli.jobs.caches import cache_folder
from inpaint_cli.jobs.evaluation.originals import references
from inpaint_cli.jobs.evaluation.subjects import Subject
from inpaint_cli.jobs.evaluation.transfers import classifier_from
from inpaint_cli.metrics import (
    DEFAULT,
    METRICS,
    Column,
    Metric,
    Statistics,
    choose,
    definitions,
    intervals,
    obstacle,
    per_image,
    summarise,
    warning,
)
from inpaint_cli.metrics.fid import MODES
from inpaint_cli.metrics.statistics import bootstrap
from inpaint_cli.settings import Assignments
from inpaint_cli.weight_files import CLASSIFIER, parse_weights
from inpaint_cli.weights import load_networks


@dataclass(frozen=True)
class Measures:
    """What is measured, and how: the same for all systems."""

    metrics: Sequence[str]
    weights: Assignments
    samples: int
    compose: str
    seed: int
    batch: int
    show: int | None
    fid_mode: str
    fid_reference: Path | None
    cache_dir: Path | None
    by_hole_share: float | None = None  # how wide the rows by what is missing are

    def check(self) -> None:
        """`UsageError` for what is no way to measure."""
        if self.compose not in COMPOSE:
            raise UsageError(unknown("way to --compose", self.compose, COMPOSE))
        if self.by_hole_share is not None and not 0 < self.by_hole_share <= 1:
            raise UsageError(f"--by-hole-share is a part of the image, such as 0.1, not {self.by_hole_share:g}")


@dataclass
class Metering:
    """Metrics that have all they need, and what is to be said of the others."""

    protocol: Protocol
    missing: dict[str, str] = field(default_factory=dict)  # metric -> why its weights are not there
    notes: list[str] = field(default_factory=list)
    references: dict[str, Statistics] = field(default_factory=dict)  # by metric: of the original images
    labels: dict[str, str] = field(default_factory=dict)  # of the networks
    by_hole_share: float | None = None

    def summarise(self, rows: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The part of a results entry that the rows give: figures, intervals, what they mean and how to print them."""
        chosen, found = self.protocol.chosen, self._figures(rows, self.protocol.chosen)
        figures = found["metrics"]
        return {
            **found,
            **({} if self.by_hole_share is None else {"by_hole_share": self._by_hole_share(rows, self.by_hole_share)}),
            "columns": {
                name: printed(metric, column, self.labels)
                for metric in chosen
                for column in metric.columns
                for name in (column.name, f"{column.name}_best")
                if name in figures
            },
            "definitions": definitions(chosen) | self._definition_of_samples() | self._definition_of_shares(),
            "notes": self.notes,
        }

    def _figures(self, rows: Mapping[str, np.ndarray], chosen: Sequence[Metric]) -> dict[str, Any]:
        """`images`, `metrics` and `intervals` of these images."""
        figures, spans = summarise(rows, chosen, self.references), intervals(rows, chosen, self.protocol.seed)
        for name in [name for name in rows if name.endswith("_best")]:
            figures[name], spans[name] = mean_with_interval(rows[name], self.protocol.seed)
        return {"images": figures.pop("images"), "metrics": figures, "intervals": spans}

    def _by_hole_share(self, rows: Mapping[str, np.ndarray], width: float) -> list[dict[str, Any]]:
        """The figures of the images of which `low` to `high` is missing; where there are none, no row."""
        last = max(0, math.ceil(1 / width - 1e-9) - 1)
        numbers = np.minimum(np.floor(rows[HOLE_SHARE] / width + 1e-9).astype(int), last)
        found = []
        for number in np.unique(numbers).tolist():
            own = {name: values[numbers == number] for name, values in rows.items()}
            chosen = [metric for metric in self.protocol.chosen if len(own[HOLE_SHARE]) >= metric.images]
            ends = {"low": round(number * width, 9), "high": round(min((number + 1) * width, 1), 9)}
            found.append({**ends, **self._figures(own, chosen)})
        return found

    def _definition_of_samples(self) -> dict[str, str]:
        number = self.protocol.samples
        if number == 1:
            return {}
        return {
            "samples": (
                f"of {number} completions of each image: figures are means over them, then over images; NAME_best is "
                "the best of them by that figure, chosen image by image with the original in view, then the mean"
            )
        }

    def _definition_of_shares(self) -> dict[str, str]:
        if self.by_hole_share is None:
            return {}
        return {"hole": "hole: of how much of an image is missing, from the lower end on and below the upper one"}


def printed(metric: Metric, column: Column, labels: Mapping[str, str]) -> dict[str, Any]:
    """How a table is to print a column, without knowing the metrics; `random` where no figure means anything."""
    random = any("random" in labels[name] for name in metric.networks)
    how = {"metric": metric.name, "unit": column.unit, "better": column.better, "decimals": column.decimals}
    return how | ({"warning": "random features, not comparable"} if random else {})


def mean_with_interval(values: np.ndarray, seed: int) -> tuple[float | None, tuple[float, float] | None]:
    """Of what is finite, by bootstrap."""
    finite = values[np.isfinite(values)]
    return (float(finite.mean()) if finite.size else None), bootstrap({"mean": values}, dict, seed)["mean"]


def image_by_image(rows: Mapping[str, np.ndarray], instruments: "Instruments") -> dict[str, np.ndarray]:
    """The rows that are figures of single images, float64 [N] by name; a name says where features are random."""
    random = {
        column.name
        for metric in instruments.metrics
        for column in metric.columns
        if any("random" in instruments.labels.get(name, "") for name in metric.networks)
    }
    own = {**per_image(rows), **{name: values for name, values in rows.items() if name.endswith("_best")}}
    warned = " (random features, not comparable)"
    figures = {name + warned * (name.removesuffix("_best") in random): values for name, values in own.items()}
    return {**figures, HOLE_SHARE: rows[HOLE_SHARE]}


class Instruments:
    """The chosen metrics and the networks that they look through, loaded once for all systems."""

    def __init__(self, measures: Measures, hardware: Hardware):
        self.measures = measures
        chosen, self.all = chosen_names(measures.metrics, measures.fid_mode)
        self.metrics = choose(chosen)
        needed = [name for metric in self.metrics for name in metric.networks]
        given = parse_weights(measures.weights)
        own = classifier_from(Path(given[CLASSIFIER])) if CLASSIFIER in given and CLASSIFIER in needed else None
        found = load_networks([name for name in needed if own is None or name != CLASSIFIER], given)
        if own is not None:
            found.loaded[CLASSIFIER], found.labels[CLASSIFIER] = own, own.name
        self.networks = {name: hardware.place(network).eval() for name, network in found.loaded.items()}
        self.labels, self.faults = found.labels, {name: str(fault) for name, fault in found.missing.items()}
        self.references: dict[str, Statistics] = {}

    def describe_originals(self, subject: Subject, team: Team) -> None:
        """What the FID compares with; the same for all systems and masks."""
        wanted = [metric for metric in self.metrics if len(subject.names) >= metric.images]
        self.references |= references(
            wanted, subject, self.networks, self.labels, team,
            file=self.measures.fid_reference, folder=cache_folder(self.measures.cache_dir) / "statistics",
        )  # fmt: skip

    def plan(
        self, subject: Subject, completes: bool = True, annotates: Sequence[str] = (), one_completion: bool = False
    ) -> Metering:
        """What can be measured of a system; `InputError` for a metric that was named and cannot be had here.

        completes, annotates, one_completion: what the system gives.
        """
        measures, count = self.measures, len(subject.names)
        chosen, missing, notes = [], {}, []
        labels = tuple({*annotates} & {*subject.labels})
        for metric in self._fitting(completes, annotates, one_completion):
            problem = obstacle(  # absent weights are no reason to refuse
                metric, images=count, side=subject.side, samples=measures.samples, labels=labels,
                networks=metric.networks,
            )  # fmt: skip
            if problem and not self.all:
                raise InputError(f"{subject.where}: {problem}")
            lacking = [self.faults[name] for name in metric.networks if name in self.faults]
            if problem:
                notes.append(f"left out: {problem}")
            elif lacking:
                missing[metric.name] = lacking[0]
            else:
                chosen.append(metric)
                notes += filter(None, [warning(metric, count)])
        if not chosen:
            raise EnvironmentFault("nothing to measure\n" + "\n".join(dict.fromkeys(missing.values())))
        protocol = Protocol(
            tuple(chosen), count, measures.seed, measures.samples, measures.compose, measures.batch, measures.show,
            self.networks,
        )  # fmt: skip
        notes += self._notes_of_networks(chosen)
        return Metering(protocol, missing, notes, self.references, self.labels, measures.by_hole_share)

    def _notes_of_networks(self, chosen: Iterable[Metric]) -> list[str]:
        used = {name for metric in chosen for name in metric.networks}
        reference = self.measures.fid_reference
        compared = [f"fid: compared with the statistics in {reference.name}"] if reference else []
        return [*(f"{name}: {label}" for name, label in self.labels.items() if name in used), *compared]

    def _fitting(self, completes: bool, annotates: Sequence[str], one_completion: bool) -> list[Metric]:
        """The metrics that there is something to measure for: of completed images, of labels, or of both."""
        own = [metric for metric in self.metrics if not one_completion or metric.samples == 1]
        fitting = [metric for metric in own if completes or metric.labels]
        if fitting or not self.metrics:
            return fitting
        if not own:
            raise InputError("this method has one completion of each image: there is no diversity to measure")
        raise InputError(
            f"this method completes no images, it predicts {' and '.join(annotates)}: give --metrics dice, "
            "--metrics landmarks, --metrics attributes or --metrics labels"
        )


def chosen_names(given: Iterable[str], fid_mode: str) -> tuple[list[str], bool]:
    """`["psnr,ssim", "fid"]`, `default` and `all` -> names, and whether all were asked for. `fid` is of the mode."""
    named = [name.strip() for text in given for name in text.split(",")]
    if fid_mode not in MODES:
        raise UsageError(unknown("--fid-mode", fid_mode, MODES))
    groups = {"all": tuple(METRICS), "default": DEFAULT, "fid": MODES[fid_mode][:1]}
    return [name for entry in named for name in groups.get(entry, (entry,))], "all" in named
