"""The smooth start: missing colours of least bending, Σ (Δu)², by conjugate gradients on the missing pixels alone."""

import torch
from torch import Tensor
from torch.nn import functional

from inpaint_cli.exemplar.layout import with_neighbours

RESIDUAL = 1e-3  # of the right side's norm: further iterations change less than a grey level
ITERATIONS = 300


class Bending:
    """Δ on the missing pixels and those beside them, as lists: what is far from the hole costs nothing.

    Nothing bends across the image's edges: a neighbour beyond them is the pixel itself.
    """

    def __init__(self, known: Tensor):
        """known: bool [B, 1, H, W]"""
        missing = ~known
        near = with_neighbours(missing)
        nodes = with_neighbours(near).flatten().nonzero()[:, 0]  # everything that Δ near the hole reads
        number = torch.full((known.numel(),), -1, device=known.device)
        number[nodes] = torch.arange(len(nodes), device=known.device)
        self.nodes = nodes
        self.neighbours = number[_neighbours(nodes, *known.shape[-2:])]  # [n, 4]; -1 outside `nodes`
        self.near = near.flatten()[nodes][:, None]
        self.missing = missing.flatten()[nodes][:, None]

    def laplacian(self, values: Tensor) -> Tensor:
        """[n, C] -> [n, C], 0 away from the hole."""
        total = sum(values[self.neighbours[:, side]] for side in range(4))
        return torch.where(self.near, 4 * values - total, 0.0)

    def energy_gradient(self, values: Tensor) -> Tensor:
        """ΔΔu at the missing pixels, 0 elsewhere. Δ is symmetric; a missing pixel's neighbours are all near."""
        bent = self.laplacian(values)
        total = sum(bent[self.neighbours[:, side]] for side in range(4))
        return torch.where(self.missing, 4 * bent - total, 0.0)


def _neighbours(pixels: Tensor, height: int, width: int) -> Tensor:
    """Left, right, above, below; at the image's edge the pixel itself. [n] -> [n, 4]"""
    column, row = pixels % width, pixels // width % height
    inside = (column > 0, column < width - 1, row > 0, row < height - 1)
    return torch.stack(
        [
            torch.where(there, pixels + shift, pixels)
            for there, shift in zip(inside, (-1, 1, -width, width), strict=True)
        ],
        dim=1,
    )


def bend_least(colours: Tensor, known: Tensor, start: Tensor) -> Tensor:
    """Colours that minimise Σ (Δu)² next to the hole, from `start`; all [B, C, H, W], known bool [B, 1, H, W]."""
    problem = Bending(known)
    table = torch.where(known, colours, start).permute(0, 2, 3, 1).flatten(0, 2)  # [B·H·W, C]
    values = table[problem.nodes]
    table[problem.nodes] = conjugate_gradients(problem, values)
    return table.view(len(known), *known.shape[-2:], -1).permute(0, 3, 1, 2)


def conjugate_gradients(problem: Bending, values: Tensor) -> Tensor:
    """Solve ΔΔu = 0 on the missing pixels, every channel by itself. [n, C]"""
    residual = -problem.energy_gradient(values)
    direction = residual
    size = residual.square().sum(dim=0)
    reference = problem.energy_gradient(torch.where(problem.missing, 0.0, values)).square().sum(dim=0)
    for _ in range(ITERATIONS):
        if (size <= RESIDUAL**2 * reference).all():
            break
        bent = problem.energy_gradient(direction)
        step = size / (direction * bent).sum(dim=0).clamp(min=1e-30)
        values = values + step * direction
        residual = residual - step * bent
        fresh = residual.square().sum(dim=0)
        direction = residual + (fresh / size.clamp(min=1e-30)) * direction
        size = fresh
    return values


def smooth_fill(colours: Tensor, known: Tensor) -> Tensor:
    """Least bending from a coarse start, within each image's known range; its mean, or 0, where nothing is known.

    colours: [B, C, H, W], missing 0; known: bool [B, 1 or C, H, W]: channels that are missing apart are filled apart.
    """
    if known.shape[1] > 1:
        filled = smooth_fill(colours.flatten(0, 1)[:, None], known.flatten(0, 1)[:, None])
        return filled.view_as(colours)
    lowest = colours.masked_fill(~known, torch.inf).amin(dim=(2, 3), keepdim=True)
    highest = colours.masked_fill(~known, -torch.inf).amax(dim=(2, 3), keepdim=True)
    nothing = ~known.flatten(1).any(dim=1)[:, None, None, None]
    filled = bend_least(colours, known, coarse_start(colours, known.float()))
    return torch.where(nothing, 0.0, filled.clamp(lowest.nan_to_num(-1, -1, -1), highest.nan_to_num(1, 1, 1)))


def coarse_start(colours: Tensor, share: Tensor) -> Tensor:
    """Missing pixels from the known ones around them, over ever larger squares until every square has some."""
    if min(colours.shape[-2:]) < 2 or (share > 0).all():
        return torch.where(share > 0, colours / share.clamp(min=1e-6), 0.0)
    coarse = coarse_start(*(functional.avg_pool2d(part, 2, ceil_mode=True) for part in (colours, share)))
    enlarged = functional.interpolate(coarse, colours.shape[-2:], mode="bilinear")
    return torch.where(share > 0, colours / share.clamp(min=1e-6), enlarged)
