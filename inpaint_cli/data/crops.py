"""Where each image is cut: the `[crop]` tables of recipes."""

from hashlib import sha256
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from inpaint_cli.data.geometry import Window
from inpaint_cli.data.rows import Row
from inpaint_cli.errors import InputError

Point = tuple[float, float]  # x, y in pixels of the source image


class _Crop(BaseModel):
    """`window(width, height, row)` is the square to cut; `row` may know landmarks and a face's box."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SquareCrop(_Crop):
    """The largest square in the middle."""

    kind: Literal["square"]

    def window(self, width: int, height: int, row: Row) -> Window:
        return _in_the_middle(width, height, min(width, height))


class CenterCrop(_Crop):
    """A square of so many pixels in the middle."""

    kind: Literal["center"]
    side: PositiveInt

    def window(self, width: int, height: int, row: Row) -> Window:
        if self.side > min(width, height):
            raise InputError(f"is {width}×{height} pixels, smaller than the square of {self.side} that is cut")
        return _in_the_middle(width, height, self.side)


class FixedCrop(_Crop):
    """The same square of every image, for images that are aligned to one another and so have one size."""

    kind: Literal["fixed"]
    image: tuple[PositiveInt, PositiveInt]  # width, height that every source image must have
    center: tuple[int, int]  # x, y
    side: PositiveInt

    def window(self, width: int, height: int, row: Row) -> Window:
        _refuse_size(width, height, self.image)
        return self._square()

    def _square(self) -> Window:
        return Window(self.center[0] - self.side // 2, self.center[1] - self.side // 2, self.side)

    @model_validator(mode="after")
    def _inside(self) -> "FixedCrop":
        left, top, side = self._square()
        if left < 0 or top < 0 or left + side > self.image[0] or top + side > self.image[1]:
            raise ValueError(f"a square of {side} pixels around {self.center} does not lie inside {self.image}")
        return self


class BoxCrop(_Crop):
    """The square around the middle of the face's box, as long as the box's longer side, moved to lie in the image."""

    kind: Literal["box"]
    otherwise: FixedCrop | None = None  # where the source knows no box

    def window(self, width: int, height: int, row: Row) -> Window:
        if row.face is None:
            if self.otherwise is None:
                raise InputError("has no box to crop by")
            return self.otherwise.window(width, height, row)
        left, top, box_width, box_height = row.face
        if box_width <= 0 or box_height <= 0:
            raise InputError(f"its box has {box_width:g}×{box_height:g} pixels")
        side = min(round(max(box_width, box_height)), width, height)
        x, y = left + box_width / 2, top + box_height / 2
        if not (0 <= x <= width and 0 <= y <= height):
            raise InputError(f"the middle of its box, ({x:g}, {y:g}), lies outside the image")
        return Window(_clipped(round(x - side / 2), width - side), _clipped(round(y - side / 2), height - side), side)


class AlignedFace(BaseModel):
    """Where the landmarks lie on average in images that are aligned to one another."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    image: tuple[PositiveInt, PositiveInt]  # width, height that every source image must have
    points: Annotated[tuple[Point, ...], Field(min_length=5, max_length=5)]


class LandmarksCrop(_Crop):
    """A square that holds all landmarks; where it lies and how large it is follow from a hash of the row's name.

    So faces are not aligned to one another, and yet every machine cuts the same squares.
    """

    kind: Literal["landmarks"]
    sides: tuple[float, float]  # least and greatest, in units of the landmarks' spread
    margin: Annotated[float, Field(ge=0, lt=0.5)]  # kept free around the landmarks, as a share of the square's side
    otherwise: AlignedFace | None = None  # for rows without landmarks

    @model_validator(mode="after")
    def _landmarks_fit(self) -> "LandmarksCrop":
        if self.sides[0] * (1 - 2 * self.margin) < 1 or self.sides[1] < self.sides[0]:
            raise ValueError("sides must not decrease, and leave the margin on both sides of the landmarks")
        return self

    def window(self, width: int, height: int, row: Row) -> Window:
        points = self._points(width, height, row)
        lowest, highest = points.min(axis=0), points.max(axis=0)
        spread = float((highest - lowest).max())
        size, across, down = _drawn(row.name)
        side = min(round(spread * (self.sides[0] + size * (self.sides[1] - self.sides[0]))), width, height)
        left, top = (
            _placed(low, high, side, self.margin * side, length, draw)
            for low, high, length, draw in zip(lowest, highest, (width, height), (across, down), strict=True)
        )
        window = Window(left, top, side)
        if side < 1 or not window.holds(points):
            raise InputError("has no square that holds eyes, nose and mouth")
        return window

    def _points(self, width: int, height: int, row: Row) -> np.ndarray:
        if "landmarks" in row.labels:
            return np.asarray(row.labels["landmarks"], np.float64)
        if self.otherwise is None:
            raise InputError("has no landmarks to crop by")
        _refuse_size(width, height, self.otherwise.image)
        return np.array(self.otherwise.points)


Crop = Annotated[SquareCrop | CenterCrop | FixedCrop | BoxCrop | LandmarksCrop, Field(discriminator="kind")]


def _in_the_middle(width: int, height: int, side: int) -> Window:
    return Window((width - side) // 2, (height - side) // 2, side)


def _refuse_size(width: int, height: int, expected: tuple[int, int]) -> None:
    if (width, height) != expected:
        raise InputError(f"is {width}×{height} pixels, not {expected[0]}×{expected[1]}")


def _clipped(place: int, highest: int) -> int:
    return max(0, min(place, highest))


def _drawn(name: str) -> tuple[float, float, float]:
    """Three numbers in [0, 1) that depend on the name alone, and not as the name's split does."""
    digest = sha256(b"crop " + name.encode("utf-8", "surrogateescape")).digest()
    first, second, third = (int.from_bytes(digest[start : start + 8]) / 2**64 for start in (0, 8, 16))
    return first, second, third


def _placed(low: float, high: float, side: int, margin: float, length: int, draw: float) -> int:
    """Where a stretch of `side` pixels begins that holds [low, high] with a margin; nearer where the image ends."""
    first, last = high + margin - side, low - margin
    return _clipped(round(first + draw * (last - first)), length - side)
