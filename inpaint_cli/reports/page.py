"""`--page`: completed photos on one page that needs nothing else: before, mask and after, samples, zoom, settings.

A page carries each photo once, and of each completion the surroundings of its hole. Photos are embedded at full size up
to `PIXELS_EACH`, and together up to `PIXELS_TOGETHER`, so that the page stays below about 60 MB; larger ones are shown
smaller, and the page says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inpaint_cli.files import replacing
from inpaint_cli.reports import pictures
from inpaint_cli.reports.rendering import render

PIXELS_EACH = 16_000_000
PIXELS_TOGETHER = 96_000_000
LONGEST_SIDE = 16_000  # WebP ends at 16,383


@dataclass(frozen=True)
class Completed:
    """One photo with its completions."""

    name: str  # as the page calls it; any text
    before: np.ndarray  # uint8 [H, W, C], C = 1 or 3
    hole: np.ndarray  # bool [H, W], true = missing, at least one pixel
    samples: np.ndarray  # uint8 [S, H, W, C], S >= 1
    settings: Mapping[str, str]  # what made it: method, seed, …


@dataclass(frozen=True)
class Figure:
    """A completed photo as the template shows it."""

    name: str
    settings: Mapping[str, str]
    size: tuple[int, int]  # width, height of the photo in pixels
    shown: tuple[int, int]  # the same, of what is embedded
    hole_share: float
    photo: str  # data URIs, from here on
    mask: str
    patches: tuple[str, ...]
    thumbnails: tuple[str, ...]
    box: pictures.Box  # where the patches lie, in pixels of what is embedded


class Page:
    """A page that takes one photo after the other and keeps only what it will show of them."""

    def __init__(self, expected: int = 1):
        """`expected`: how many photos will come, which decides how large each may be."""
        self.pixels = min(PIXELS_EACH, PIXELS_TOGETHER // max(expected, 1))
        self.figures: list[Figure] = []

    def add(self, completed: Completed) -> None:
        self.figures.append(draw(completed, self.pixels))

    def write(self, folder: Path, overwrite: bool = False) -> Path:
        """Write `folder`/index.html, and the folder where it does not exist; returns the file's path."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "index.html"
        html = render("completed.html.j2", figures=self.figures)
        with replacing(path, overwrite) as temporary:  # names that are no Unicode, as files may have, get escapes
            temporary.write_text(html, encoding="utf-8", errors="backslashreplace", newline="\n")
        return path


def write_page(folder: Path, entries: Iterable[Completed], overwrite: bool = False) -> Path:
    """All photos at once: see `Page`."""
    entries = list(entries)
    page = Page(len(entries))
    for entry in entries:
        page.add(entry)
    return page.write(folder, overwrite)


def draw(completed: Completed, pixels: int) -> Figure:
    """A completed photo -> what the page shows of it, with at most this many pixels."""
    height, width = completed.hole.shape
    size = shown_size((width, height), pixels)
    hole = pictures.shrunk_hole(completed.hole, size)
    samples = [pictures.shrunk(sample, size) for sample in completed.samples]
    patches = [pictures.patch_uri(sample, hole) for sample in samples]
    return Figure(
        name=completed.name,
        settings=dict(completed.settings),
        size=(width, height),
        shown=size,
        hole_share=float(completed.hole.mean()),
        photo=pictures.photo_uri(pictures.shrunk(completed.before, size)),
        mask=pictures.mask_uri(hole),
        patches=tuple(uri for uri, _ in patches),
        thumbnails=tuple(pictures.thumbnail_uri(sample, hole) for sample in samples),
        box=patches[0][1],
    )


def shown_size(size: tuple[int, int], pixels: int) -> tuple[int, int]:
    """The size at which a photo of this size (width, height) is embedded."""
    width, height = pictures.size_within(size, pixels)
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    return max(1, int(width * scale)), max(1, int(height * scale))
