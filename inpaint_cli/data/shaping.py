"""From a row of a source to a row of a prepared file: decode, cut, resize; run by the worker processes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from inpaint_cli.data.crops import Crop
from inpaint_cli.data.geometry import FILTERS, FilterName, Window
from inpaint_cli.data.rows import Row
from inpaint_cli.data.schema import MASK
from inpaint_cli.data.trees import decodable
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import Mode, decode_image, in_mode, printable

_FLAT = {False: "without a hole", True: "all hole"}


@dataclass(frozen=True)
class Shaping:
    """What a recipe does to every row."""

    mode: Mode
    crop: Crop
    size: int
    filter: FilterName

    @property
    def row_bytes(self) -> int:
        """Bytes of one prepared image."""
        return self.size * self.size * {"rgb": 3, "gray": 1}[self.mode]

    def __call__(self, row: Row) -> dict[str, np.ndarray]:
        """The row's columns: images uint8 [size, size, C], and its labels moved along."""
        image = self._enlarged(self._image(row), row)
        if row.decoded_labels is not None:
            row = replace(row, labels={**row.labels, **row.decoded_labels(image.size)}, decoded_labels=None)
        window = self._window(row, *image.size)
        columns = {"images": window.cut(image, self.size, self.filter), **row.labels}
        if "landmarks" in row.labels:
            columns["landmarks"] = window.move(row.labels["landmarks"], self.size)
        if "parsing" in row.labels:
            columns["parsing"] = window.cut_map(row.labels["parsing"], image.size, self.size)
        if MASK in row.labels:
            columns[MASK] = window.cut_map(row.labels[MASK], image.size, self.size)
            if columns[MASK].min() == columns[MASK].max():
                raise InputError(f"{printable(row.name)}: its mask is {_FLAT[columns[MASK].max() > 0]} where it is cut")
        return columns

    def _image(self, row: Row) -> Image.Image:
        if not isinstance(row.image, np.ndarray):
            return decode_image(decodable(row.image, row.name), self.mode)
        pixels = row.image
        return in_mode(Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels), self.mode)

    def _enlarged(self, image: Image.Image, row: Row) -> Image.Image:
        if row.whole is None or not row.whole.has_copy(*image.size):
            return image
        return image.resize(row.whole.size, FILTERS[self.filter])

    def _window(self, row: Row, width: int, height: int) -> Window:
        try:
            return self.crop.window(width, height, row)
        except InputError as error:
            raise InputError(f"{printable(row.name)}: {error}") from None


def shape_rows(shaping: Shaping, rows: Sequence[Row]) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """The columns of all rows that have them, first axis rows, and by its place the reason of each that has none."""
    shaped, reasons = [], {}
    for place, row in enumerate(rows):
        try:
            shaped.append(shaping(row))
        except InputError as error:
            reasons[place] = str(error)
    return {name: np.stack([columns[name] for columns in shaped]) for name in (shaped[0] if shaped else ())}, reasons
