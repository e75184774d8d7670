"""Which photos are completed, with which masks, and what the results are called: paths alone, no file is opened."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inpaint_cli.errors import EnvironmentFault, InpaintError, InputError, UsageError
from inpaint_cli.files import refuse_existing, refuse_inputs, refuse_missing_folder
from inpaint_cli.imaging.decoding import printable
from inpaint_cli.imaging.kinds import READABLE
from inpaint_cli.imaging.photos import FORMATS, output_format
from inpaint_cli.jobs.photos.finding import RESULT_SUFFIX, Found, Masks

WRITTEN_AS = ".png"  # for photos of a kind that is read but not written


@dataclass(frozen=True)
class PhotoJob:
    """One photo to complete."""

    photo: Path
    mask: Path | str | None  # a file, or a specification; None where nothing was found
    outputs: tuple[Path, ...]
    problem: InpaintError | None = None  # why there is no mask
    annotations: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)  # by kind: what is said of the photo

    @property
    def files(self) -> tuple[Path, ...]:
        """All that is written."""
        return tuple(path for paths in self.contents.values() for path in paths)

    @property
    def contents(self) -> dict[str, tuple[Path, ...]]:
        """All that is written, by what it says of the photo."""
        return {"completion": self.outputs, **self.annotations}


def plan_jobs(found: Found, mask: str | None, output: str | None, samples: int) -> list[PhotoJob]:
    """Every photo with its mask and its outputs. The folder that `output` names is made if need be.

    Results are called NAME_inpaint.EXT, beside their photos or in the folder `output`, in the same folders below it as
    the photos were found in; for one photo `output` may be a file. Several samples are numbered.
    """
    folder = folder_of(output, found.several)
    masks, jobs = Masks(mask), []
    for photo in found.photos:
        below = found.below.get(photo, Path())
        if folder is not None:
            (folder / below).mkdir(parents=True, exist_ok=True)
        named = output is not None and folder is None
        first = Path(str(output)) if named else result_path(photo, None if folder is None else folder / below)
        outputs = tuple(numbered(first, samples))
        try:
            jobs.append(PhotoJob(photo, masks.of(photo, below), outputs))
        except InputError as error:
            jobs.append(PhotoJob(photo, None, outputs, error))
    _refuse_collisions(jobs)
    return jobs


def folder_of(output: str | None, several: bool) -> Path | None:
    """The folder that an option such as --output names; None where it names a file or was not given."""
    if output is None:
        return None
    if Path(output).is_dir() or output.endswith(os.sep):
        return Path(output)
    if several and Path(output).suffix.lower() in (*READABLE, ".json"):
        raise UsageError(f"{output}: several photos need a folder, such as {Path(output).stem}")
    return Path(output) if several else None


def result_path(photo: Path, folder: Path | None) -> Path:
    """`cat.gif` -> `cat_inpaint.png`, beside the photo or in the folder."""
    extension = photo.suffix if photo.suffix.lower() in FORMATS else WRITTEN_AS
    return (photo.parent if folder is None else folder) / f"{photo.stem}{RESULT_SUFFIX}{extension}"


def numbered(output: Path, samples: int) -> list[Path]:
    """OUT.png, or OUT_1.png … OUT_n.png for several samples."""
    if samples == 1:
        return [output]
    return [output.with_stem(f"{output.stem}_{number}") for number in range(1, samples + 1)]


def _refuse_collisions(jobs: Iterable[PhotoJob]) -> None:
    owners: dict[Path, tuple[Path, str]] = {}
    for job in jobs:
        for content, output in ((content, path) for content, paths in job.contents.items() for path in paths):
            photo, other = owners.setdefault(output, (job.photo, content))
            if photo != job.photo:
                raise UsageError(
                    f"{printable(photo)} and {printable(job.photo)} would both be written to {printable(output)}"
                )
            if other != content:
                raise UsageError(
                    f"{printable(photo)}: its {other} and its {content} would both be written to {printable(output)}; "
                    "give them other names"
                )


def check_outputs(
    jobs: Sequence[PhotoJob], overwrite: bool, skip_existing: bool, given: Iterable[Path | None] = ()
) -> None:
    """Refuse before any work what cannot be written: kinds, existing files, folders, and what is read.

    given: what is read beside photos and masks.
    """
    _refuse_collisions(jobs)
    for output in (output for job in jobs for output in job.outputs):
        output_format(output)
    files = [path for job in jobs for path in job.files]
    masks = [Path(job.mask) for job in jobs if isinstance(job.mask, Path)]
    refuse_inputs(files, [*(job.photo for job in jobs), *masks, *given])
    for path in files:
        if not (skip_existing and path.exists()):
            refuse_existing(path, overwrite)
    for folder in {path.parent for path in files}:
        refuse_missing_folder(folder)
        if not os.access(folder, os.W_OK):
            raise EnvironmentFault(f"{printable(folder)}: this user may not write into this folder")
