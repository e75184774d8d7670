"""Masks that are stored with a set's images: drawn for each, or the one of its name, which is cut as the image is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from inpaint_cli.data.pairing import ByName
from inpaint_cli.data.room import Measure
from inpaint_cli.data.rows import Row
from inpaint_cli.data.schema import MASK, Shape
from inpaint_cli.data.trees import Image, Tree, decodable
from inpaint_cli.errors import InputError, printable
from inpaint_cli.imaging.decoding import opened
from inpaint_cli.imaging.mask_files import layers_of, understood

Decoded = Callable[[tuple[int, int]], Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Masker:
    """Gives every row of a set a mask.

    origin: what the prepared file says of the masks. draw: names of rows, and their columns -> uint8 [N, H, W], white
    is the hole. by_name: in place of it, the files of which each row has its own. observe: what a mask hides is removed
    from its image, and labels with it, which were made of all of it.
    """

    origin: str
    draw: Callable[[Sequence[str], Mapping[str, np.ndarray]], np.ndarray] | None = None
    by_name: "MaskTree | None" = None
    observe: bool = False

    @property
    def options(self) -> dict[str, str]:
        """What the prepared file says of them."""
        return {"masks": self.origin, **({"observed": self.origin} if self.observe else {})}

    def wanted(self, row: Row) -> Row:
        """The row with the mask of its name, where masks have names; it is decoded and cut where the image is."""
        return row if self.by_name is None else self.by_name.with_mask(row)

    def measured(self, own: Measure, shape: Shape) -> Measure:
        """What rows take with a mask."""
        if MASK in own.columns or self.draw is None:
            return own
        columns = {**own.columns, MASK: (shape.height, shape.width)}
        return replace(own, columns=columns, row_bytes=own.row_bytes + shape.height * shape.width)

    def add(self, rows: Sequence[Row], columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The columns of a few rows with their masks."""
        if not rows:
            return columns
        if self.draw is not None:
            columns = {**columns, MASK: self.draw([row.name for row in rows], columns)}
        return observed(columns) if self.observe else columns


def observed(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What was observed of images alone: their known pixels, what is missing at 0, and the masks."""
    known = columns[MASK][..., None] < 128
    return {"images": np.where(known, columns["images"], 0).astype(np.uint8), MASK: columns[MASK]}


class MaskTree:
    """The masks of a folder or an archive, by the names of their images."""

    def __init__(self, tree: Tree, ending: str, invert: bool):
        self.tree, self.invert = tree, invert
        self._by_name = ByName(tree.names(), ending)

    def with_mask(self, row: Row) -> Row:
        """The row with its own mask; a row that has none is left out with that reason when it is decoded."""
        place = self._by_name.find(row.name)
        name = "" if place is None else self._by_name.files[place]
        stored = None if place is None else self.tree.image(name)
        return replace(row, decoded_labels=OwnMask(row.name, stored, name, self.invert, row.decoded_labels))


@dataclass(frozen=True)
class OwnMask:
    """Decodes a row's mask beside what else the row has to decode."""

    row: str
    stored: Image | None
    name: str
    invert: bool
    others: Decoded | None

    def __call__(self, size: tuple[int, int]) -> dict[str, np.ndarray]:
        """The mask at its own size, uint8 [h, w] of 0 and 255, white is the hole."""
        if self.stored is None:
            raise InputError(f"{printable(self.row)}: no mask is called as it")
        with opened(decodable(self.stored, self.name)) as image:
            layers = layers_of(image)
        hole = understood(layers, self.name, invert=self.invert).hole
        return {**(self.others(size) if self.others else {}), MASK: np.where(hole, 255, 0).astype(np.uint8)}
