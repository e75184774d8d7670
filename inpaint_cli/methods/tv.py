"""`tv`: total-variation inpainting by split Bregman.

P. Getreuer, "Total Variation Inpainting using Split Bregman", Image Processing On Line 2, 2012, with the splitting of
T. Goldstein and S. Osher, "The Split Bregman Method for L1-Regularized Problems", SIAM J. Imaging Sciences 2(2), 2009.
The local method of the semantic paper's figure 2(c).

The missing values u minimise the vectorial total variation, the known ones stay as they are:

    min_u Σ_pixels |∇u|,  |∇u|² = Σ_channels (∂x u)² + (∂y u)²,  u = f where known.                        (functional)

With d = ∇u split off, a Bregman variable b and a penalty γ, one iteration solves in turn

    d = argmin Σ|d| + γ/2 |d - ∇u - b|²          shrinkage of ∇u + b by 1/γ                             (d subproblem)
    b = b + ∇u - d
    u = argmin |∇u - d + b|², u = f where known  Poisson's equation on the hole: -Δ δ = div(∇u - d + b)  (u subproblem)
                                                 and u + δ

Only the hole's pixels and those around them are ever touched: outside, the functional is constant.

Departures from Getreuer 2012: the constraint is hard (his λ is large outside the hole), the u subproblem is solved
by a factorisation that is made once (by multigrid where the hole is very large) and not by one Gauss-Seidel sweep,
∇u is over-relaxed, and coarse solutions start finer ones. The functional does not say how bright a channel is that is
missing whole: it becomes constant, at the mean of the image's known values.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor
from torch.nn import functional

from inpaint_cli.blending.poisson import HOLES, Hole, distinct_masks
from inpaint_cli.method import Method

OVER_RELAXATION = 1.8  # within (0, 2); Eckstein and Bertsekas 1992 recommend 1.5 to 1.8
COARSEST = 8  # pixels: no coarser start for images whose half is smaller
CHECK_EVERY = 10  # iterations between two looks at the change
SOLVE_TO = 0.1  # of the residual, where the u subproblem is solved by iterations: the next step goes on from there


@dataclass(frozen=True)
class Settings:
    """When to stop, and the penalty, which changes the speed and not the answer."""

    tolerance: float = Field(
        2e-4,
        gt=0,
        description="stop an image when an iteration changes its hole by less (RMS, pixels in [-1, 1]); measured",
    )
    iterations: int = Field(500, ge=1, description="at most, at each scale; measured: 20 to 200 are usual")
    gradient_penalty: float = Field(5.0, gt=0, description="γ; Getreuer 2012 takes 5 for pixels in [0, 1]; measured")


class State(NamedTuple):
    """The variables of the splitting, on the pixels that a `Region` lists."""

    values: Tensor  # u, [C, values]
    gradient: Tensor  # d, [2, C, gradients]
    error: Tensor  # b, [2, C, gradients]


class TV(Method):
    """Total-variation inpainting: nothing to train; deterministic, so that all samples are the same."""

    settings: Settings
    Settings = Settings
    title = "Total-variation inpainting (Getreuer 2012)"
    paper = "semantic"
    any_size = True
    per_channel = True
    one_completion = True

    def complete(self, observed, mask, *, samples=1, generator=None):
        """[B, C, H, W] and a mask of 1 or C channels -> [B, samples, C, H, W]; hidden pixels are never looked at."""
        known = (mask > 0).expand(len(observed), *mask.shape[1:])
        completed = torch.stack(
            [complete_one(*pair, self.settings, self.tell) for pair in zip(observed, known, strict=True)]
        )
        return completed.unsqueeze(1).expand(-1, samples, -1, -1, -1)


def complete_one(
    observed: Tensor, known: Tensor, settings: Settings, tell: Callable[[float], object] = lambda share: None
) -> Tensor:
    """[C, H, W] and bool [1 or C, H, W] -> [C, H, W]; tell: hears the share of the work that is done."""
    count = known.expand_as(observed).sum().clamp(min=1)
    image = torch.where(known, observed, 0.0).float()
    image = torch.where(known, image, image.sum(dtype=torch.float64).float() / count)
    given = known | ~known.flatten(1).any(dim=1)[:, None, None]  # a channel that is missing whole is done
    completed = minimise(image, ~given, settings, tell)[0].clamp_(-1, 1)
    return torch.where(known, observed, completed.to(observed.dtype))


def minimise(
    image: Tensor, missing: Tensor, settings: Settings, tell: Callable[[float], object] = lambda share: None
) -> tuple[Tensor, "tuple[Region, State] | None"]:
    """The image with its missing values at the functional's minimum; where that is, with the last variables.

    image: [C, H, W], some value where it is missing; missing: bool [1 or C, H, W], in no channel everywhere.
    The start is the solution of the problem at half the size, a quarter of the work.
    """
    if not missing.any():
        return image, None
    region, error, share = Region(missing, len(image)), None, 0.0
    if min(image.shape[-2:]) // 2 >= COARSEST:
        coarse, found = minimise(*coarser(image, missing), settings, lambda share: tell(share / 4))
        share = 0.25
        image = torch.where(missing, enlarged(coarse, image.shape[-2:]), image)
        error = finer(*found, region) if found else None
    state = split_bregman(region, region.start(image, error), settings, partial(tell, share))
    return region.put(state.values, image), (region, state)


def coarser(image: Tensor, missing: Tensor) -> tuple[Tensor, Tensor]:
    """Half the size: a pixel is the mean of its known quarters, and missing where all of them are."""
    share = functional.avg_pool2d((~missing).float(), 2, ceil_mode=True)
    total = functional.avg_pool2d(torch.where(missing, 0.0, image), 2, ceil_mode=True)
    mean = image.flatten(1).mean(dim=1)[:, None, None]
    return torch.where(share > 0, total / share.clamp(min=0.125), mean), share == 0


def enlarged(image: Tensor, size: torch.Size) -> Tensor:
    """Bilinear. [C, h, w] -> [C, *size]"""
    return functional.interpolate(image[None], size, mode="bilinear", align_corners=False)[0]


def finer(coarse: "Region", state: State, region: "Region") -> Tensor:
    """b at twice the size. It carries over unchanged: γ·b is the dual variable, which has no scale."""
    number = coarse.numbers(coarse.gradients)
    rows, columns = region.gradients // region.size[1], region.gradients % region.size[1]
    parent = number[rows // 2 * coarse.size[1] + columns // 2]
    error = functional.pad(state.error[..., parent], (0, 1))
    error[0] *= region.right != region.here  # no difference leaves the image
    error[1] *= region.below != region.here
    return error


def split_bregman(
    region: "Region", state: State, settings: Settings, hear: Callable[[], object] = lambda: None
) -> State:
    """Iterate until the hole has come to rest; `hear` is called each time, and may end it by raising."""
    for iteration in range(1, settings.iterations + 1):
        hear()
        before = state.values
        state = bregman_iteration(region, state, 1.0 / settings.gradient_penalty)
        if iteration % CHECK_EVERY == 0 and region.change(before, state.values) < settings.tolerance:
            break
    return state


def bregman_iteration(region: "Region", state: State, threshold: float) -> State:
    """d, b, then u, as numbered above; threshold = 1/γ."""
    slope = region.differences(state.values)
    moved = torch.lerp(state.gradient, slope, OVER_RELAXATION) + state.error
    length = moved.square().sum(dim=(0, 1)).sqrt_()  # over directions and channels
    error = moved * (threshold / length.clamp_(min=threshold))  # b + ∇u - d
    gradient = moved - error  # shrinkage
    values = state.values + region.solve(region.divergence(slope - gradient + error))
    return State(values, gradient, error)


class Region:
    """Where an image's functional can change: positions in the flattened image, and what lies beside them.

    Gradients are listed at the hole's pixels and at their left and upper neighbours, values there and to the right and
    below. The last gradient is none: it stays 0, for the neighbours that a pixel at the image's border lacks.
    """

    def __init__(self, missing: Tensor, channels: int):
        """missing: bool [1 or channels, H, W], true = missing."""
        self.size, self.missing = missing.shape[-2:], missing
        anywhere = missing.any(dim=0)
        touched = anywhere | shifted(anywhere, 0, -1) | shifted(anywhere, -1, 0)
        needed = touched | shifted(touched, 0, 1) | shifted(touched, 1, 0)
        places = (where.flatten().nonzero()[:, 0] for where in (anywhere, touched, needed))
        self.hole, self.gradients, self.values = places
        self._find_values()
        self._find_gradients()
        self.systems = list(self._find_systems(channels))

    def _find_values(self) -> None:
        """Which values each gradient is a difference of, and which of them are missing."""
        number, (height, width) = self.numbers(self.values), self.size
        right = self.gradients + (self.gradients % width < width - 1)
        below = self.gradients + width * (self.gradients < (height - 1) * width)
        self.here, self.right, self.below = (
            functional.pad(number[place], (0, 1)) for place in (self.gradients, right, below)
        )
        self.unknown = number[self.hole]

    def _find_gradients(self) -> None:
        """Which gradients the divergence at a pixel of the hole takes."""
        number, width, none = self.numbers(self.gradients), self.size[1], len(self.gradients)
        self.own = number[self.hole]
        self.left = torch.where(self.hole % width > 0, number[(self.hole - 1).clamp(min=0)], none)
        self.above = torch.where(self.hole >= width, number[(self.hole - width).clamp(min=0)], none)

    def _find_systems(self, channels: int) -> Iterator[tuple[Hole, Tensor, Tensor]]:
        """Each different hole, the channels that have it [k, 1], and its pixels' numbers among all that are missing."""
        number, device = self.numbers(self.hole), self.hole.device
        for missing, planes in distinct_masks(~self.missing[None], (1, channels, *self.size)):
            hole = HOLES.get(missing, device)
            yield hole, planes[:, None], number[hole.pixels]

    def numbers(self, positions: Tensor) -> Tensor:
        """For each pixel of the flattened image its number among `positions`; -1 elsewhere."""
        number = torch.full((self.size[0] * self.size[1],), -1, device=positions.device)
        number[positions] = torch.arange(len(positions), device=positions.device)
        return number

    def start(self, image: Tensor, error: Tensor | None) -> State:
        """The first variables: u from an image [C, H, W], d = ∇u."""
        values = image.flatten(1)[:, self.values].double()
        gradient = self.differences(values)
        return State(values, gradient, torch.zeros_like(gradient) if error is None else error)

    def put(self, values: Tensor, image: Tensor) -> Tensor:
        """The image [C, H, W] with u where it is missing."""
        flat = image.flatten(1).clone()
        flat[:, self.values] = values.to(image.dtype)
        return torch.where(self.missing, flat.view_as(image), image)

    def differences(self, values: Tensor) -> Tensor:
        """∇u: to the right and downwards, 0 at the last column and row. [C, values] -> [2, C, gradients]"""
        here = values[:, self.here]
        return torch.stack((values[:, self.right] - here, values[:, self.below] - here))

    def divergence(self, gradient: Tensor) -> Tensor:
        """The negative transpose of `differences`, at the hole. [2, C, gradients] -> [C, hole]"""
        across, down = gradient
        return across[:, self.own] - across[:, self.left] + down[:, self.own] - down[:, self.above]

    def solve(self, right: Tensor) -> Tensor:
        """δ of -Δ δ = right on the hole of each channel, 0 elsewhere. [C, hole] -> [C, values]"""
        change = right.new_zeros(len(right), len(self.values))
        for hole, channels, members in self.systems:
            change[channels, self.unknown[members]] = hole.solve(right[channels, members], SOLVE_TO)
        return change

    def change(self, before: Tensor, after: Tensor) -> float:
        """RMS change of the missing values."""
        count = sum(len(channels) * len(members) for _, channels, members in self.systems)
        return float(((after - before).square().sum() / count).sqrt())


def shifted(where: Tensor, down: int, right: int) -> Tensor:
    """A bool image [H, W] moved by -1, 0 or 1 pixels; false moves in. A negative pad cuts."""
    return functional.pad(where, (right, -right, down, -down))


METHOD = TV
