"""From a row of a source to a row of a prepared file: decode, cut, resize; run by the worker processes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from inpaint_cli.data.crops import Crop
from inpaint_cli.data.geometry import FilterName, Window
from inpaint_cli.data.rows import Row
from inpaint_cli.data.trees import decodable
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import decode, printable


@dataclass(frozen=True)
class Shaping:
    """What a recipe does to every row."""

    mode: str
    crop: Crop
    size: int
    filter: FilterName

    def __call__(self, row: Row) -> dict[str, np.ndarray]:
        """The row's columns: images uint8 [size, size, C], and its labels moved along."""
        pixels = self._pixels(row)
        height, width = pixels.shape[:2]
        if row.decoded_labels is not None:
            row = replace(row, labels={**row.labels, **row.decoded_labels((width, height))}, decoded_labels=None)
        window = self._window(row, width, height)
        columns = {"images": window.cut(pixels, self.size, self.filter), **row.labels}
        if "landmarks" in row.labels:
            columns["landmarks"] = window.move(row.labels["landmarks"], self.size)
        if "parsing" in row.labels:
            columns["parsing"] = window.cut_map(row.labels["parsing"], (width, height), self.size)
        return columns

    def _pixels(self, row: Row) -> np.ndarray:
        if isinstance(row.image, np.ndarray):
            return row.image
        return decode(decodable(row.image, row.name), self.mode)

    def _window(self, row: Row, width: int, height: int) -> Window:
        try:
            return self.crop.window(width, height, row)
        except InputError as error:
            raise InputError(f"{printable(row.name)}: {error}") from None


def shape_rows(shaping: Shaping, rows: Sequence[Row]) -> list[dict[str, np.ndarray] | str]:
    """Each row's columns, or the reason why it has none."""
    return [_shape_or_reason(shaping, row) for row in rows]


def _shape_or_reason(shaping: Shaping, row: Row) -> dict[str, np.ndarray] | str:
    try:
        return shaping(row)
    except InputError as error:
        return str(error)
