"""Photos filled in memory: one, or all pages of a file."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inpaint_cli.engine.devices import Hardware
from inpaint_cli.imaging.holes import dilated, faded
from inpaint_cli.imaging.photos import Photo, pages_in, read_photo
from inpaint_cli.imaging.writing import write_pages
from inpaint_cli.jobs.loading import Loaded
from inpaint_cli.jobs.photos.choosing import Work, completed_by
from inpaint_cli.jobs.photos.holes import Hole
from inpaint_cli.jobs.photos.options import PhotoOptions

Within = Callable[[int, int], None]  # hundredths of the work that are done, and 100 for each photo


def fill(
    photo: Photo,
    hole: Hole,
    loaded: Loaded,
    hardware: Hardware,
    options: PhotoOptions,
    sources: np.ndarray | None = None,
    reference: np.ndarray | None = None,
    within: Within = lambda done, total: None,
) -> np.ndarray:
    """The photo with its hole filled, [samples, H, W, C] of its type.

    sources: bool [H, W], where may be copied from; reference: [H, W, C], whom the completion is to resemble; within:
    called with how many parts of the hole are done, and how many there are.
    """
    feather = options.masks.feather
    work = Work(
        photo.pixels, dilated(hole.pixels, feather), hardware, options.samples, options.masks.seed, sources,
        photo.invisible, options.framing, reference,
    )  # fmt: skip
    completed = completed_by(loaded, work, within)
    return faded(photo.pixels, completed, hole.pixels, feather) if feather else completed


def made_opaque(photo: Photo, hole: Hole, keep: bool = False) -> Photo:
    """The photo with what was its transparent part as opaque as the rest, where that part was the hole.

    An alpha channel that is opaque everywhere is left out, unless it is to be kept.
    """
    if photo.alpha is None or not hole.makes_opaque:
        return photo
    opaque = np.iinfo(photo.alpha.dtype).max
    alpha = np.where(hole.pixels, opaque, photo.alpha).astype(photo.alpha.dtype)
    return replace(photo, alpha=None if (alpha == opaque).all() and not keep else alpha)


@dataclass(frozen=True)
class Pages:
    """All pages or frames of a file, completed."""

    photos: list[Photo]
    holes: list[np.ndarray]  # bool [H, W]
    completed: list[np.ndarray]  # [samples, H, W, C]
    notes: list[str]

    def write(self, sample: int, path: Path, overwrite: bool) -> tuple[str, ...]:
        """Write one sample of every page into one file; returns what that cannot keep."""
        pixels = [completed[sample] for completed in self.completed]
        return write_pages(self.photos, pixels, path, overwrite, self.holes)


def fill_pages(
    path: Path,
    most: int | None,
    hole_of: Callable[[Photo], Hole],
    filled: Callable[[Photo, Hole, Within], np.ndarray],
    within: Within,
) -> Pages:
    """Read a file page by page, and complete each: `filled` says how, `hole_of` where. most: pixels of a page."""
    pages, count = Pages([], [], [], []), pages_in(path)
    for number in range(count):
        photo = read_photo(path, most, number)
        hole = hole_of(photo)
        pages.completed.append(filled(photo, hole, part_of(within, number, count)))
        pages.photos.append(made_opaque(photo, hole))
        pages.holes.append(hole.anywhere)
        pages.notes.extend([*photo.notes, *hole.notes])
    return pages


def part_of(within: Within, number: int, count: int) -> Within:
    """What hears how far the number-th of so many pages is, and says how far all are."""
    return lambda done, total: within(number * total + done, count * total)
