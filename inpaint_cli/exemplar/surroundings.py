"""How detailed a filled hole is beside the sides of its surroundings.

The least energy repeats the emptiest patch, and of a field of stars nothing is left. Kaspar et al., "Self Tuning
Texture Optimization", Computer Graphics Forum 34(2), 2015, forbid it by how often a source is used. How much detail is
left tells it as well, and tells it from plain walls, whose sources repeat too.
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

SIDES = 8  # directions from the hole, in which its surroundings are told apart
AROUND = 2.0  # how far they reach, in depths of the hole
LEAST = 16  # pixels of a side that counts
EMPTIED = 0.75  # of the least detailed side's detail, below which a hole lacks what is all around it; measured
EVEN = 0.7  # of the sides' mean detail, above which the least detailed side shows the same texture; measured


class Detail(NamedTuple):
    """Mean gradients of one image, nan where there is nothing to measure."""

    inside: float  # of the hole, its rim apart
    sides: np.ndarray  # of the known pixels in each direction that has some

    @property
    def emptied(self) -> bool:
        """Whether the hole lacks what is all around it."""
        return len(self.sides) > 0 and bool(self.inside < EMPTIED * self.sides.min())

    @property
    def even(self) -> bool:
        """Whether the same texture is all around."""
        return len(self.sides) > 0 and bool(self.sides.min() > EVEN * self.sides.mean())


def emptied_and_even(images: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Of filled colours [B, C, H, W] and bool [B, 1, H, W]: whose hole was emptied, whose surroundings are even. [B]"""
    found = [detail(*pair) for pair in zip(images.mean(dim=1).cpu().numpy(), known[:, 0].cpu().numpy(), strict=True)]
    emptied, even = [one.emptied for one in found], [one.even for one in found]
    return torch.tensor(emptied, device=images.device), torch.tensor(even, device=images.device)


def detail(grey: np.ndarray, known: np.ndarray) -> Detail:
    """Of one image: [H, W], bool [H, W]. On which side a known pixel is, the nearest missing one says."""
    if known.all() or not known.any():
        return Detail(np.nan, np.empty(0))
    gradient = np.hypot(*np.gradient(grey))
    depth = ndimage.distance_transform_edt(~known)
    distance, nearest = ndimage.distance_transform_edt(known, return_indices=True)
    down, right = np.indices(known.shape) - nearest
    side = np.rint(np.arctan2(down, right) / (2 * np.pi) * SIDES).astype(int) % SIDES
    around = (distance > 1) & (distance <= AROUND * depth.max())
    there = [around & (side == number) for number in range(SIDES)]
    core = depth > 1
    return Detail(
        float(gradient[core].mean()) if core.any() else np.nan,
        np.array([gradient[where].mean() for where in there if where.sum() >= LEAST]),
    )
