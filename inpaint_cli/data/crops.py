"""Where each image is cut: the `[crop]` tables of recipes."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from inpaint_cli.data.geometry import Window
from inpaint_cli.data.rows import Row
from inpaint_cli.errors import InputError


class _Crop(BaseModel):
    """`window(width, height, row)` is the square to cut; `row` may know landmarks and a face's box."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SquareCrop(_Crop):
    """The largest square in the middle."""

    kind: Literal["square"]

    def window(self, width: int, height: int, row: Row) -> Window:
        side = min(width, height)
        return Window((width - side) // 2, (height - side) // 2, side)


class FixedCrop(_Crop):
    """The same square of every image, for images that are aligned to one another and so have one size."""

    kind: Literal["fixed"]
    image: tuple[int, int]  # width, height that every source image must have
    center: tuple[int, int]  # x, y
    side: Annotated[int, Field(ge=1)]

    def window(self, width: int, height: int, row: Row) -> Window:
        if (width, height) != self.image:
            raise InputError(f"is {width}×{height} pixels, not {self.image[0]}×{self.image[1]}")
        return Window(self.center[0] - self.side // 2, self.center[1] - self.side // 2, self.side)


Crop = Annotated[SquareCrop | FixedCrop, Field(discriminator="kind")]
