"""`tv`: total-variation inpainting by split Bregman.

P. Getreuer, "Total Variation Inpainting using Split Bregman", Image Processing On Line 2, 2012, with the splitting of
T. Goldstein and S. Osher, "The Split Bregman Method for L1-Regularized Problems", SIAM J. Imaging Sciences 2(2), 2009.
The local method of the semantic paper's figure 2(c).

The missing values u minimise the vectorial total variation, the known ones stay as they are:

    min_u Σ_pixels |∇u|,  |∇u|² = Σ_channels (∂x u)² + (∂y u)²,  u = f where known.                        (functional)

With d = ∇u and v = u split off, Bregman variables b and c, and penalties γ and ρ, one iteration solves in turn

    d = argmin Σ|d| + γ/2 |d - ∇u - b|²       shrinkage of ∇u + b by 1/γ                                (d subproblem)
    v = f where known, u + c elsewhere        the hard constraint                                       (v subproblem)
    (ρ - γΔ) u = ρ (v - c) - γ div(d - b)     exact by cosine transforms, Neumann boundaries            (u subproblem)
    b = b + ∇u - d,  c = c + u - v

Departures from Getreuer 2012: the constraint is hard (his λ is large outside the hole), the u subproblem is solved
exactly and not by one Gauss-Seidel sweep, ∇u is over-relaxed, and coarse solutions start finer ones: holes of most of
the image converge in about a hundred iterations. The functional does not say how bright a channel is that is missing
whole: it becomes constant, at the mean of the image's known values.
"""

import math
from typing import NamedTuple

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor
from torch.nn import functional

from inpaint_cli.method import Method

OVER_RELAXATION = 1.8  # within (0, 2); Eckstein and Bertsekas 1992 recommend 1.5 to 1.8
COARSEST = 8  # pixels: no coarser start for images whose half is smaller
CHECK_EVERY = 10  # iterations between two looks at the change


@dataclass(frozen=True)
class Settings:
    """When to stop, and the penalties, which change the speed and not the answer."""

    tolerance: float = Field(
        2e-4,
        gt=0,
        description="stop an image when an iteration changes its hole by less (RMS, pixels in [-1, 1]); measured",
    )
    iterations: int = Field(500, ge=1, description="at most, at each scale; measured: 20 to 200 are usual")
    gradient_penalty: float = Field(10.0, gt=0, description="γ; Getreuer 2012 takes 5 for pixels in [0, 1]; measured")
    value_penalty: float = Field(3.0, gt=0, description="ρ; Getreuer 2012 has no v to couple; measured")


class Problem(NamedTuple):
    """What an image's iterations start from and keep: batch first everywhere, so that images can leave the batch."""

    known_values: Tensor  # f, [B, C, H, W]
    known: Tensor  # bool [B, C, H, W]


class State(NamedTuple):
    """The variables of the splitting."""

    image: Tensor  # u, [B, C, H, W]
    gradient: Tensor  # d, [B, 2, C, H, W]
    gradient_error: Tensor  # b, [B, 2, C, H, W]
    value_error: Tensor  # c, [B, C, H, W]


class TV(Method):
    """Total-variation inpainting: nothing to train; deterministic, so that all samples are the same."""

    Settings = Settings
    title = "Total-variation inpainting (Getreuer 2012)"
    paper = "semantic"
    any_size = True

    def complete(self, observed: Tensor, mask: Tensor, *, samples: int = 1, generator: torch.Generator | None = None):
        """[B, C, H, W] and a mask of 1 or C channels -> [B, samples, C, H, W]; hidden pixels are never looked at."""
        known = (mask > 0).expand_as(observed)
        with torch.autocast(observed.device.type, enabled=False):
            problem = Problem(torch.where(known, observed, 0.0).float(), known)
            image = minimise(problem, self.settings).image.clamp(-1, 1)
        completed = torch.where(known, observed, image.to(observed.dtype))
        return completed.unsqueeze(1).expand(-1, samples, -1, -1, -1)


def minimise(problem: Problem, settings: Settings) -> State:
    """Minimise the functional, from a start that the problem at half the size gives."""
    size = problem.known.shape[-2:]
    if min(size) // 2 < COARSEST:
        return split_bregman(problem, first_state(problem), settings)
    return split_bregman(problem, finer(minimise(coarser(problem), settings), problem), settings)


def first_state(problem: Problem) -> State:
    """Missing values at the mean of the image's known ones (0 where nothing is known)."""
    count = problem.known.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1)
    mean = problem.known_values.sum(dim=(1, 2, 3), keepdim=True) / count
    image = torch.where(problem.known, problem.known_values, mean)
    gradient = forward_differences(image)
    return State(image, gradient, torch.zeros_like(gradient), torch.zeros_like(image))


def coarser(problem: Problem) -> Problem:
    """Half the size: a pixel is the mean of its known quarters, and known where any of them is."""
    share = functional.avg_pool2d(problem.known.float(), 2, ceil_mode=True)
    total = functional.avg_pool2d(problem.known_values, 2, ceil_mode=True)
    return Problem(total / share.clamp(min=0.125), share > 0)


def finer(coarse: State, problem: Problem) -> State:
    """The start at twice the size. b carries over unchanged: γ·b is the dual variable, which has no scale."""
    size = problem.known.shape[-2:]
    image = functional.interpolate(coarse.image, size, mode="bilinear", align_corners=False)
    image = torch.where(problem.known, problem.known_values, image)
    error = functional.interpolate(coarse.gradient_error.flatten(1, 2), size).view(len(image), 2, *image.shape[1:])
    error[:, 0, ..., -1] = 0.0  # no difference leaves the image
    error[:, 1, ..., -1, :] = 0.0
    return State(image, forward_differences(image), error, torch.zeros_like(image))


def split_bregman(problem: Problem, state: State, settings: Settings) -> State:
    """Iterate until each image has come to rest. An image that has leaves the batch, so that no other can move it."""
    solve = ScreenedPoisson(problem.known, settings)
    result = State(*(variable.clone() for variable in state))
    active = torch.arange(len(problem.known), device=problem.known.device)
    for iteration in range(1, settings.iterations + 1):
        before = state.image
        state = bregman_iteration(problem, state, solve, 1.0 / settings.gradient_penalty)
        if iteration % CHECK_EVERY and iteration < settings.iterations:
            continue
        resting = hole_change(before, state.image, problem.known) < settings.tolerance
        if iteration == settings.iterations:
            resting = torch.ones_like(resting)
        for whole, part in zip(result, state, strict=True):
            whole[active[resting]] = part[resting]
        active, moving = active[~resting], ~resting
        if not len(active):
            break
        if resting.any():
            problem = Problem(*(tensor[moving] for tensor in problem))
            state = State(*(variable[moving] for variable in state))
    return result


def bregman_iteration(problem: Problem, state: State, solve: "ScreenedPoisson", threshold: float) -> State:
    """d, v, u, then b and c, as numbered above; threshold = 1/γ."""
    relaxed = torch.lerp(state.gradient, forward_differences(state.image), OVER_RELAXATION)
    moved = relaxed + state.gradient_error
    length = moved.square().sum(dim=(1, 2), keepdim=True).sqrt()  # over directions and channels
    error = moved * (threshold / length.clamp(min=threshold))  # b + ∇u - d
    gradient = moved - error  # shrinkage
    value_error = torch.where(problem.known, state.value_error + state.image - problem.known_values, 0.0)
    value = torch.where(problem.known, problem.known_values, state.image)
    return State(solve(value - value_error, gradient - error), gradient, error, value_error)


def hole_change(before: Tensor, after: Tensor, known: Tensor) -> Tensor:
    """RMS change of the missing values of each image; 0 where none is missing. [B]"""
    missing = ~known
    change = ((after - before).square() * missing).sum(dim=(1, 2, 3))
    return (change / missing.sum(dim=(1, 2, 3)).clamp(min=1)).sqrt()


class ScreenedPoisson:
    """(ρ - γΔ) u = ρ values - γ div(gradient) with Neumann boundaries: a division in the basis of cosines."""

    def __init__(self, known: Tensor, settings: Settings):
        height, width = known.shape[-2:]
        self.rows = cosine_basis(height).to(known.device)
        self.columns = cosine_basis(width).to(known.device)
        eigenvalues = laplacian_eigenvalues(height)[:, None] + laplacian_eigenvalues(width)
        self.gradient_penalty, self.value_penalty = settings.gradient_penalty, settings.value_penalty
        self.scale = 1.0 / (self.gradient_penalty * eigenvalues + self.value_penalty).to(known.device)

    def __call__(self, values: Tensor, gradient: Tensor) -> Tensor:
        """[B, C, H, W], [B, 2, C, H, W] -> u, [B, C, H, W]"""
        right = self.value_penalty * values - self.gradient_penalty * divergence(gradient)
        return self.rows.T @ ((self.rows @ right @ self.columns.T) * self.scale) @ self.columns


def cosine_basis(size: int) -> Tensor:
    """The orthonormal DCT-II, which diagonalises the Neumann Laplacian. [size, size], a frequency per row"""
    frequency = torch.arange(size, dtype=torch.float64)
    basis = torch.cos(math.pi / size * frequency[:, None] * (frequency + 0.5)) * math.sqrt(2.0 / size)
    basis[0] /= math.sqrt(2.0)
    return basis.float()


def laplacian_eigenvalues(size: int) -> Tensor:
    """Of -∂² with Neumann boundaries on `size` pixels."""
    return 2.0 - 2.0 * torch.cos(math.pi * torch.arange(size) / size)


def forward_differences(image: Tensor) -> Tensor:
    """∇u: to the right and downwards, 0 at the last column and row. [B, C, H, W] -> [B, 2, C, H, W]"""
    right = functional.pad(image[..., 1:] - image[..., :-1], (0, 1))
    down = functional.pad(image[..., 1:, :] - image[..., :-1, :], (0, 0, 0, 1))
    return torch.stack((right, down), dim=1)


def divergence(gradient: Tensor) -> Tensor:
    """The negative transpose of `forward_differences`; expects its zeros. [B, 2, C, H, W] -> [B, C, H, W]"""
    right, down = gradient.unbind(1)
    return right - functional.pad(right[..., :-1], (1, 0)) + down - functional.pad(down[..., :-1, :], (0, 0, 1, 0))


METHOD = TV
