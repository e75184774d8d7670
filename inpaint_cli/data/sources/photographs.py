"""Squares at several scales cut from the photographs that scikit-image carries in its wheel."""

from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt

from inpaint_cli.data.geometry import Window
from inpaint_cli.data.rows import Reading, Row
from inpaint_cli.data.sources.base import Source
from inpaint_cli.errors import EnvironmentFault
from inpaint_cli.imaging.decoding import decode

SplitName = Literal["train", "validation", "test"]


class PhotographsSource(Source):
    """A regular grid of squares over each photograph, which belongs to one split as a whole."""

    kind: Literal["photographs"]
    needs_folder: ClassVar[bool] = False
    photographs: dict[SplitName, tuple[str, ...]]
    sides: tuple[PositiveInt, ...]  # of the squares, in pixels of the photograph
    steps_per_side: dict[SplitName, Annotated[int, Field(ge=1)]]  # how densely the squares overlap

    def read(self, folder: None) -> Reading:
        carried = Path(find_spec("skimage").origin).parent / "data"
        rows = [row for split in self.photographs for row in self._split_rows(carried, split)]
        return Reading(iter(rows), len(rows))

    def _split_rows(self, carried: Path, split: str) -> Iterator[Row]:
        for name in self.photographs[split]:
            path = carried / name
            if not path.is_file():
                raise EnvironmentFault(f"scikit-image {version('scikit-image')} does not carry the photograph {name}")
            pixels = decode(path)
            height, width, _ = pixels.shape
            for left, top, side in grid(width, height, self.sides, self.steps_per_side[split]):
                part = pixels[top : top + side, left : left + side]  # a view: all rows share the photograph
                yield Row(f"{name}/{side}+{left}+{top}", part, split)


def grid(width: int, height: int, sides: tuple[int, ...], steps_per_side: int) -> Iterator[Window]:
    """Squares from the top left, `side / steps_per_side` apart; those that would not fit are left out."""
    for side in sides:
        step = max(1, side // steps_per_side)
        for top in range(0, height - side + 1, step):
            for left in range(0, width - side + 1, step):
                yield Window(left, top, side)
