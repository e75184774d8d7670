"""Where an image is cut and how it is resized; points move by the same window as the pixels."""

from typing import Annotated, Literal, NamedTuple

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from inpaint_cli.data.rows import Row
from inpaint_cli.errors import InputError

FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
FilterName = Literal["bilinear", "bicubic", "lanczos"]  # all of them antialias when they shrink


class Window(NamedTuple):
    """A square of the source image, in its pixels."""

    left: int
    top: int
    side: int

    def cut(self, pixels: np.ndarray, size: int, filter_name: FilterName) -> np.ndarray:
        """uint8 [H, W, C] -> the window as uint8 [size, size, C]."""
        part = pixels[self.top : self.top + self.side, self.left : self.left + self.side]
        image = Image.fromarray(part[:, :, 0] if part.shape[2] == 1 else part)
        resized = np.asarray(image.resize((size, size), FILTERS[filter_name]))
        return resized[:, :, None] if resized.ndim == 2 else resized

    def cut_map(self, labels: np.ndarray, image_size: tuple[int, int], size: int) -> np.ndarray:
        """A label map uint8 [h, w] of an image of `image_size` (width, height) -> uint8 [size, size].

        Each pixel takes the label that covers most of it. The map may have another scale than the image.
        """
        scale = np.array([labels.shape[1] / image_size[0], labels.shape[0] / image_size[1]])
        left, top = np.array([self.left, self.top]) * scale
        right, bottom = np.array([self.left + self.side, self.top + self.side]) * scale
        present = np.unique(labels)
        shares = [
            Image.fromarray((labels == label).astype(np.float32)).resize(
                (size, size), Image.Resampling.BILINEAR, box=(left, top, right, bottom)
            )
            for label in present
        ]
        return present[np.argmax(np.stack([np.asarray(share) for share in shares]), axis=0)]

    def move(self, points: np.ndarray, size: int) -> np.ndarray:
        """Points [K, 2] of x, y in source pixels -> the same points in the cut image, float32.

        A pixel's middle has whole coordinates, so its left edge lies half a pixel before.
        """
        corner = np.array([self.left, self.top])
        return ((points + 0.5 - corner) * (size / self.side) - 0.5).astype(np.float32)


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
