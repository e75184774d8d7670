"""Grids of images with labels: training samples, mask sheets, contact sheets."""

import textwrap
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

GUTTER = 8  # pixels between images and around the sheet
TEXT_SIZE = 14  # pixels
LINE = 28  # characters of a label at the left: what sets systems apart can be long, and pictures are to be seen
INK, PAPER = (40, 40, 40), (255, 255, 255)


def grid(
    rows: Sequence[Sequence[np.ndarray]],
    labels_top: Sequence[str] | None = None,
    labels_left: Sequence[str] | None = None,
    title: str | None = None,
    labels_below: Sequence[Sequence[str]] | None = None,
) -> Image.Image:
    """Images in rows on white, evenly spaced; labels and title may have several lines.

    rows: uint8 [H, W, 3] or, in grey, [H, W, 1]; sizes may differ, and rows may be shorter than the longest.
    A column is as wide as its widest image or label, a row as high as its highest. labels_below: of each image, "" for
    none.
    """
    cells = [[_picture(image) for image in row] for row in rows]
    if labels_below:
        cells = [
            [_arrange([[cell], [_text(label)]], gutter=0) for cell, label in zip(row, labels, strict=True)]
            for row, labels in zip(cells, labels_below, strict=True)
        ]
    if labels_left:
        cells = [[_text(_wrapped(label)), *row] for label, row in zip(labels_left, cells, strict=True)]
    if labels_top:
        corner = [_text("")] if labels_left else []
        cells.insert(0, [*corner, *map(_text, labels_top)])
    sheet = _arrange(cells)
    return _arrange([[_text(title)], [sheet]], gutter=0) if title else sheet


def _arrange(cells: list[list[Image.Image]], gutter: int = GUTTER) -> Image.Image:
    """Pictures of any size in the middle of their column and row."""
    longest = max(len(row) for row in cells)
    widths = [max(row[column].width for row in cells if column < len(row)) for column in range(longest)]
    heights = [max(picture.height for picture in row) for row in cells]
    lefts, tops = _starts(widths, gutter), _starts(heights, gutter)
    sheet = Image.new("RGB", (lefts[-1], tops[-1]), PAPER)
    for row, top, height in zip(cells, tops, heights, strict=False):
        for picture, left, width in zip(row, lefts, widths, strict=False):
            sheet.paste(picture, (left + (width - picture.width) // 2, top + (height - picture.height) // 2))
    return sheet


def _starts(lengths: list[int], gutter: int) -> list[int]:
    """Where each column (or row) begins, and where the sheet ends."""
    return [gutter + sum(lengths[:index]) + gutter * index for index in range(len(lengths) + 1)]


def _picture(pixels: np.ndarray) -> Image.Image:
    """uint8 [H, W, 3] or [H, W, 1]"""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("RGB")


def _wrapped(label: str) -> str:
    """Each line of a label as several of `LINE` characters; no word is broken."""
    lines = (
        textwrap.wrap(line, LINE, break_long_words=False, break_on_hyphens=False) or [""] for line in label.split("\n")
    )
    return "\n".join(part for parts in lines for part in parts)


def _text(label: str) -> Image.Image:
    """Lines of text on white, as small as they fit."""
    font = _font()
    left, top, right, bottom = ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((0, 0), label, font)
    margin = TEXT_SIZE // 2
    size = (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin) if label else (1, 1)
    picture = Image.new("RGB", size, PAPER)
    ImageDraw.Draw(picture).multiline_text((margin - left, margin - top), label, INK, font, align="center")
    return picture


@cache
def _font() -> ImageFont.FreeTypeFont:
    """The font that matplotlib carries: Pillow's own has no × and few letters beyond ASCII."""
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", TEXT_SIZE)
