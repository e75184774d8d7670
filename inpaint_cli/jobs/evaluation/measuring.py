"""What `inpaint evaluate` does: systems are measured on the same images behind the same masks, compared, written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inpaint_cli.errors import UsageError
from inpaint_cli.files import refuse_existing, refuse_inputs, refuse_missing_folder, replacing
from inpaint_cli.jobs.audience import Progress, heard_by
from inpaint_cli.jobs.evaluation.completed import Given, completed_from
from inpaint_cli.jobs.evaluation.findings import Measured
from inpaint_cli.jobs.evaluation.metering import Measures
from inpaint_cli.jobs.evaluation.requests import Request
from inpaint_cli.jobs.evaluation.systems import sources_of
from inpaint_cli.jobs.teams import joined
from inpaint_cli.reports.evaluations import extremes_grid, per_image_csv, systems_grid
from inpaint_cli.settings import Assignments


@dataclass(frozen=True)
class Outputs:
    """Where results go."""

    json: Path | None
    csv: Path | None
    grid: Path | None
    overwrite: bool
    side_by_side: bool  # the grid shows the systems beside each other, not the extremes of each

    def check(self, given: Iterable[Path | None]) -> None:
        """Refuse before any work what cannot be written. given: files that are read."""
        if self.side_by_side and not self.grid:
            raise UsageError("--show says what the grid shows: give --grid FILE.png too")
        refuse_inputs((self.json, self.csv, self.grid), given)
        for path in filter(None, (self.json, self.csv, self.grid)):
            refuse_existing(path, self.overwrite)
            refuse_missing_folder(path.parent)

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
    data: Path | str | None = None,
    masks: str | Sequence[str] = (),
    *,
    checkpoints: Sequence[Path | str] = (),
    methods: Sequence[str] = (),
    completed: Given = (),
    originals: Path | str | None = None,
    mask_folder: str | None = None,
    settings: Assignments = (),
    split: str = "test",
    limit: int | None = None,
    metrics: Sequence[str] = ("default",),
    weights: Assignments = (),
    samples: int = 1,
    compose: str = "known",
    by_hole_share: float | None = None,
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
    completed: folders of images that other programs completed, by the programs' names, `{"opencv": "folder"}`;
        originals: in place of data, the folder of their originals; mask_folder: their masks, by name, white is the hole
        ("folder,invert": black).
    limit: only the first images; metrics: names, all or default; weights: files of networks by name; samples: of each
        image; compose: known, poisson or output; by_hole_share: figures of images of which 0 to 0.1, 0.1 to 0.2 … is
        missing, too; batch: images in hand, on which no figure depends; fid_reference: statistics, or a folder.
    output, csv, grid: files to write, the grid with `show` images.
    """
    measures = Measures(
        tuple(metrics), weights, samples, compose, seed, batch, show, fid_mode, fid_reference, cache_dir, by_hole_share,
    )  # fmt: skip
    outputs = Outputs(output, csv, grid, overwrite, bool(show))
    outputs.check(Path(path) for path in (data, fid_reference, *checkpoints) if path is not None)
    measures.check()
    request = Request(
        data, [masks] if isinstance(masks, str) else list(masks), completed_from(completed), originals, mask_folder,
        split, limit, sources_of([Path(path) for path in checkpoints], methods),
    )  # fmt: skip
    request.check(measures)
    with joined(device) as place:
        audience = heard_by(progress, place.team.leads)
        measured = request.evaluation(settings, measures, place, audience).measure(audience)
        if place.team.leads:
            outputs.write(measured)
    return measured
