"""Squares at several scales cut from the photographs that scikit-image carries in its wheel."""

from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from inpaint_cli.data.geometry import Window
from inpaint_cli.data.rows import Reading, Row
from inpaint_cli.data.sources.base import FileName, Source
from inpaint_cli.errors import EnvironmentFault, InputError
from inpaint_cli.imaging.decoding import decode

MOST_SQUARES = 100_000
Fraction = Annotated[float, Field(ge=0, le=1)]


class Part(BaseModel):
    """Photographs, or a stretch of their columns, that belong to one split."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    split: Literal["train", "validation", "test"]
    photographs: tuple[FileName, ...]
    columns: tuple[Fraction, Fraction] = (0.0, 1.0)  # from and to, as fractions of the width
    steps_per_side: PositiveInt  # how densely the squares overlap


class PhotographsSource(Source):
    """A regular grid of squares over each part."""

    kind: Literal["photographs"]
    parts: tuple[Part, ...]
    sides: tuple[PositiveInt, ...]  # of the squares, in pixels of the photograph

    def own_folder(self) -> Path:
        found = find_spec("skimage")
        if found is None or found.origin is None:
            raise EnvironmentFault("scikit-image, which carries these photographs, is not installed")
        return Path(found.origin).parent / "data"

    def read(self, folder: Path) -> Reading:
        found = (row for part in self.parts for name in part.photographs for row in self._rows(folder, part, name))
        rows = list(islice(found, MOST_SQUARES + 1))
        if len(rows) > MOST_SQUARES:
            raise InputError(f"these photographs have more than {MOST_SQUARES:,} squares: give fewer steps_per_side")
        return Reading(iter(rows), len(rows))

    def _rows(self, folder: Path, part: Part, name: str) -> Iterator[Row]:
        path = folder / name
        if not path.is_file():
            raise EnvironmentFault(f"scikit-image {version('scikit-image')} does not carry the photograph {name}")
        pixels = decode(path)
        first, last = (round(fraction * pixels.shape[1]) for fraction in part.columns)
        for left, top, side in grid(last - first, pixels.shape[0], self.sides, part.steps_per_side):
            square = pixels[top : top + side, first + left : first + left + side]  # a view: rows share the photograph
            yield Row(f"{name}/{side}+{first + left}+{top}", square, part.split)


def grid(width: int, height: int, sides: tuple[int, ...], steps_per_side: int) -> Iterator[Window]:
    """Squares from the top left, `side / steps_per_side` apart; those that would not fit are left out."""
    for side in sides:
        step = max(1, side // steps_per_side)
        for top in range(0, height - side + 1, step):
            for left in range(0, width - side + 1, step):
                yield Window(left, top, side)
