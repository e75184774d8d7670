"""Pixels from patches: every patch over a missing pixel votes for a colour, or the best one gives it."""

import torch
from torch import Tensor

from inpaint_cli.exemplar.field import Field

FADING = 1.3  # γ in Wexler et al. 2007: a patch counts γ^-distance from the hole's rim
PIXELS = 16384  # that vote at a time


def rim_weight(depth: Tensor) -> Tensor:
    """γ^-depth; deeper than 100 pixels all count alike, and nothing underflows."""
    return FADING ** -depth.clamp(max=100)


def vote(field: Field, voted: Tensor, table: Tensor, confidence: Tensor, spread: Tensor) -> Tensor:
    """The weighted mean over the patches that hold each of the pixels `voted`. [V] -> [V, F]

    A patch's weight is confidence · exp(-d / 2σ²), σ² = spread · the mean distance d of the pixel's patches (Newson et
    al. 2017, take a quantile): a small spread is nearly the best patch alone. confidence: one for each target,
    [N]; spread: one for each pixel, [V]. A pixel whose patches are all infinitely far keeps its value.
    """
    results = []
    for pixels, its_spread in zip(voted.split(PIXELS), spread.split(PIXELS), strict=True):
        row, sources, distances = _votes(field, pixels)
        counted = distances.isfinite()
        total = distances.masked_fill(~counted, 0.0).sum(dim=1, keepdim=True)
        variance = its_spread[:, None] * total / counted.sum(dim=1, keepdim=True).clamp(min=1)
        nearest = distances.amin(dim=1, keepdim=True).nan_to_num(posinf=0.0)
        closeness = torch.exp((nearest - distances) / (2 * variance).clamp(min=1e-12))  # 1 for the nearest
        weights = closeness * confidence[row.clamp(min=0)]
        total = weights.sum(dim=1, keepdim=True)
        mean = (table[sources] * (weights / total.clamp(min=1e-30))[:, :, None]).sum(dim=1)
        results.append(torch.where(total > 0, mean, table[pixels]))
    return torch.cat(results)


def best_places(field: Field, voted: Tensor) -> Tensor:
    """The pixel that the nearest of the patches over each one offers (Newson et al. 2017). [V] -> [V]"""
    results = []
    for pixels in voted.split(PIXELS):
        _, sources, distances = _votes(field, pixels)
        best = distances.argmin(dim=1, keepdim=True)
        results.append(sources.gather(1, best)[:, 0])
    return torch.cat(results)


def _votes(field: Field, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each pixel and each place in a patch: the target (-1 = none), the pixel it offers, its distance. [m, P]"""
    layout = field.layout
    centres = (pixels[:, None] - layout.offsets).clamp(0, len(layout.target_row) - 1)
    row = layout.target_row[centres].long()
    known = row.clamp(min=0)
    sources = torch.where(row >= 0, field.sources[known] + layout.offsets, 0)
    distances = torch.where(row >= 0, field.distances[known], torch.inf)
    return row, sources, distances
