"""Which photos are completed, with which masks, and what the results are called: paths alone, no file is opened."""

import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inpaint_cli.errors import EnvironmentFault, InpaintError, InputError, UsageError
from inpaint_cli.files import refuse_existing
from inpaint_cli.imaging.decoding import printable
from inpaint_cli.imaging.kinds import READABLE
from inpaint_cli.imaging.photos import FORMATS, output_format
from inpaint_cli.masks import names_masks

WRITTEN_AS = ".png"  # for photos of a kind that is read but not written
MASK_SUFFIX, RESULT_SUFFIX = "_mask", "_inpaint"
SAID_SUFFIXES = ("_parsing", "_landmarks", "_maps")  # of what is said about a photo


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


def find_photos(inputs: Iterable[Path]) -> tuple[list[Path], bool]:
    """Files, folders and globs -> photos without repetition, and whether several were asked for.

    A folder stands for the images in it, by name, without masks (NAME_mask.EXT) and the results of earlier runs.
    """
    inputs = list(inputs)
    found, several = [], len(inputs) > 1
    for path in inputs:
        if path.is_dir():
            found += _photos_in(path)
            several = True
        elif not path.exists() and glob.has_magic(str(path)):
            found += _matching(path)
            several = True
        else:
            found.append(path)
    return list(dict.fromkeys(found)), several


def _photos_in(folder: Path) -> list[Path]:
    images = sorted(path for path in folder.iterdir() if path.suffix.lower() in READABLE and path.is_file())
    stems = {path.stem for path in images}
    photos = [path for path in images if not _is_mask(path) and not _is_result(path, stems)]
    if not photos:
        raise InputError(
            f"{printable(folder)}: no photos in this folder ({', '.join(READABLE)}; masks are not counted)"
        )
    return photos


def _matching(pattern: Path) -> list[Path]:
    found = sorted(Path(name) for name in glob.glob(str(pattern)))  # noqa: PTH207 - the pattern may be absolute
    photos = [path for path in found if path.is_file() and not _is_mask(path)]
    if not photos:
        raise InputError(f"{printable(pattern)}: no photo has such a name")
    return photos


def _is_mask(path: Path) -> bool:
    return path.stem.endswith(MASK_SUFFIX)


def _is_result(path: Path, stems: set[str]) -> bool:
    """`cat_inpaint.png`, `cat_inpaint_2.png` or `cat_parsing.png` beside `cat.jpg`."""
    name, separator, number = path.stem.rpartition(RESULT_SUFFIX)
    if separator and name in stems:
        return not number or number[1:].isdecimal()
    return any(path.stem.endswith(suffix) and path.stem.removesuffix(suffix) in stems for suffix in SAID_SUFFIXES)


def is_specification(mask: str) -> bool:
    """Whether --mask names a masking process or the photo's own pixels, and no file: `./alpha` is a file."""
    kind, colon, _ = mask.partition(":")
    return mask in ("alpha", "none", "nan") or bool(colon and kind.strip().lower() == "auto") or names_masks(mask)


def mask_of(photo: Path, mask: str | None) -> Path | str:
    """The mask of a photo: a specification as it is; one file for all; or from a folder, the file of the same name.

    Without --mask, and in a folder, `NAME_mask.EXT` belongs to `NAME`. `InputError` where there is none or several.
    """
    if mask is not None and is_specification(mask):
        return mask
    if mask is not None and not Path(mask).is_dir():
        return Path(mask)
    folder = photo.parent if mask is None else Path(mask)
    stems = [photo.stem + MASK_SUFFIX] if mask is None else [photo.stem + MASK_SUFFIX, photo.stem]
    for stem in stems:
        found = [path for path in _with_stem(folder, stem) if path != photo]
        if len(found) > 1:
            raise InputError(f"{printable(photo)}: which mask? {', '.join(map(printable, found))}")
        if found:
            return found[0]
    sought = " or ".join(printable(f"{folder / stem}.png") for stem in stems)
    raise InputError(
        f"{printable(photo)}: no mask: there is no {sought} (or of another kind); --mask names a file or says which"
    )


def _with_stem(folder: Path, stem: str) -> list[Path]:
    names = [folder / (stem + suffix) for extension in READABLE for suffix in (extension, extension.upper())]
    return sorted(path for path in names if path.is_file())


def plan_jobs(inputs: Sequence[Path], mask: str | None, output: str | None, samples: int) -> list[PhotoJob]:
    """Every photo with its mask and its outputs. The folder that `output` names is made if need be.

    Results are called NAME_inpaint.EXT, beside their photos or in the folder `output`; for one photo `output` may be a
    file. Several samples are numbered.
    """
    photos, several = find_photos(inputs)
    folder = folder_of(output, several)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    jobs = []
    for photo in photos:
        first = Path(output) if output and folder is None else result_path(photo, folder)
        outputs = tuple(numbered(first, samples))
        try:
            jobs.append(PhotoJob(photo, mask_of(photo, mask), outputs))
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


def check_outputs(jobs: Sequence[PhotoJob], overwrite: bool, skip_existing: bool) -> None:
    """Refuse before any work what cannot be written: kinds, existing files, folders."""
    _refuse_collisions(jobs)
    for output in (output for job in jobs for output in job.outputs):
        output_format(output)
    files = [path for job in jobs for path in job.files]
    for path in files:
        refuse_existing(path, overwrite or skip_existing)
    for folder in {path.parent for path in files}:
        if folder.is_dir() and not os.access(folder, os.W_OK):
            raise EnvironmentFault(f"{printable(folder)}: this user may not write into this folder")
