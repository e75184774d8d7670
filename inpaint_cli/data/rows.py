"""What a source hands over: rows, one at a time, and how many there are."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np

from inpaint_cli.data.trees import Image
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable


@dataclass(frozen=True)
class Whole:
    """An image's own size, in whose pixels its labels and crop are given; smaller copies may stand for it."""

    size: tuple[int, int]  # width, height
    scales: tuple[float, ...]  # of the copies

    def has_copy(self, width: int, height: int) -> bool:
        """Whether an image of this size is such a copy, its sides rounded up or down."""
        return any(
            abs(width - scale * self.size[0]) < 1 and abs(height - scale * self.size[1]) < 1 for scale in self.scales
        )


@dataclass(frozen=True)
class Row:
    """One image of a source, not yet decoded. Landmarks, label maps and boxes are those of the upright image."""

    name: str  # relative to the source
    image: Image | np.ndarray  # a file, an archive's member, a file's contents, or pixels uint8 [H, W, C]
    split: str | None = None  # None: the recipe's `splits` table decides
    labels: Mapping[str, np.ndarray] = field(default_factory=dict)  # landmarks in pixels of the source image
    # Labels whose reading costs decoding: called by the worker with the image's (width, height) in pixels.
    decoded_labels: Callable[[tuple[int, int]], Mapping[str, np.ndarray]] | None = None
    face: tuple[float, float, float, float] | None = None  # left, top, width, height of the box around a face
    whole: Whole | None = None  # what smaller copies of the image are enlarged to, before anything is cut


@dataclass(frozen=True)
class Reading:
    """A source once its lists are read: its rows, in an order that depends on nothing but the source."""

    rows: Iterator[Row]
    total: int
    label_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # what the columns of a label are called
    without_image: int = 0  # rows of the lists whose image is not in the source
    notes: tuple[str, ...] = ()  # what was decided by what the source holds; kept in the prepared file
    layout: str | None = None  # in which form the source was found, where it may have several


def place_of(name: str) -> float:
    """A number in [0, 1) from a row's name alone: splits by it stay as they are when files are added."""
    return int.from_bytes(sha256(name.encode("utf-8", "surrogateescape")).digest()[:8]) / 2**64


def find(source: Path, names: tuple[str, ...], folders: tuple[str, ...] = (".",)) -> Path | None:
    """The first of `names` in the first of `folders` of the source, or None."""
    return next((path for folder in folders for name in names if (path := source / folder / name).exists()), None)


def require(source: Path, names: tuple[str, ...], folders: tuple[str, ...] = (".",)) -> Path:
    """As `find`; `InputError` says what was looked for and where."""
    found = find(source, names, folders)
    if found is None:
        places = ", ".join(printable(source / folder) for folder in folders)
        raise InputError(f"found no {' or '.join(names)}; looked in {places}")
    return found
