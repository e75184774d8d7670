"""What an evaluation leaves beside its table: each image's figures as CSV, and images to look at as a grid."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from PIL.Image import Image

from inpaint_cli.reports.boxes import boxed
from inpaint_cli.reports.grids import grid
from inpaint_cli.reports.palette import coloured

SMALLEST = 64  # pixels across, of a picture in a figure


class Example(Protocol):
    """One image and what was made of it, uint8 [H, W, C] each."""

    @property
    def original(self) -> np.ndarray: ...

    @property
    def observed(self) -> np.ndarray: ...

    @property
    def completed(self) -> np.ndarray | None: ...

    @property
    def missing(self) -> np.ndarray:
        """bool [H, W, C]"""

    @property
    def predicted(self) -> Mapping[str, np.ndarray]:
        """By label."""


Examples = Mapping[tuple[str, str], Sequence[Example]]  # by (system, masks)


def per_image_csv(names: Sequence[str], rows: Mapping[tuple[str, str], Mapping[str, np.ndarray]]) -> str:
    """One line per system, masks and image. rows: float64 [N] by name, by (system, masks); what is not defined for an
    image (identical images have no PSNR) is an empty cell."""
    columns = list(dict.fromkeys(name for own in rows.values() for name, values in own.items() if values.ndim == 1))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["system", "masks", "image", "name", *columns])
    for (system, masks), own in rows.items():
        for index, name in enumerate(names):
            figures = [own[column][index] if column in own else math.nan for column in columns]
            cells = [repr(float(figure)) if math.isfinite(figure) else "" for figure in figures]
            writer.writerow([system, masks, index, name.encode("utf-8", "backslashreplace").decode(), *cells])
    return text.getvalue()


def extremes_grid(examples: Examples) -> Image:
    """Rows for each system and masks: original, observed, answers; from the hardest image to the easiest."""
    rows = {}
    for (system, masks), own in examples.items():
        seen = {"original": [each.original for each in own], "observed": [each.observed for each in own]}
        for part, row in (seen | _answers(own)).items():
            rows[f"{system}\n{masks}\n{part}"] = row
    across = max(map(len, rows.values()))
    ends = ["hardest", *[""] * (across - 2), "easiest"] if across > 1 else ["the only image"]
    return grid(list(rows.values()), labels_top=ends, labels_left=list(rows))


def systems_grid(examples: Examples) -> Image:
    """The systems beside each other: the originals, and for each masks what is observed and every system's answers.

    Behind one kind of masks the originals have boxes around what is known, where that is rectangles.
    """
    rows = {}
    specs = list(dict.fromkeys(masks for _, masks in examples))
    for masks in specs:
        for (system, _), own in ((place, own) for place, own in examples.items() if place[1] == masks):
            rows["original"] = [
                boxed(each.original, each.missing) if len(specs) == 1 else each.original for each in own
            ]
            rows[f"observed\n{masks}"] = [each.observed for each in own]
            for part, row in _answers(own).items():
                rows[f"{system}\n{part}\n{masks}"] = row
    pictures = [[_enlarged(picture) for picture in row] for row in rows.values()]
    return grid(pictures, labels_left=[label.replace("\ncompleted", "") for label in rows])


def _enlarged(picture: np.ndarray) -> np.ndarray:
    """uint8 [H, W, C], by a whole number where it is small: every pixel stays one colour."""
    factor = max(1, -(-SMALLEST // picture.shape[1]))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def _answers(examples: Sequence[Example]) -> dict[str, list[np.ndarray]]:
    """A row of pictures for each thing that the method gave."""
    rows = {}
    completed = [example.completed for example in examples if example.completed is not None]
    if len(completed) == len(examples):
        rows["completed"] = completed
    if all("parsing" in example.predicted for example in examples):
        rows["parsing"] = [coloured(example.predicted["parsing"].astype(np.uint8)) for example in examples]
    return rows
