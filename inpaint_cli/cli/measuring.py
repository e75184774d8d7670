"""What `inpaint evaluate` does: systems loaded one after the other, measured, compared, written."""

import itertools
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import typer

from inpaint_cli.cli.assembly import Loaded
from inpaint_cli.cli.progress import progress_bar
from inpaint_cli.cli.remarks import as_notes, remarks
from inpaint_cli.errors import EnvironmentFault, UsageError, is_out_of_memory, out_of_memory, unknown


@dataclass(frozen=True)
class Request:
    """The command line, as it was given."""

    data: Path
    masks: tuple[str, ...]
    checkpoints: tuple[Path, ...]
    methods: tuple[str, ...]
    assignments: tuple[str, ...]
    split: str
    limit: int | None
    metrics: tuple[str, ...]
    weights: tuple[str, ...]
    samples: int
    compose: str
    seed: int
    batch: int
    show: int | None
    fid_mode: str
    fid_reference: Path | None
    cache_dir: Path | None

    @property
    def sources(self) -> list[tuple[Path | None, str | None]]:
        """What each system is loaded from. One checkpoint with one method means that it is to be of that method."""
        if len(self.checkpoints) == len(self.methods) == 1 and not needs_no_training(self.methods[0]):
            return [(self.checkpoints[0], self.methods[0])]
        found = [*((path, None) for path in self.checkpoints), *((None, name) for name in self.methods)]
        if not found:
            raise UsageError("give --checkpoint RUN|FILE, or --method patch, which needs no training")
        return found


@dataclass
class Measured:
    """Everything that is written."""

    results: list[dict[str, Any]] = field(default_factory=list)
    comparisons: list[dict[str, Any]] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)  # metrics whose weights are not there, and what to do
    names: list[str] = field(default_factory=list)  # of the images
    rows: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)  # by system and masks
    examples: dict[tuple[str, str], list[Any]] = field(default_factory=dict)

    @property
    def content(self) -> dict[str, Any]:
        return {"results": self.results, "comparisons": self.comparisons, "missing": self.missing}

    def raise_for_missing(self) -> None:
        """End with exit code 4 where weights were missing; all else is measured and written by now."""
        if self.missing:
            messages = dict.fromkeys(self.missing.values())
            raise EnvironmentFault(f"not measured: {', '.join(self.missing)}\n" + "\n".join(messages))


@dataclass(frozen=True)
class Outputs:
    """Where results go."""

    output: Path | None
    csv: Path | None
    grid: Path | None
    show: int | None
    overwrite: bool
    as_json: bool

    def check(self) -> None:
        from inpaint_cli.files import refuse_existing

        if self.show and not self.grid:
            raise UsageError("--show says what the grid shows: give --grid FILE.png too")
        for path in filter(None, (self.output, self.csv, self.grid)):
            refuse_existing(path, self.overwrite)

    def write(self, measured: Measured) -> None:
        from inpaint_cli.files import replacing
        from inpaint_cli.reports.evaluations import extremes_grid, per_image_csv, systems_grid
        from inpaint_cli.reports.tables import comparison_table, results_table

        text = json.dumps(measured.content, indent=2, allow_nan=False) + "\n"
        if self.output:
            with replacing(self.output, self.overwrite) as temporary:
                temporary.write_text(text, encoding="utf-8")
        if self.csv:
            with replacing(self.csv, self.overwrite) as temporary:
                temporary.write_text(per_image_csv(measured.names, measured.rows), encoding="utf-8", newline="")
        if self.grid:
            with replacing(self.grid, self.overwrite) as temporary:
                (systems_grid if self.show else extremes_grid)(measured.examples).save(temporary)
        tables = [results_table(measured.results), comparison_table(measured.comparisons)]
        typer.echo(text if self.as_json else "\n\n".join(filter(None, tables)), nl=not self.as_json)


def measure_systems(request: Request, hardware: Any, team: Any, quiet: bool) -> Measured:
    """Every system behind every mask specification. All that can be refused is refused before the first image."""
    from inpaint_cli.cli.assembly import check_masks
    from inpaint_cli.cli.metering import Instruments, image_by_image
    from inpaint_cli.data.reader import PreparedFile
    from inpaint_cli.engine.evaluating import COMPOSE, images_of
    from inpaint_cli.masks import parse_masks

    if request.compose not in COMPOSE:
        raise UsageError(unknown("way to --compose", request.compose, COMPOSE))
    prepared = PreparedFile(request.data)
    split, processes = prepared.split(request.split), [parse_masks(spec) for spec in dict.fromkeys(request.masks)]
    for process in processes:
        process.check(prepared.shape)
    count, sources = images_of(split, request.limit), request.sources
    instruments = Instruments(request, hardware)
    labels, plans = [], []
    for source in sources:  # one after the other: together they may not fit the memory
        loaded = load(source, request, prepared, hardware)
        for process in processes:
            check_masks(loaded.name, loaded.method, process)
        labels.append(Label.of(loaded))
        plans.append(instruments.plan(request, loaded.method, prepared, split, count))
    instruments.describe_originals(request, prepared, split, count, team)
    measured = Measured(names=split.names[:count])
    for source, system, plan in zip(sources, distinct_names(labels), plans, strict=True):
        loaded = load(source, request, prepared, hardware)
        measured.missing |= plan.missing
        for process in processes:
            with (
                progress_bar(f"{system}, {process.spec}", count, quiet or not team.leads) as advance,
                saying_what_helps(),
                remarks(as_notes(quiet)),
            ):
                found = plan.evaluate(loaded.method, split, process, hardware, team, advance)
            place = system, process.spec
            measured.rows[place] = image_by_image(found.rows, instruments)
            measured.examples[place] = found.examples
            measured.results.append(entry(system, loaded, process, prepared, request, plan.summarise(found.rows)))
    measured.comparisons = compare(measured.rows, request.seed)
    return measured


def load(source: tuple[Path | None, str | None], request: Request, prepared: Any, hardware: Any) -> Loaded:
    from inpaint_cli.cli.assembly import check_shape, load_for_completion

    try:
        loaded = load_for_completion(*source, request.assignments, prepared.shape, hardware)
    except UsageError as error:
        if not request.assignments or len(request.sources) == 1:
            raise
        raise UsageError(f"{source[0] or source[1]}, and --set goes to every system: {error}") from None
    check_shape(loaded, prepared)
    if request.compose == "output" and not loaded.method.paints_whole:
        note = f"{loaded.name} leaves known pixels as they were: its output is the composed image"
        loaded = replace(loaded, notes=(*loaded.notes, note))
    return loaded


@contextmanager
def saying_what_helps() -> Iterator[None]:
    """Out of memory: here no smaller batch would help."""
    from inpaint_cli.engine.evaluating import GROUP

    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise EnvironmentFault(
            f"{out_of_memory(error)}: images are completed {GROUP} at a time, so that figures do not depend on the "
            "machine; a device with more memory helps, or --device cpu"
        ) from None


def needs_no_training(method: str) -> bool:
    from inpaint_cli.methods import method_class

    return method_class(method).defaults is None


class Label(NamedTuple):
    """What tells a system from others."""

    name: str
    settings: dict[str, Any]
    trained_on: str | None
    step: int | None
    seed: int | None
    digest: str | None

    @classmethod
    def of(cls, loaded: Loaded) -> "Label":
        from inpaint_cli.settings import settings_values

        settings = settings_values(loaded.method.settings)
        return cls(loaded.name, settings, trained_on(loaded), loaded.step, loaded.seed, loaded.digest)

    def parts(self, others: Iterable["Label"]) -> dict[str, str]:
        """What may stand behind the name, from what says most to what says least."""
        namesakes = [other for other in others if other.name == self.name]
        own = self.settings.items()
        differing = [f"{n}={v}" for n, v in own if any(other.settings.get(n) != v for other in namesakes)]
        learned = {
            "trained_on": self.trained_on, "step": f"step {self.step}", "seed": f"seed {self.seed}",
            "digest": str(self.digest)[:8],
        }  # fmt: skip
        return {"settings": " ".join(differing)} | (learned if self.digest else {})


def distinct_names(labels: list[Label]) -> list[str]:
    """The systems of one table, named as shortly as they can be told apart: `mde`, `mde rec:0.1`, `mde step 400`, …"""
    found = [label.parts(labels) for label in labels]
    kinds = ("settings", "trained_on", "step", "seed", "digest")
    for count in range(len(kinds) + 1):
        for chosen in itertools.combinations(kinds, count):
            names = [
                " ".join(filter(None, [label.name, *(parts.get(kind) for kind in chosen)]))
                for label, parts in zip(labels, found, strict=True)
            ]
            if len({*names}) == len(names):
                return names
    twice = next(name for name in names if names.count(name) > 1)
    raise UsageError(f"{twice} is named twice: give each checkpoint and each method once")


def trained_on(loaded: Loaded) -> str | None:
    return loaded.method.masks.spec if loaded.method.masks else None


def entry(
    system: str, loaded: Loaded, process: Any, prepared: Any, request: Request, summary: dict[str, Any]
) -> dict[str, Any]:
    """One result as the results file keeps it (`reports.results.Result`)."""
    from inpaint_cli.settings import settings_values

    return {
        "system": system,
        "method": loaded.name,
        "settings": settings_values(loaded.method.settings),
        "trained_on": trained_on(loaded),
        "masks": process.spec,
        "samples": request.samples,
        "compose": request.compose,
        "data": {
            "path": str(prepared.path),
            "identity": prepared.identity,
            "recipe": prepared.recipe_name,
            "split": request.split,
        },
        "checkpoint": None if loaded.digest is None else {"digest": loaded.digest, "step": loaded.step},
        "seed": request.seed,
        **summary,
        "notes": [*loaded.notes, *summary["notes"]],
    }


def compare(rows: dict[tuple[str, str], dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Each two systems behind the same masks: mean differences of what both have image by image."""
    from inpaint_cli.engine.comparing import paired_differences

    found = []
    for spec in dict.fromkeys(spec for _, spec in rows):
        systems = {system: own for (system, own_spec), own in rows.items() if own_spec == spec}
        together = paired_differences(systems, seed)
        found += [
            {"masks": spec, "first": first, "second": second, "differences": differences}
            for (first, second), differences in together.items()
        ]
    return found
