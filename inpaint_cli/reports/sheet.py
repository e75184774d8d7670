"""A sheet of prepared images with their landmarks, label maps and captions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from inpaint_cli.reports.grids import grid
from inpaint_cli.reports.palette import coloured, swatches

COLUMNS = 6
SMALLEST = 112  # pixels; smaller images are enlarged by a whole number
LEGEND_COLUMNS = 6
POINT_COLOURS = ("#ff3b30", "#34c759", "#ffd60a", "#0a84ff", "#ff2dd4")  # one per landmark
INK = "#000000"


@dataclass(frozen=True)
class Example:
    """One image uint8 [H, W, 1 or 3]; landmarks [K, 2] as x, y and a label map uint8 [H, W] where it has them."""

    image: np.ndarray
    caption: str = ""
    landmarks: np.ndarray | None = None
    parsing: np.ndarray | None = None


def sheet(examples: Sequence[Example], title: str, parsing_names: Sequence[str] = ()) -> Image.Image:
    """The examples in rows, each with its map beside it and its caption above; a legend of the maps below."""
    cells = [_cell(example) for example in examples]
    columns = COLUMNS if examples[0].parsing is None else COLUMNS // 2
    parts = [np.asarray(grid([cells[start : start + columns] for start in range(0, len(cells), columns)]))]
    if parsing_names and examples[0].parsing is not None:
        parts.append(_legend(parsing_names))
    return grid([[part] for part in parts], title=title)


def _cell(example: Example) -> np.ndarray:
    factor = max(1, -(-SMALLEST // example.image.shape[1]))
    pictures = [marked(_enlarged(example.image, factor), example.landmarks, factor)]
    if example.parsing is not None:
        pictures.append(_enlarged(coloured(example.parsing), factor))
    strip = np.concatenate(pictures, axis=1)
    return np.asarray(grid([[strip]], labels_top=[example.caption])) if example.caption else strip


def _enlarged(pixels: np.ndarray, factor: int) -> np.ndarray:
    """uint8 [H, W, 1 or 3] -> uint8 [H·factor, W·factor, 3]"""
    colour = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    return colour.repeat(factor, axis=0).repeat(factor, axis=1)


def marked(pixels: np.ndarray, landmarks: np.ndarray | None, factor: int = 1) -> np.ndarray:
    """A ring around each point x, y of an image enlarged `factor` times: the middle stays visible. uint8 [H, W, 3]"""
    if landmarks is None:
        return pixels
    picture = Image.fromarray(pixels)
    draw, radius = ImageDraw.Draw(picture), max(2, pixels.shape[1] // 50)
    line = max(1, radius // 4)
    # A pixel's middle has whole coordinates; points far outside, which only a damaged file has, are left out.
    for (x, y), colour in zip((landmarks + 0.5) * factor - 0.5, POINT_COLOURS, strict=False):
        if -radius <= x <= pixels.shape[1] + radius and -radius <= y <= pixels.shape[0] + radius:
            draw.circle((x, y), radius + line, outline=INK, width=line)
            draw.circle((x, y), radius, outline=colour, width=line)
    return np.asarray(picture)


def _legend(names: Sequence[str]) -> np.ndarray:
    squares, labels = swatches(names)
    rows = range(0, len(squares), LEGEND_COLUMNS)
    parts = [
        grid([squares[start : start + LEGEND_COLUMNS]], labels_top=labels[start : start + LEGEND_COLUMNS])
        for start in rows
    ]
    return np.asarray(grid([[np.asarray(part)] for part in parts]))
