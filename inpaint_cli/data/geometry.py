"""A square cut from an image and resized; points and label maps move by the same window as the pixels."""

from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

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

    def cut(self, image: Image.Image, size: int, filter_name: FilterName) -> np.ndarray:
        """An image of mode L or RGB -> the window as uint8 [size, size, 1 or 3]."""
        part = image.crop((self.left, self.top, self.left + self.side, self.top + self.side))
        resized = np.asarray(part.resize((size, size), FILTERS[filter_name]))
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

    def holds(self, points: np.ndarray) -> bool:
        """Whether all points [K, 2] of x, y lie on the window's pixels."""
        inside = points + 0.5 - np.array([self.left, self.top])
        return bool((inside >= 0).all() and (inside <= self.side).all())
