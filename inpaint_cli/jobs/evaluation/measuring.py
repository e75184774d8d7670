"""Systems loaded one after the other, measured behind each mask specification, compared, written."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from inpaint_cli.data.reader import PreparedFile, Split
from inpaint_cli.engine.comparing import paired_differences
from inpaint_cli.engine.evaluating import COMPOSE, GROUP, Example, images_of
from inpaint_cli.errors import EnvironmentFault, UsageError, is_out_of_memory, out_of_memory, unknown
from inpaint_cli.files import refuse_existing, replacing
from inpaint_cli.jobs.audience import Audience, Progress, heard_by, remarks
from inpaint_cli.jobs.evaluation.metering import Instruments, Measures, image_by_image
from inpaint_cli.jobs.evaluation.systems import Label, Source, distinct_names, sources_of, trained_on
from inpaint_cli.jobs.loading import Loaded, check_masks, check_shape, load_for_completion
from inpaint_cli.jobs.mask_files import masks_of, which_masks
from inpaint_cli.jobs.teams import Place, joined
from inpaint_cli.masks import MaskProcess
from inpaint_cli.method import ImageShape
from inpaint_cli.reports.evaluations import extremes_grid, per_image_csv, systems_grid
from inpaint_cli.reports.tables import comparison_table, results_table
from inpaint_cli.settings import Assignments, settings_values

Rows = dict[str, np.ndarray]  # figures of single images, float64 [N] by name


@dataclass
class Measured:
    """Everything that was found."""

    results: list[dict[str, Any]] = field(default_factory=list)  # one for each system and masks
    comparisons: list[dict[str, Any]] = field(default_factory=list)  # each two systems behind the same masks
    missing: dict[str, str] = field(default_factory=dict)  # metrics whose weights are not there, and what to do
    names: list[str] = field(default_factory=list)  # of the images
    rows: dict[tuple[str, str], Rows] = field(default_factory=dict)  # by system and masks
    examples: dict[tuple[str, str], list[Example]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What a results file holds: JSON."""
        content = {"results": self.results, "comparisons": self.comparisons, "missing": self.missing}
        return json.dumps(content, indent=2, allow_nan=False) + "\n"

    @property
    def tables(self) -> str:
        """The figures with their definitions, and the comparisons, as a terminal shows them."""
        return "\n\n".join(filter(None, [results_table(self.results), comparison_table(self.comparisons)]))

    def raise_for_missing(self) -> None:
        """`EnvironmentFault` where weights were missing; all else is measured and written by now."""
        if self.missing:
            messages = dict.fromkeys(self.missing.values())
            raise EnvironmentFault(f"not measured: {', '.join(self.missing)}\n" + "\n".join(messages))


@dataclass(frozen=True)
class Outputs:
    """Where results go."""

    json: Path | None
    csv: Path | None
    grid: Path | None
    overwrite: bool
    side_by_side: bool  # the grid shows the systems beside each other, not the extremes of each

    def check(self) -> None:
        """Refuse before any work what cannot be written."""
        for path in filter(None, (self.json, self.csv, self.grid)):
            refuse_existing(path, self.overwrite)

    def write(self, measured: Measured) -> None:
        if self.json:
            with replacing(self.json, self.overwrite) as temporary:
                temporary.write_text(measured.text, encoding="utf-8")
        if self.csv:
            with replacing(self.csv, self.overwrite) as temporary:
                temporary.write_text(per_image_csv(measured.names, measured.rows), encoding="utf-8", newline="")
        if self.grid:
            with replacing(self.grid, self.overwrite) as temporary:
                (systems_grid if self.side_by_side else extremes_grid)(measured.examples).save(temporary)


def evaluate(
    data: Path | str,
    masks: str | Sequence[str],
    *,
    checkpoints: Sequence[Path | str] = (),
    methods: Sequence[str] = (),
    settings: Assignments = (),
    split: str = "test",
    limit: int | None = None,
    metrics: Sequence[str] = ("default",),
    weights: Assignments = (),
    samples: int = 1,
    compose: str = "known",
    seed: int = 0,
    batch: int = 256,
    fid_mode: str = "pytorch-fid",
    fid_reference: Path | None = None,
    cache_dir: Path | None = None,
    output: Path | None = None,
    csv: Path | None = None,
    grid: Path | None = None,
    show: int | None = None,
    overwrite: bool = False,
    device: str = "auto",
    progress: Progress = None,
) -> Measured:
    """Measure completed images; each system completes the same images behind the same masks.

    data: what `prepare` made; masks: one or several specifications; checkpoints: runs, files or names; methods: those
        that need no training; settings: go to every system, `{"search_steps": 128}`.
    limit: only the first images; metrics: names, all or default; weights: files of networks by name; samples: of each
        image; compose: known, poisson or output; batch: images in hand, on which no figure depends.
    output, csv, grid: files to write, the grid with `show` images.
    """
    measures = Measures(
        tuple(metrics), weights, samples, compose, seed, batch, show, fid_mode, fid_reference, cache_dir,
    )  # fmt: skip
    if show and not grid:
        raise UsageError("--show says what the grid shows: give --grid FILE.png too")
    outputs = Outputs(output, csv, grid, overwrite, bool(show))
    outputs.check()
    if compose not in COMPOSE:
        raise UsageError(unknown("way to --compose", compose, COMPOSE))
    sources = sources_of([Path(path) for path in checkpoints], methods)
    with joined(device) as place:
        prepared = PreparedFile(data)
        evaluation = Evaluation(prepared, prepared.split(split), sources, settings, measures, place)
        specs = [masks] if isinstance(masks, str) else masks
        measured = evaluation.measure(specs, limit, heard_by(progress, place.team.leads))
        if place.team.leads:
            outputs.write(measured)
    return measured


@dataclass(frozen=True)
class Evaluation:
    """What is the same for all systems."""

    prepared: PreparedFile
    split: Split
    sources: Sequence[Source]
    settings: Assignments
    measures: Measures
    place: Place

    def measure(self, masks: Iterable[str], limit: int | None, audience: Audience) -> Measured:
        """Every system behind every mask specification. All that can be refused is refused before the first image."""
        hardware, team = self.place
        count = images_of(self.split, limit)
        processes = [masks_of(spec, audience).of(self.split, count) for spec in dict.fromkeys(masks)]
        for process in processes:
            process.check(self.prepared.shape)
        instruments = Instruments(self.measures, hardware)
        labels, plans = [], []
        for source in self.sources:  # one after the other: together they may not fit the memory
            loaded = self.load(source)
            for process in processes:
                check_masks(loaded.name, loaded.method, process)
            labels.append(Label.of(loaded))
            plans.append(instruments.plan(loaded.method, self.prepared, self.split, count))
        instruments.describe_originals(self.prepared, self.split, count, team)
        measured = Measured(names=self.split.names[:count])
        for source, system, plan in zip(self.sources, distinct_names(labels), plans, strict=True):
            loaded = self.load(source)
            measured.missing |= plan.missing
            for process in processes:
                title = f"{system}, {process.spec}"
                with audience.progress(title, count) as advance, saying_what_helps(), remarks(audience.note):
                    found = plan.evaluate(loaded.method, self.split, process, hardware, team, advance)
                measured.rows[system, process.spec] = image_by_image(found.rows, instruments)
                measured.examples[system, process.spec] = found.examples
                measured.results.append(self._entry(system, loaded, process, plan.summarise(found.rows)))
        measured.comparisons = compare(measured.rows, self.measures.seed)
        return measured

    def load(self, source: Source) -> Loaded:
        """One system; a setting that does not fit it is an error that names it, where there are several."""
        shape = ImageShape(*self.prepared.shape)
        try:
            loaded = load_for_completion(*source, self.settings, self.place.hardware, shape)
        except UsageError as error:
            if not self.settings or len(self.sources) == 1:
                raise
            raise UsageError(f"{source}, and --set goes to every system: {error}") from None
        check_shape(loaded, self.prepared)
        if self.measures.compose == "output" and not loaded.method.paints_whole:
            note = f"{loaded.name} leaves known pixels as they were: its output is the composed image"
            loaded = replace(loaded, notes=(*loaded.notes, note))
        return loaded

    def _entry(self, system: str, loaded: Loaded, process: MaskProcess, summary: dict[str, Any]) -> dict[str, Any]:
        """One result as the results file keeps it (`records.results.Result`)."""
        prepared = self.prepared
        return {
            "system": system,
            "method": loaded.name,
            "settings": settings_values(loaded.method.settings),
            "trained_on": trained_on(loaded),
            "masks": process.spec,
            "samples": self.measures.samples,
            "compose": self.measures.compose,
            "data": {
                "path": str(prepared.path),
                "identity": prepared.identity,
                "recipe": prepared.recipe_name,
                "split": self.split.name,
            },
            "checkpoint": loaded.checkpoint,
            "seed": self.measures.seed,
            **summary,
            "notes": [*loaded.notes, *which_masks(process), *summary["notes"]],
        }


@contextmanager
def saying_what_helps() -> Iterator[None]:
    """Out of memory: here no smaller batch would help."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise EnvironmentFault(
            f"{out_of_memory(error)}: images are completed {GROUP} at a time, so that figures do not depend on the "
            "machine; a device with more memory helps, or --device cpu"
        ) from None


def compare(rows: dict[tuple[str, str], Rows], seed: int) -> list[dict[str, Any]]:
    """Each two systems behind the same masks: mean differences of what both have image by image."""
    found = []
    for spec in dict.fromkeys(spec for _, spec in rows):
        systems = {system: own for (system, own_spec), own in rows.items() if own_spec == spec}
        together = paired_differences(systems, seed)
        found += [
            {"masks": spec, "first": first, "second": second, "differences": differences}
            for (first, second), differences in together.items()
        ]
    return found
