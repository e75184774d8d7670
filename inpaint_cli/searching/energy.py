"""The energy that a latent search descends: what images G(z) are compared with, and how.

P. Vitoria, J. Sintes, C. Ballester, "Semantic Image Completion through an Adversarial Strategy", 2019; the weights are
those of Yeh et al., "Semantic Image Inpainting with Deep Generative Models", CVPR 2017:

    Eq. 5, 10      Energy                   contextual terms and a weighted prior
    Eq. 6, 11, 12  Contextual               α W ‖M(G(z) - y)‖ + β W ‖M(∇G(z) - ∇y)‖, both L1 norms: sums, as printed
    text           gradient_where_known     central differences, one-sided at the hole's edge
    Eq. 7, 14      weights_around_hole      known pixels near the hole count most
    Eq. 15         weights_in_hole          a reference counts inside the hole
    Eq. 8, 13      (a function of the method)  what its critics think of G(z)
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW = 7  # N_i of Eq. 7, pixels


class Contextual(NamedTuple):
    """One contextual term of each of B images (Eq. 6, 11, 12)."""

    image: Tensor  # y, [B, C, H, W]
    mask: Tensor  # M, [B, 1, H, W]: where y says something
    weights: Tensor  # W, [B, 1, H, W]
    colour: float  # α
    gradient: float  # β

    def rows(self, places: Tensor) -> "Contextual":
        return Contextual(self.image[places], self.mask[places], self.weights[places], self.colour, self.gradient)

    def cut(self, rows: slice, columns: slice) -> "Contextual":
        image, mask, weights = (tensor[..., rows, columns] for tensor in (self.image, self.mask, self.weights))
        return Contextual(image, mask, weights, self.colour, self.gradient)

    def energy(self, generated: Tensor) -> Tensor:
        """α W ‖M(G - y)‖ + β W ‖M(∇G - ∇y)‖: [N, C, H, W] -> [N]."""
        difference = torch.where(self.mask > 0, generated - self.image, 0.0)
        total = difference.new_zeros(len(difference))
        if self.colour:
            total = total + self.colour * (self.weights * difference.abs()).sum(dim=(1, 2, 3))
        if self.gradient:
            steepness = sum(slope.abs() for slope in gradient_where_known(difference, self.mask))
            total = total + self.gradient * (self.weights * steepness).sum(dim=(1, 2, 3))
        return total


def gradient_where_known(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """∇ along columns and rows: central differences, one-sided where a neighbour is missing, 0 where both are.

    image: [N, C, H, W]; mask: [N, 1, H, W]. A difference in which a missing pixel takes part counts nowhere.
    """
    return _slope(image, mask, 3), _slope(image, mask, 2)


def _slope(image: Tensor, mask: Tensor, axis: int) -> Tensor:
    length = image.shape[axis]
    known = mask.narrow(axis, 1, length - 1) * mask.narrow(axis, 0, length - 1)
    step = (image.narrow(axis, 1, length - 1) - image.narrow(axis, 0, length - 1)) * known
    before, after = ((1, 0, 0, 0), (0, 1, 0, 0)) if axis == 3 else ((0, 0, 1, 0), (0, 0, 0, 1))
    count = F.pad(known, before) + F.pad(known, after)
    return (F.pad(step, before) + F.pad(step, after)) / count.clamp(min=1)


def missing_nearby(mask: Tensor) -> Tensor:
    """The share of missing pixels in each pixel's window: Σ_j (1 - M(j)) / |N_i|, N_i cut off at the image's edges."""
    return F.avg_pool2d(1 - mask, WINDOW, 1, WINDOW // 2, count_include_pad=False)


def weights_around_hole(mask: Tensor) -> Tensor:
    """W of Eq. 7 and W_1 of Eq. 14: [B, 1, H, W], 0 where a pixel is missing or far from all that are."""
    return mask * missing_nearby(mask)


def weights_in_hole(mask: Tensor) -> Tensor:
    """W_2 of Eq. 15: (1 - M)(1 - Σ_j M(j) / |N_i|), largest deep inside the hole."""
    return (1 - mask) * missing_nearby(mask)


class Energy(NamedTuple):
    """What is descended: Eq. 5 with its Eq. 6-8, or Eq. 10 with its Eq. 11-13."""

    terms: Sequence[Contextual]
    prior: Callable[[Any, Tensor], Tensor]  # (the method or its copy, images [N, C, H, W]) -> [N]
    prior_weight: float  # η

    def contextual(self, generated: Tensor) -> Tensor:
        """[N, C, H, W] -> [N]"""
        return _total(term.energy(generated) for term in self.terms)

    def total(self, networks: Any, generated: Tensor, dtype: torch.dtype) -> Tensor:
        """What is descended, with networks of type `dtype`: [N, C, H, W] -> [N]."""
        prior = self.prior(networks, generated.to(dtype)).float()
        return self.contextual(generated.float()) + self.prior_weight * prior

    def rows(self, places: Tensor) -> "Energy":
        return self._replace(terms=[term.rows(places) for term in self.terms])

    def near(self, place: int) -> tuple["Energy", slice, slice]:
        """One image's energy within the rectangle that it looks at, and that rectangle."""
        counts = _total(term.weights[place, 0] for term in self.terms) > 0
        rows, columns = (_reach(counts.any(dim=axis)) for axis in (1, 0))
        one = torch.tensor([place], device=counts.device)
        return self._replace(terms=[term.rows(one).cut(rows, columns) for term in self.terms]), rows, columns


def _total(parts: Iterable[Tensor]) -> Tensor:
    first, *others = parts
    return sum(others, first)


def _reach(line: Tensor) -> slice:
    """From the first to the last true, and one further on each side: there begins what a difference needs."""
    places = line.nonzero()
    if not len(places):
        return slice(0, len(line))
    return slice(max(int(places[0]) - 1, 0), int(places[-1]) + 2)
