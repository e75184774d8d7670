"""Images at halved sizes, with the texture features that Newson et al. 2017 add to colour."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

TEXTURE_WEIGHT = 50.0  # λ in Newson et al. 2017: of squared texture differences beside squared colour ones
HALF = 0.5
SOURCES = 1_500_000  # of a batch: their descriptors take about 150 MB
CELL = 32  # pixels: how finely the distance to the hole is told when sources are too many


@dataclass(frozen=True)
class Level:
    """One size of the images. Missing colours and features are 0."""

    colours: Tensor  # [B, C, H, W]
    texture: Tensor  # [B, 2, H, W], times √λ
    known: Tensor  # bool [B, 1, H, W]
    allowed: Tensor  # bool [B, 1, H, W]: known, and may be copied from

    @property
    def size(self) -> tuple[int, int]:
        height, width = self.known.shape[-2:]
        return height, width

    def images(self) -> Tensor:
        """Colours and features. [B, C + 2, H, W]"""
        return torch.cat((self.colours, self.texture), dim=1)

    def table(self) -> Tensor:
        """The same of every pixel, channels last. [B·H·W, C + 2]"""
        return self.images().permute(0, 2, 3, 1).flatten(0, 2)


def finest_level(
    colours: Tensor,
    known: Tensor,
    allowed: Tensor,
    window: int | None = None,
    hear: Callable[[], object] = lambda: None,
) -> Level:
    """The images at their own size, missing colours 0; `window`: the side in pixels over which texture is averaged.

    Without one there are no texture features. Sources are those near the hole if there are very many. hear: called now
    and then, to end all by raising.
    """
    texture = colours[:, :0] if window is None else texture_features(colours, known, window, hear)
    return Level(colours, texture, known, near_hole(known, known & allowed))


def near_hole(known: Tensor, allowed: Tensor) -> Tensor:
    """What of `allowed` is so near to a missing pixel that not more than SOURCES are left. bool [B, 1, H, W]"""
    height, width = known.shape[-2:]
    cells = functional.max_pool2d((~known).float(), CELL, ceil_mode=True) > 0
    reach = max(cells.shape[-2:])
    while allowed.sum() > SOURCES and reach > 1:
        reach //= 2
        near = dilate(cells, reach).repeat_interleave(CELL, dim=2).repeat_interleave(CELL, dim=3)
        allowed = allowed & near[..., :height, :width]
    return allowed


def texture_features(colours: Tensor, known: Tensor, window: int, hear: Callable[[], object] = lambda: None) -> Tensor:
    """Mean |∂x| and |∂y| of the grey image over the known part of a window (Newson et al. 2017). [B, 2, H, W]"""
    grey = colours.mean(dim=1, keepdim=True)
    features = []
    for axis in (-1, -2):
        both = known.narrow(axis, 1, known.shape[axis] - 1) & known.narrow(axis, 0, known.shape[axis] - 1)
        change = torch.where(both, grey.diff(dim=axis).abs(), 0.0)
        pad = (0, 1) if axis == -1 else (0, 0, 0, 1)
        total, share = (_box_mean(functional.pad(part, pad), window, hear) for part in (change, both.float()))
        features.append(total / share.clamp(min=1e-6))
    return torch.where(known, torch.cat(features, dim=1) * TEXTURE_WEIGHT**0.5, 0.0)


def _box_mean(image: Tensor, side: int, hear: Callable[[], object]) -> Tensor:
    """The mean over side × side pixels (zeros beyond the edges), one axis after the other."""
    for kernel in ((1, side), (side, 1)):
        hear()
        image = functional.avg_pool2d(image, kernel, 1, (kernel[0] // 2, kernel[1] // 2))
    return image


def coarser(level: Level) -> Level:
    """Half the size: a pixel is known where at least half of its quarters are, and is their mean. Holes do not grow."""
    share, allowed = (_mean_of_quarters(part.float()) for part in (level.known, level.allowed))
    known = share >= HALF
    images = torch.where(known, _mean_of_quarters(level.images()) / share.clamp(min=HALF), 0.0)
    colours, texture = images.split([level.colours.shape[1], level.texture.shape[1]], dim=1)
    return Level(colours, texture, known, allowed >= HALF)


def _mean_of_quarters(image: Tensor) -> Tensor:
    """At an odd edge, of those that exist."""
    return functional.avg_pool2d(image, 2, ceil_mode=True)


def depth_in_hole(known: Tensor) -> Tensor:
    """Pixels' Euclidean distance to the nearest known one of their image; 0 where known. [B, 1, H, W], float

    Where an image has no known pixel, the distance to a point beyond its longest side.
    """
    height, width = known.shape[-2:]
    depths = [
        ndimage.distance_transform_edt(~image).astype(np.float32)
        if image.any()
        else np.full((height, width), float(height + width), np.float32)
        for image in known[:, 0].cpu().numpy()
    ]
    return torch.from_numpy(np.stack(depths))[:, None].to(known.device)


def dilate(where: Tensor, radius: int) -> Tensor:
    """Squares of 2·radius + 1 around each true pixel. bool [B, 1, H, W]"""
    if radius == 0:
        return where
    grown = where.float()
    for kernel in ((1, 2 * radius + 1), (2 * radius + 1, 1)):
        grown = functional.max_pool2d(grown, kernel, 1, (kernel[0] // 2, kernel[1] // 2))
    return grown > 0


def open_squares(where: Tensor, radius: int) -> Tensor:
    """The part of it into which squares of 2·radius + 1 fit. bool [B, 1, H, W]"""
    return dilate(~dilate(~where, radius), radius)
