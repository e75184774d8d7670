"""Which metrics can be measured here, through which networks, and what their rows come to."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from inpaint_cli.errors import EnvironmentFault, InputError


@dataclass
class Metering:
    """Metrics that have all they need, and what is to be said of the others."""

    protocol: Any  # engine.evaluating.Protocol
    missing: dict[str, str] = field(default_factory=dict)  # metric -> why its weights are not there
    notes: list[str] = field(default_factory=list)

    def evaluate(self, method: Any, split: Any, process: Any, hardware: Any, team: Any, advance: Any) -> Any:
        from inpaint_cli.engine.evaluating import evaluate

        return evaluate(method, split, process, hardware, self.protocol, team, advance)

    def summarise(self, rows: dict[str, Any]) -> dict[str, Any]:
        """The part of a results entry that the rows give: figures, intervals, what they mean and how to print them."""
        from inpaint_cli.metrics import definitions, intervals, summarise

        chosen, seed = self.protocol.chosen, self.protocol.seed
        figures = summarise(rows, chosen)
        spans = intervals(rows, chosen, seed)
        for name in [name for name in rows if name.endswith("_best")]:
            figures[name], spans[name] = mean_with_interval(rows[name], seed)
        return {
            "images": figures.pop("images"),
            "metrics": figures,
            "intervals": spans,
            "columns": {
                name: printed(metric, column)
                for metric in chosen
                for column in metric.columns
                for name in (column.name, f"{column.name}_best")
                if name in figures
            },
            "definitions": definitions(chosen) | self._definition_of_samples(),
            "notes": self.notes,
        }

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


def printed(metric: Any, column: Any) -> dict[str, Any]:
    """How a table is to print a column, without knowing the metrics."""
    return {"metric": metric.name, "unit": column.unit, "better": column.better, "decimals": column.decimals}


def mean_with_interval(values: Any, seed: int) -> tuple[float | None, tuple[float, float] | None]:
    import numpy as np

    from inpaint_cli.metrics.statistics import bootstrap

    finite = values[np.isfinite(values)]
    return (float(finite.mean()) if finite.size else None), bootstrap({"mean": values}, dict, seed)["mean"]


def image_by_image(rows: dict[str, Any]) -> dict[str, Any]:
    """The rows that are figures of single images, float64 [N] by name."""
    from inpaint_cli.metrics import per_image

    return {**per_image(rows), **{name: values for name, values in rows.items() if name.endswith("_best")}}


class Instruments:
    """The chosen metrics and the networks that they look through, loaded once for all systems."""

    def __init__(self, names: Iterable[str], weights: Iterable[str], hardware: Any):
        from inpaint_cli.metrics import choose

        chosen, self.all = chosen_names(names)
        self.metrics = choose(chosen)
        self.networks, self.faults, self.labels = load_networks(self.metrics, weights, hardware)

    def plan(self, request: Any, method: Any, prepared: Any, split: Any, count: int) -> Metering:
        """What can be measured of this method; `InputError` for a metric that was named and cannot be had here."""
        from inpaint_cli.engine.evaluating import Protocol
        from inpaint_cli.metrics import obstacle, warning

        chosen, missing, notes = [], {}, []
        given = {
            "images": count,
            "side": min(prepared.shape.height, prepared.shape.width),
            "samples": request.samples,
            "labels": tuple({*method.annotates} & {*split.labels}),
        }
        for metric in self.metrics:
            problem = obstacle(metric, **given, networks=metric.networks)  # absent weights are no reason to refuse
            if problem and not self.all:
                raise InputError(f"{prepared.path}, split {split.name}: {problem}")
            lacking = [self.faults[name] for name in metric.networks if name in self.faults]
            if problem:
                notes.append(f"left out: {problem}")
            elif lacking:
                missing[metric.name] = lacking[0]
            else:
                chosen.append(metric)
                notes += filter(None, [warning(metric, count)])
        notes += [f"{name}: {label}" for name, label in self.labels.items()]
        whole = request.compose == "output"
        protocol = Protocol(tuple(chosen), count, request.seed, request.samples, whole, request.batch, self.networks)
        return Metering(protocol, missing, notes)


def chosen_names(given: Iterable[str]) -> tuple[list[str], bool]:
    """`["psnr,ssim", "fid"]`, `default` and `all` -> names, and whether all were asked for."""
    from inpaint_cli.metrics import DEFAULT, METRICS

    named = [name.strip() for text in given for name in text.split(",")]
    groups = {"all": tuple(METRICS), "default": DEFAULT}
    return [name for entry in named for name in groups.get(entry, (entry,))], "all" in named


def load_networks(chosen: Iterable[Any], weights: Iterable[str], hardware: Any) -> tuple[dict, dict, dict]:
    """Networks by the names of their weights; why others are not there; how those that are there are to be named."""
    from inpaint_cli.weights import load_helper, parse_weights

    given = parse_weights(weights)
    networks, faults, labels = {}, {}, {}
    for name in dict.fromkeys(name for metric in chosen for name in metric.networks):
        try:
            network, labels[name] = load_helper(name, given.get(name))
            networks[name] = hardware.place(network).eval()
        except EnvironmentFault as fault:
            faults[name] = str(fault)
    return networks, faults, labels
