"""Labels for a set that has none: a trained parser, handed in, labels its prepared images while they are made."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from inpaint_cli.data.label_maps import HELEN, landmarks_of, rescaled
from inpaint_cli.data.room import Measure
from inpaint_cli.data.schema import LANDMARKS, Shape
from inpaint_cli.errors import InputError

LABELS_OF_SETS = "a set keeps the labels of its source"


@dataclass(frozen=True)
class Labeller:
    """A trained parser.

    label: uint8 [B, H, W, C] -> the label of each pixel, [B, H, W]; it is called for the rows of one task, which do not
        depend on the number of workers. landmarks: whether the five points are to be taken from the maps, too.
    Images of another size are labelled at the parser's, and labels and points moved back.
    """

    label: Callable[[np.ndarray], np.ndarray]
    shape: Shape  # of the images that it labels
    origin: str  # what the prepared file says of it
    landmarks: bool = False

    @property
    def label_names(self) -> dict[str, tuple[str, ...]]:
        """What the labels that it gives are called, by column."""
        return {"parsing": HELEN, **({"landmarks": LANDMARKS} if self.landmarks else {})}

    def measured(self, own: Measure, recipe: str, shape: Shape) -> Measure:
        """What rows take with the labels; `InputError` where this parser is none for them."""
        for column in self.label_names:
            if column in own.columns:
                raise InputError(
                    f"recipe {recipe} has {column} of its own, and {LABELS_OF_SETS}; leave out --"
                    + ("parsing" if column == "parsing" else "landmarks")
                )
        if self.shape.channels != shape.channels:
            raise InputError(
                f"{self.origin} labels images of {_size(self.shape)}, and recipe {recipe} makes {_size(shape)}"
            )
        columns = {**own.columns, "parsing": (shape.height, shape.width)}
        if self.landmarks:
            columns["landmarks"] = (len(LANDMARKS), 2)
        points = 4 * 2 * len(LANDMARKS) * self.landmarks
        return replace(own, columns=columns, row_bytes=own.row_bytes + shape.height * shape.width + points)

    def add(self, columns: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[int, str]]:
        """The columns of a few rows with their labels; by its place, why a row has no landmarks and is left out."""
        size = columns["images"].shape[1:3]
        maps = self._maps(_resized(columns["images"], self.shape[1:], Image.Resampling.BICUBIC))
        columns = {**columns, "parsing": _resized(maps, size, Image.Resampling.NEAREST)}
        if not self.landmarks:
            return columns, {}
        points, reasons = [], {}
        for place, labels in enumerate(maps):
            try:
                points.append(rescaled(landmarks_of(labels), labels, size[::-1]))
            except InputError as error:
                reasons[place] = str(error)
        kept = [place for place in range(len(maps)) if place not in reasons]
        columns = {name: values[kept] for name, values in columns.items()}
        return {**columns, "landmarks": np.reshape(points, (-1, len(LANDMARKS), 2))}, reasons

    def _maps(self, images: np.ndarray) -> np.ndarray:
        maps = np.asarray(self.label(images))
        highest = int(maps.max(initial=0))
        if highest >= len(HELEN):
            raise InputError(
                f"{self.origin} gives the label {highest}; prepared data hold Helen's, 0 to {len(HELEN) - 1}"
            )
        return maps.astype(np.uint8)


def _resized(images: np.ndarray, size: tuple[int, int], filter: Image.Resampling) -> np.ndarray:
    """uint8 [B, h, w, …] -> [B, *size, …]; what has this size already stays as it is."""
    if images.shape[1:3] == size:
        return images
    pictures = (image[..., 0] if image.shape[2:] == (1,) else image for image in images)
    resized = [np.asarray(Image.fromarray(picture).resize(size[::-1], filter)) for picture in pictures]
    return np.reshape(resized, (len(images), *size, *images.shape[3:]))


def _size(shape: Shape) -> str:
    return f"{shape.width}×{shape.height} in {'colour' if shape.channels == 3 else 'grey'}"
