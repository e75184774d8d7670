"""What is to be evaluated: refused before any work where it does not go together."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.errors import UsageError
from inpaint_cli.jobs.audience import Audience
from inpaint_cli.jobs.evaluation.completed import Completed
from inpaint_cli.jobs.evaluation.metering import Measures, chosen_names
from inpaint_cli.jobs.evaluation.misuse import refuse_misuse
from inpaint_cli.jobs.evaluation.running import Evaluation
from inpaint_cli.jobs.evaluation.subjects import UNKNOWN, FolderSubject, PreparedSubject, masks_by_name
from inpaint_cli.jobs.evaluation.systems import Source
from inpaint_cli.jobs.mask_files import masks_of
from inpaint_cli.jobs.teams import Place
from inpaint_cli.masks import MaskProcess, parse_masks
from inpaint_cli.metrics import choose
from inpaint_cli.settings import Assignments


class Request(NamedTuple):
    """Which systems, on which images, behind which masks."""

    data: Path | str | None
    masks: Sequence[str]
    completed: Sequence[Completed]
    originals: Path | str | None
    mask_folder: str | None
    split: str
    limit: int | None
    own: Sequence[Source]

    def check(self, measures: Measures) -> None:
        """`UsageError` for what does not go together."""
        own = [str(source) for source in self.own]
        refuse_misuse(
            self.data, self.masks, own, bool(self.completed), self.originals, self.mask_folder, measures.samples
        )
        if self.data is None and self.originals is None:
            self._check_without_originals(measures)

    def _check_without_originals(self, measures: Measures) -> None:
        """Without originals as pytorch-fid's command: statistics of whole sets alone."""
        paired = [metric.name for metric in choose(chosen_names(measures.metrics, measures.fid_mode)[0])
                  if not metric.alone]  # fmt: skip
        if measures.fid_reference is None or paired:
            named = f" ({paired[0]} compares each image with its own)" if paired else ""
            raise UsageError(
                f"give --originals FOLDER{named}; without them --metrics fid alone is measured, against "
                "--fid-reference FOLDER|FILE.npz"
            )

    def evaluation(self, settings: Assignments, measures: Measures, place: Place, audience: Audience) -> Evaluation:
        """All that is there and right for all systems; `InputError` for what is not."""
        subject: PreparedSubject | FolderSubject
        specs = [masks_by_name(self.mask_folder)] if self.mask_folder is not None else list(dict.fromkeys(self.masks))
        if self.data is not None:
            subject = PreparedSubject(PreparedFile(self.data), self.split, self.limit)
            processes = [masks_of(spec, audience).of(subject.images, subject.count) for spec in specs]
            for process in processes:
                process.check(subject.prepared.shape)
        else:
            subject = FolderSubject(Path(self.originals or self.completed[0].folder), self.limit)
            processes = [subject.masks(masks_of(spec, audience)) for spec in specs]
            for note in (note for process in processes for note in subject.notes_on(process)):
                audience.note(note)
        sources: list[Source | Completed] = [*self.own, *self.completed]
        return Evaluation(subject, sources, processes or [unknown_masks()], settings, measures, place)


def unknown_masks() -> MaskProcess:
    """Of images that others completed, where nobody says what was missing: they are measured whole."""
    return replace(parse_masks("none"), spec=UNKNOWN)
