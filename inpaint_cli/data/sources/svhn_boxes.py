"""SVHN's full form: photos of house numbers, and in a MATLAB file the box of each digit.

As its authors distribute it (from memory): `train.tar.gz` and `test.tar.gz`, with `train/1.png` … and
`train/digitStruct.mat`, which is HDF5: digitStruct/name and /bbox hold references, to text as 16-bit numbers and to
groups of height, left, top, width and label. Of one digit these are numbers, of several references to numbers.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, NamedTuple

import h5py
import numpy as np

from inpaint_cli.data.rows import Reading, Row
from inpaint_cli.data.sources.base import Source
from inpaint_cli.data.trees import Tree, find_tree, open_tree
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable

FOLDERS = (".", "SVHN", "svhn")
PARTS = {"train": "train", "extra": "train", "test": "test"}
STRUCTURE = "digitStruct.mat"
ZERO = 10  # the files' label of the digit 0
MOST_IMAGES, MOST_DIGITS, MOST_LETTERS = 1_000_000, 100, 255


class Digits(NamedTuple):
    """One photo: its name, and label, left, top, width and height of each digit, float [k, 5]."""

    name: str
    boxes: np.ndarray


class SVHNBoxesSource(Source):
    """Each digit of each photo, which the recipe's crop cuts out by its box."""

    kind: Literal["svhn-boxes"]
    extra: bool = False  # the easier photos of extra.tar.gz join the training split
    where = "get train.tar.gz and test.tar.gz (format 1) from SVHN's page"

    def read(self, folder: Path) -> Reading:
        parts = [part for part in PARTS if self.extra or part != "extra"]
        trees = {part: open_tree(folder, (part,), FOLDERS) for part in parts}
        digits = {part: list(_structure(tree)) for part, tree in trees.items()}
        total = sum(len(photo.boxes) for photos in digits.values() for photo in photos)
        rows = (row for part, photos in digits.items() for photo in photos for row in _rows(part, trees[part], photo))
        return Reading(rows, total, layout="format 1: photos, digits cut out by their boxes")


def has_boxes(folder: Path) -> bool:
    """Whether this form of the set is there."""
    return any(find_tree(folder, (part,), FOLDERS) is not None for part in PARTS)


def _rows(part: str, tree: Tree, photo: Digits) -> Iterator[Row]:
    for number, (label, left, top, width, height) in enumerate(photo.boxes.tolist()):
        labels = {"labels": np.array(int(label) % ZERO, np.int64)}
        name = f"{part}/{photo.name}/{number}"
        yield Row(name, tree.image(photo.name), PARTS[part], labels, face=(left, top, width, height))


def _structure(tree: Tree) -> Iterator[Digits]:
    """Every photo with its digits; `InputError` names the file and its fault."""
    where = printable(tree.path / STRUCTURE)
    contents = tree.read(STRUCTURE)
    try:
        with h5py.File(BytesIO(contents), "r") as file:
            group = _inside(file, "digitStruct")
            names, boxes = (_inside(group, name)[:, 0] for name in ("name", "bbox"))
            if not len(names) == len(boxes) <= MOST_IMAGES:
                raise ValueError(f"{len(names)} names for {len(boxes)} boxes")
            for name, box in zip(names, boxes, strict=True):
                found = Digits(_text(file[name]), _boxes(file, file[box]))
                if found.name in tree:
                    yield found
    except Exception as error:  # h5py raises nearly every kind on damage
        reason = (str(error) or type(error).__name__).partition("\n")[0]
        raise InputError(f"{where}: not a whole table of digits ({reason}); was it cut short?") from None


def _inside(group: Any, name: str) -> Any:
    """A group or data set of the file itself: no link is followed out of it, and nothing is stored elsewhere."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"holds no {name}")
    found = group[name]
    if isinstance(found, h5py.Dataset) and (found.external or found.is_virtual or found.size > MOST_IMAGES):
        raise ValueError(f"{name} is not stored in the file")
    return found


def _text(stored: Any) -> str:
    if stored.size > MOST_LETTERS:
        raise ValueError("a name is too long")
    return "".join(map(chr, np.asarray(stored[()]).ravel().tolist()))


def _boxes(file: h5py.File, group: Any) -> np.ndarray:
    """[k, 5] of label, left, top, width, height; `ValueError` for a label that is none."""
    columns = []
    for name in ("label", "left", "top", "width", "height"):
        stored = _inside(group, name)
        if stored.size > MOST_DIGITS:
            raise ValueError(f"{stored.size} digits in one photo")
        values = np.asarray(stored[()]).ravel()
        columns.append(
            [_number(file[value]) if isinstance(value, h5py.Reference) else float(value) for value in values]
        )
    boxes = np.array(columns, np.float64).T
    if not (np.isin(boxes[:, 0], range(1, ZERO + 1)).all() and np.isfinite(boxes).all()):
        raise ValueError("a label is none of 1 to 10, or a box is no number")
    return boxes


def _number(stored: Any) -> float:
    if stored.size != 1:
        raise ValueError("a box has not one number")
    return float(np.asarray(stored[()]).ravel()[0])
