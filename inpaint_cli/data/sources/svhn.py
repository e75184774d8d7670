"""SVHN's cropped form: MATLAB files with 32×32 digits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from inpaint_cli.data.rows import Reading, Row, require
from inpaint_cli.data.sources.base import Source
from inpaint_cli.data.sources.matlab import labels_from, stored_numbers, stored_shapes
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable

FOLDERS = (".", "SVHN", "svhn")
ZERO = 10  # the files' label of the digit 0


class SVHNSource(Source):
    """Digits with their labels, in the official training and test parts."""

    kind: Literal["svhn"]
    extra: bool = False  # the 531,131 easier digits of extra_32x32.mat join the training split

    def read(self, folder: Path) -> Reading:
        parts = (
            {"train": "train", "extra": "train", "test": "test"} if self.extra else {"train": "train", "test": "test"}
        )
        paths = {part: require(folder, (f"{part}_32x32.mat",), FOLDERS) for part in parts}
        total = sum(_count(path) for path in paths.values())
        rows = (row for part, path in paths.items() for row in _rows(part, path, parts[part]))
        return Reading(rows, total)


def _rows(part: str, path: Path, split: str) -> Iterator[Row]:
    """One file at a time is in memory."""
    images, labels = stored_numbers(path, "X", "y")
    if images.dtype != np.uint8:
        raise InputError(f"{printable(path)}: X holds {images.dtype}, not bytes")
    labels = labels_from(path, "y", labels, 1, ZERO) % ZERO
    for index in range(images.shape[3]):
        yield Row(f"{part}/{index:06d}", np.ascontiguousarray(images[:, :, :, index]), split, {"labels": labels[index]})


def _count(path: Path) -> int:
    shapes = stored_shapes(path, ("X", "y"))
    if len(shapes["X"]) != 4 or shapes["X"][:3] != (32, 32, 3):
        raise InputError(f"{printable(path)}: X has the shape {shapes['X']}, not 32, 32, 3 and the number of digits")
    if int(np.prod(shapes["y"])) != shapes["X"][3]:
        raise InputError(f"{printable(path)}: {int(np.prod(shapes['y'])):,} labels for {shapes['X'][3]:,} images")
    return shapes["X"][3]
