"""A picture as it looks from straight before the plane around its hole, and the way back.

Courses and rows that go on aslant are level there, and the same size throughout: patches that are only moved fit.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from inpaint_cli.exemplar.planes import LARGEST, plane_around
from inpaint_cli.exemplar.pyramid import dilate

AROUND = 2.0  # how far the view reaches beyond the hole, in the hole's longer sides
LEAST_AROUND = 96  # pixels, likewise
MOST_AROUND = 512

Completion = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]  # colours, known, known throughout, allowed -> colours


class Part(NamedTuple):
    """Images of a batch that are completed alike."""

    rows: list[int] | slice
    planar: bool  # whether one plane is all around the hole
    view: "View | None"  # that it is completed in, of one image


def parts_of(colours: Tensor, known: Tensor) -> list[Part]:
    """By the planes around the holes of [B, C, H, W] and bool [B, 1, H, W]. Each plane aslant is a part of its own."""
    planes = [plane_around(*pair) for pair in zip(colours, known[:, 0], strict=True)]
    if not any(planes):
        return [Part(slice(None), False, None)]
    parts: list[Part] = []
    for planar in (False, True):
        rows = [row for row, plane in enumerate(planes) if bool(plane) == planar and not (plane and plane.aslant)]
        parts += [Part(rows, planar, None)] if rows else []
    return parts + [
        Part([row], True, View(plane.homography, known[row, 0]))
        for row, plane in enumerate(planes)
        if plane and plane.aslant
    ]


class View:
    """Rows and columns of one image turned by a homography, as far as they matter to its hole."""

    def __init__(self, homography: np.ndarray, known: Tensor):
        """homography: [3, 3], from exemplar/planes.py; known: bool [H, W]"""
        self.size = known.shape
        self.missing = (~known).nonzero()  # [V, 2]
        self.onto = torch.from_numpy(homography).to(known.device)
        self.back = torch.from_numpy(np.linalg.inv(homography)).to(known.device)
        hole = self.seen(self.missing)
        reach = min(max(AROUND * float((hole.amax(dim=0) - hole.amin(dim=0)).max()), LEAST_AROUND), MOST_AROUND)
        there = self.seen(self.visible())
        low = torch.maximum(there.amin(dim=0), hole.amin(dim=0) - reach).floor()
        high = torch.minimum(there.amax(dim=0), hole.amax(dim=0) + reach).ceil()
        self.first, self.shape = low, [int(length) + 1 for length in (high - low).tolist()]

    def visible(self) -> Tensor:
        """The image's pixels whose scale is not too far from the hole's. [n, 2]"""
        row, column = (torch.arange(length, device=self.onto.device) for length in self.size)
        horizon = self.onto[2]
        scale = row[:, None] * horizon[0] + column * horizon[1] + horizon[2]
        return ((scale > 1 / LARGEST) & (scale < LARGEST)).nonzero()

    def seen(self, pixels: Tensor) -> Tensor:
        """Where the image's pixels are in the view. [n, 2] -> [n, 2], not counted from its first row and column"""
        return moved(pixels, self.onto)

    def look(self, image: Tensor, mode: str = "bicubic") -> Tensor:
        """[1, C, H, W] as it is seen; outside, its edge goes on."""
        return sampled(image, self.places(), mode).unflatten(2, self.shape)

    def places(self) -> Tensor:
        """Where each of the view's pixels is in the image, row and column. [n, 2]"""
        row, column = (torch.arange(length, device=self.back.device) for length in self.shape)
        return moved(torch.cartesian_prod(row, column) + self.first, self.back)

    def inside(self) -> Tensor:
        """Which of the view's pixels the image has. bool [1, 1, h, w]"""
        places = self.places()
        last = torch.tensor(self.size, device=places.device) - 1
        at_place = torch.cat((places, torch.ones_like(places[:, :1])), dim=1) @ self.onto[2]
        inside = ((places >= 0) & (places <= last)).all(dim=1) & (at_place > 1 / LARGEST) & (at_place < LARGEST)
        return inside.view(1, 1, *self.shape)

    def complete(
        self, colours: Tensor, known: Tensor, whole: Tensor, allowed: Tensor, completion: Completion
    ) -> Tensor:
        """[1, C, H, W] -> the same, by a completion of what is seen; bool [1, 1 or C, H, W], [1, 1, H, W] twice.

        Where less than half of what is seen around the hole may be copied, it is completed as it is.
        """
        clear, usable = (~(self.look(dilate(~part, 1).float(), "bilinear") > 0) for part in (whole, allowed))
        inside = self.inside()
        if 2 * (usable & inside).sum() < (clear & inside).sum():
            return completion(colours, known, whole, allowed)
        seen, given = torch.where(clear, self.look(colours), 0.0), clear | ~inside
        filled = completion(seen, given, given, usable & inside)
        completed = colours.clone()
        places = self.seen(self.missing) - self.first
        completed[0][:, self.missing[:, 0], self.missing[:, 1]] = sampled(filled, places)[0]
        return completed


def moved(pixels: Tensor, homography: Tensor) -> Tensor:
    """[n, 2] -> [n, 2]"""
    seen = pixels.double() @ homography[:, :2].T + homography[:, 2]
    return seen[:, :2] / seen[:, 2:]


def sampled(image: Tensor, places: Tensor, mode: str = "bicubic") -> Tensor:
    """[1, C, H, W] at rows and columns [n, 2], -> [1, C, n]"""
    last = torch.tensor(image.shape[-2:], device=image.device) - 1
    grid = (places / last * 2 - 1).flip(1)[None, None].to(image.dtype)
    return functional.grid_sample(image, grid, mode, "border", align_corners=True)[:, :, 0]
