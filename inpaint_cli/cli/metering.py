"""Which metrics can be measured here, through which networks, and what their rows come to."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from inpaint_cli.errors import EnvironmentFault, InputError, UsageError, unknown


@dataclass
class Metering:
    """Metrics that have all they need, and what is to be said of the others."""

    protocol: Any  # engine.evaluating.Protocol
    missing: dict[str, str] = field(default_factory=dict)  # metric -> why its weights are not there
    notes: list[str] = field(default_factory=list)
    references: dict[str, Any] = field(default_factory=dict)  # by metric: statistics of the original images
    labels: dict[str, str] = field(default_factory=dict)  # of the networks

    def evaluate(self, method: Any, split: Any, process: Any, hardware: Any, team: Any, advance: Any) -> Any:
        from inpaint_cli.engine.evaluating import evaluate

        return evaluate(method, split, process, hardware, self.protocol, team, advance)

    def summarise(self, rows: dict[str, Any]) -> dict[str, Any]:
        """The part of a results entry that the rows give: figures, intervals, what they mean and how to print them."""
        from inpaint_cli.metrics import definitions, intervals, summarise

        chosen, seed = self.protocol.chosen, self.protocol.seed
        figures = summarise(rows, chosen, self.references)
        spans = intervals(rows, chosen, seed)
        for name in [name for name in rows if name.endswith("_best")]:
            figures[name], spans[name] = mean_with_interval(rows[name], seed)
        return {
            "images": figures.pop("images"),
            "metrics": figures,
            "intervals": spans,
            "columns": {
                name: printed(metric, column, self.labels)
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


def printed(metric: Any, column: Any, labels: dict[str, str]) -> dict[str, Any]:
    """How a table is to print a column, without knowing the metrics; `random` where no figure means anything."""
    random = any("random" in labels[name] for name in metric.networks)
    how = {"metric": metric.name, "unit": column.unit, "better": column.better, "decimals": column.decimals}
    return how | ({"warning": "random features, not comparable"} if random else {})


def mean_with_interval(values: Any, seed: int) -> tuple[float | None, tuple[float, float] | None]:
    import numpy as np

    from inpaint_cli.metrics.statistics import bootstrap

    finite = values[np.isfinite(values)]
    return (float(finite.mean()) if finite.size else None), bootstrap({"mean": values}, dict, seed)["mean"]


def image_by_image(rows: dict[str, Any], instruments: "Instruments") -> dict[str, Any]:
    """The rows that are figures of single images, float64 [N] by name; a name says where features are random."""
    from inpaint_cli.metrics import per_image

    random = {
        column.name
        for metric in instruments.metrics
        for column in metric.columns
        if any("random" in instruments.labels.get(name, "") for name in metric.networks)
    }
    own = {**per_image(rows), **{name: values for name, values in rows.items() if name.endswith("_best")}}
    warned = " (random features, not comparable)"
    return {name + warned * (name.removesuffix("_best") in random): values for name, values in own.items()}


class Instruments:
    """The chosen metrics and the networks that they look through, loaded once for all systems."""

    def __init__(self, request: Any, hardware: Any):
        from inpaint_cli.metrics import choose
        from inpaint_cli.weights import load_networks, parse_weights

        chosen, self.all = chosen_names(request.metrics, request.fid_mode)
        self.metrics = choose(chosen)
        needed = [name for metric in self.metrics for name in metric.networks]
        found = load_networks(needed, parse_weights(request.weights))
        self.networks = {name: hardware.place(network).eval() for name, network in found.loaded.items()}
        self.labels, self.faults = found.labels, {name: str(fault) for name, fault in found.missing.items()}
        self.references: dict[str, Any] = {}

    def describe_originals(self, request: Any, prepared: Any, split: Any, count: int, team: Any) -> None:
        """What the FID compares with; the same for all systems and masks."""
        from inpaint_cli.cli.originals import cache_folder, references

        wanted = [metric for metric in self.metrics if count >= metric.images]
        self.references |= references(
            wanted, prepared, split, count, self.networks, self.labels, team,
            file=request.fid_reference, folder=cache_folder(request.cache_dir) / "statistics",
        )  # fmt: skip

    def plan(self, request: Any, method: Any, prepared: Any, split: Any, count: int) -> Metering:
        """What can be measured of this method; `InputError` for a metric that was named and cannot be had here."""
        from inpaint_cli.engine.evaluating import Protocol
        from inpaint_cli.metrics import obstacle, warning

        chosen, missing, notes = [], {}, []
        measurable = self._of_this_method(method)
        given = {
            "images": count,
            "side": min(prepared.shape.height, prepared.shape.width),
            "samples": request.samples,
            "labels": tuple({*method.annotates} & {*split.labels}),
        }
        for metric in measurable:
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
        if not chosen:
            raise EnvironmentFault("nothing to measure\n" + "\n".join(dict.fromkeys(missing.values())))
        used = {name for metric in chosen for name in metric.networks}
        notes += [f"{name}: {label}" for name, label in self.labels.items() if name in used]
        notes += [f"fid: compared with the statistics in {request.fid_reference.name}"] if request.fid_reference else []
        protocol = Protocol(
            tuple(chosen), count, request.seed, request.samples, request.compose, request.batch, request.show,
            self.networks,
        )  # fmt: skip
        return Metering(protocol, missing, notes, self.references, self.labels)

    def _of_this_method(self, method: Any) -> list[Any]:
        """The metrics that there is something to measure for: of completed images, of labels, or of both."""
        fitting = [metric for metric in self.metrics if method.completes or metric.labels]
        if fitting or not self.metrics:
            return fitting
        raise InputError(
            f"this method completes no images, it predicts {' and '.join(method.annotates)}: give --metrics dice, "
            "--metrics landmarks or --metrics attributes"
        )


def chosen_names(given: Iterable[str], fid_mode: str) -> tuple[list[str], bool]:
    """`["psnr,ssim", "fid"]`, `default` and `all` -> names, and whether all were asked for. `fid` is of the mode."""
    from inpaint_cli.metrics import DEFAULT, METRICS
    from inpaint_cli.metrics.fid import MODES

    named = [name.strip() for text in given for name in text.split(",")]
    if fid_mode not in MODES:
        raise UsageError(unknown("--fid-mode", fid_mode, MODES))
    groups = {"all": tuple(METRICS), "default": DEFAULT, "fid": MODES[fid_mode][:1]}
    return [name for entry in named for name in groups.get(entry, (entry,))], "all" in named
