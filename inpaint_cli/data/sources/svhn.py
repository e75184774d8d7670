"""SVHN's cropped form: MATLAB files with 32×32 digits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from inpaint_cli.data.rows import Reading, Row, find, require
from inpaint_cli.data.sources.base import Source
from inpaint_cli.data.sources.matlab import labels_from, stored_numbers, stored_shapes
from inpaint_cli.data.sources.svhn_boxes import has_boxes
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable

FOLDERS = (".", "SVHN", "svhn")
SPLITS = {"train": "train", "extra": "train", "test": "test"}
ZERO = 10  # the files' label of the digit 0


class SVHNSource(Source):
    """Digits with their labels, in the official training and test parts."""

    kind: Literal["svhn"]
    extra: bool = False  # the 531,131 easier digits of extra_32x32.mat join the training split

    def download(self, folder: Path) -> None:
        from torchvision.datasets import SVHN

        for part in self._parts():
            SVHN(folder, split=part, download=True)

    def read(self, folder: Path) -> Reading:
        if has_boxes(folder) and find(folder, ("train_32x32.mat",), FOLDERS) is None:
            raise InputError(
                f"{printable(folder)}: holds SVHN's full photos (format 1), which inpaint prepare svhn-64-boxes cuts; "
                "this recipe reads the cropped digits (format 2): download train_32x32.mat and test_32x32.mat"
            )
        paths = {part: require(folder, (f"{part}_32x32.mat",), FOLDERS) for part in self._parts()}
        total = sum(_count(path) for path in paths.values())
        return Reading((row for part, path in paths.items() for row in _rows(part, path)), total)

    def _parts(self) -> list[str]:
        return [part for part in SPLITS if self.extra or part != "extra"]


def _rows(part: str, path: Path) -> Iterator[Row]:
    """One file at a time is in memory."""
    images, labels = stored_numbers(path, "X", "y")
    if images.dtype != np.uint8:
        raise InputError(f"{printable(path)}: X holds {images.dtype}, not bytes")
    labels = labels_from(path, "y", labels, 1, ZERO) % ZERO
    for index in range(images.shape[3]):
        pixels = np.ascontiguousarray(images[:, :, :, index])
        yield Row(f"{part}/{index:06d}", pixels, SPLITS[part], {"labels": labels[index]})


def _count(path: Path) -> int:
    shapes = stored_shapes(path, ("X", "y"))
    if len(shapes["X"]) != 4 or shapes["X"][:3] != (32, 32, 3):
        raise InputError(f"{printable(path)}: X has the shape {shapes['X']}, not 32, 32, 3 and the number of digits")
    if int(np.prod(shapes["y"])) != shapes["X"][3]:
        raise InputError(f"{printable(path)}: {int(np.prod(shapes['y'])):,} labels for {shapes['X'][3]:,} images")
    return shapes["X"][3]
