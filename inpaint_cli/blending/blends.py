"""Blending a completion into its photo: Poisson editing, a feathered rim, or plain pasting.

Poisson editing is Eq. 9 of the semantic paper (P. Vitoria, J. Sintes, C. Ballester, "Semantic Image Inpainting Through
Improved Wasserstein Generative Adversarial Networks", VISAPP 2019), after P. Pérez, M. Gangnet, A. Blake, "Poisson
Image Editing", SIGGRAPH 2003:

    x̂ = argmin_x ‖∇x - ∇G‖²  such that x(i) = y(i) where M(i) = 1                                             (Eq. 9)

over pairs of 4-neighbours of which at least one is missing. Its normal equations are linear: with A = -Δ on the missing
pixels (Dirichlet at known neighbours, Neumann at the image's borders) the correction h = x̂ - G solves A h = r, where r
sums y - G over a missing pixel's known neighbours. Known pixels enter only there, at the rim, and hidden ones nowhere.
"""

from collections.abc import Callable

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from inpaint_cli.blending.poisson import HOLES, distinct_masks

FEATHER_PIXELS = 8


def paste(source: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """`target` where it is known, `source` in the hole. [B, C, H, W], twice, and a mask of [B or 1, C or 1, H, W]

    Like every blend, it leaves known pixels as they are, and answers in the dtype of `target`.
    """
    return torch.where(mask > 0, target, source.to(target.dtype))


@torch.no_grad()
def poisson_blend(source: Tensor, target: Tensor, mask: Tensor, gradient: Tensor | None = None) -> Tensor:
    """The image that has the gradients of `source` inside the hole and the known pixels of `target` (Eq. 9).

    source, target: [B, C, H, W]; mask: {0, 1}, 1 = known, [B or 1, C or 1, H, W]. Of `target` only the known pixels at
        the rim are read; `source` in the hole and one pixel around it, where its gradient across the rim comes from.
    gradient: another field to follow instead of ∇source, [B, 2, C, H, W]: differences to the right and downwards, as in
        Pérez et al.; read on pairs of neighbours of which one is missing. For a `source` that means nothing outside the
        hole, `gradient_inside(source, mask)` asks for no jump across the rim.
    Returns [B, C, H, W] in the dtype of `target`, not clamped: the correction may carry values beyond [-1, 1]. A mask
    without any known pixel leaves nothing to adjust to: the answer is `source`.
    """
    blended = paste(source, target, mask).contiguous()
    wanted, given, result = as_planes(source), as_planes(target), as_planes(blended)
    for missing, planes in distinct_masks(mask, source.shape):
        if missing.all():
            continue
        hole = HOLES.get(missing, source.device)
        if gradient is None:
            right = hole.jumps_at_the_rim(wanted, given, planes)
        else:
            right = hole.jumps_against(gradient.transpose(1, 2).reshape(len(result), 2, -1), result, planes)
        inside = planes[:, None], hole.pixels
        result[inside] = (wanted[inside] + hole.solve(right)).to(result.dtype)
    return blended


def gradient_inside(source: Tensor, mask: Tensor) -> Tensor:
    """∇source between missing pixels, and 0 across the rim: what to follow where `source` exists only in the hole.

    [B, C, H, W], [B or 1, C or 1, H, W] -> [B, 2, C, H, W], differences to the right and downwards.
    """
    missing = (mask <= 0).expand_as(source)
    gradient = source.new_zeros(len(source), 2, *source.shape[1:])
    across = missing[..., 1:] & missing[..., :-1]
    down = missing[..., 1:, :] & missing[..., :-1, :]
    gradient[:, 0, ..., :-1] = torch.where(across, source[..., 1:] - source[..., :-1], 0.0)
    gradient[:, 1, ..., :-1, :] = torch.where(down, source[..., 1:, :] - source[..., :-1, :], 0.0)
    return gradient


@torch.no_grad()
def feather(source: Tensor, target: Tensor, mask: Tensor, pixels: int = FEATHER_PIXELS) -> Tensor:
    """A cross-fade over the outermost `pixels` of the hole; known pixels stay as they are.

    The target is not known inside the hole. What fades there is the step at its rim: a missing pixel at distance d from
    the nearest known one takes 1 - d / (pixels + 1) of the difference that target and source have at that known pixel.
    """
    blended = paste(source, target, mask).contiguous()
    wanted, given, result = as_planes(source), as_planes(target), as_planes(blended)
    for missing, planes in distinct_masks(mask, source.shape):
        if missing.all():
            continue
        distance, nearest = ndimage.distance_transform_edt(missing, return_indices=True)
        places = np.flatnonzero((distance > 0) & (distance <= pixels))
        share = 1 - torch.from_numpy(distance.ravel()[places]).to(target) / (pixels + 1)
        known = torch.from_numpy(np.ravel_multi_index(nearest, missing.shape).ravel()[places]).to(planes.device)
        rows, band = planes[:, None], torch.from_numpy(places).to(planes.device)
        result[rows, band] += share * (given[rows, known] - wanted[rows, known])
    return blended


BLENDS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "poisson": poisson_blend,
    "feather": feather,
    "paste": paste,
}


def as_planes(image: Tensor) -> Tensor:
    """[B, C, H, W] -> [B·C, H·W], a view where it can be."""
    return image.reshape(-1, image.shape[-2] * image.shape[-1])
