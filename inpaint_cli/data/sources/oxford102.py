"""The form of Oxford's 102 flowers: `jpg/` or its archive, and two MATLAB files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from inpaint_cli.data.layouts import SPLIT_FOLDERS
from inpaint_cli.data.rows import Reading, Row, find, require
from inpaint_cli.data.sources.base import Source
from inpaint_cli.data.sources.matlab import labels_from, stored_numbers
from inpaint_cli.data.sources.parts import Part, find_part, open_part
from inpaint_cli.data.trees import tree_at
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable

WHOLES = ("102flowers", "flowers-102")  # as distributed; as torchvision unpacks it
FOLDERS = (".", *WHOLES)
CLASSES = 102

# The official lists and the paper's use of them: it trains on train + test and applies what it trained on validation.
LISTS = {"trnid": "train", "tstid": "train", "valid": "validation"}


class Oxford102Source(Source):
    """Flowers with labels from 0; the official training and test lists are trained on, the validation list is not."""

    kind: Literal["oxford102"]

    def download(self, folder: Path) -> None:
        from torchvision.datasets import Flowers102

        Flowers102(folder, download=True)  # into flowers-102

    def read(self, folder: Path) -> Reading:
        _refuse_other_splits(folder)
        images = find_part(folder, ("jpg", *WHOLES), WHOLES) or _anywhere(folder)
        files = images.by_file_name()
        labels = _read_labels(require(folder, ("imagelabels.mat",), FOLDERS))
        splits = _read_splits(require(folder, ("setid.mat",), FOLDERS), len(labels))
        present = [number for number in sorted(splits) if _name(number) in files]
        if not present:
            raise InputError(
                f"{printable(images.path)}: none of the {len(splits):,} images that setid.mat lists is here"
            )
        rows = _rows(images, files, present, splits, labels)
        return Reading(rows, len(present), without_image=len(splits) - len(present))


def _refuse_other_splits(folder: Path) -> None:
    """`InputError` for Kaggle's tree (from memory: `dataset/train/CLASS/image_00001.jpg`, `valid`, `test`) alone."""
    if find(folder, ("setid.mat",), FOLDERS) is None and _tree_of_splits(folder):
        raise InputError(
            f"{printable(folder)}: has split folders of its own and no setid.mat, so that the official lists are not "
            "known: put setid.mat and imagelabels.mat from the authors' page beside them, or keep these splits with "
            "`inpaint prepare folder`"
        )


def _tree_of_splits(folder: Path) -> bool:
    names = tree_at(folder).names() if folder.is_dir() else []
    return any({part.lower() for part in name.split("/")[:-1]} & {*SPLIT_FOLDERS} for name in names)


def _anywhere(folder: Path) -> Part:
    """Images in whatever folders: their names are those of the official lists."""
    tree = tree_at(folder)
    if not any(name.rpartition("/")[2].startswith("image_") for name in tree.names()):
        return open_part(folder, ("jpg", *WHOLES), WHOLES)  # says what was looked for and where
    return Part(tree)


def _rows(
    images: Part, files: dict[str, str], numbers: list[int], splits: dict[int, str], labels: np.ndarray
) -> Iterator[Row]:
    for number in numbers:
        name = _name(number)
        yield Row(name, images.image(files[name]), splits[number], {"labels": labels[number - 1]})


def _name(number: int) -> str:
    return f"image_{number:05d}.jpg"


def _read_labels(path: Path) -> np.ndarray:
    (values,) = stored_numbers(path, "labels")
    return labels_from(path, "labels", values, 1, CLASSES) - 1


def _read_splits(path: Path, count: int) -> dict[int, str]:
    """The split of each image number, from 1 to `count`."""
    splits: dict[int, str] = {}
    for name, values in zip(LISTS, stored_numbers(path, *LISTS), strict=True):
        for number in labels_from(path, name, values, 1, count).tolist():
            if number in splits:
                raise InputError(f"{printable(path)}: lists image {number} more than once")
            splits[number] = LISTS[name]
    return splits
