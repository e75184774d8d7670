"""`--page`: completed photos on one page that needs nothing else: before, mask and after, samples, zoom, settings.

A page carries each photo once, and of each completion the surroundings of its hole. Photos are embedded at full size up
to `PIXELS_EACH`, and together up to `PIXELS_TOGETHER`, so that the page stays below about 60 MB; larger ones are shown
smaller, and the page says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    usual: Mapping[str, str] = field(default_factory=dict)  # settings that are as they always are: folded away


@dataclass(frozen=True)
class Figure:
    """A completed photo as the template shows it."""

    name: str
    settings: Mapping[str, str]
    usual: Mapping[str, str]
    size: tuple[int, int]  # width, height of the photo in pixels
    shown: tuple[int, int]  # the same, of what is embedded
    hole_share: float
    photo: str  # data URIs, from here on
    mask: str
    patches: tuple[str, ...]
    thumbnails: tuple[str, ...]
    box: pictures.Box  # where the patches lie, in pixels of what is embedded


def pixels_each(count: int) -> int:
    """How many pixels of each photo a page of so many carries."""
    return min(PIXELS_EACH, PIXELS_TOGETHER // max(count, 1))


def draw(completed: Completed, pixels: int) -> Figure:
    """A completed photo -> what the page shows of it, with at most this many pixels (see `pixels_each`)."""
    height, width = completed.hole.shape
    size = shown_size((width, height), pixels)
    hole = pictures.shrunk_hole(completed.hole, size)
    samples = [pictures.shrunk(sample, size) for sample in completed.samples]
    patches = [pictures.patch_uri(sample, hole) for sample in samples]
    return Figure(
        name=completed.name,
        settings=dict(completed.settings),
        usual=dict(completed.usual),
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


def write_page(folder: Path, figures: Sequence[Figure], overwrite: bool = False, command: str = "") -> Path:
    """Write `folder`/index.html, and the folder where it does not exist; returns the file's path.

    command: what was typed.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    html = render("completed.html.j2", figures=figures, command=command)
    with replacing(path, overwrite) as temporary:  # names that are no Unicode, as files may have, get escapes
        temporary.write_text(html, encoding="utf-8", errors="backslashreplace", newline="\n")
    return path
