"""Completion by descending an energy over the latent space of a trained generator, whole batches of images at once.

Vitoria, Sintes, Ballester, "Semantic Image Completion through an Adversarial Strategy", 2019, and Yeh et al., "Semantic
Image Inpainting with Deep Generative Models", CVPR 2017:

    Eq. 5, 10    search, Energy             ẑ = argmin_z of contextual terms and a weighted prior, z kept in [-1, 1]
    Eq. 6        Contextual                 α W ‖M(G(z) - y)‖ + β W ‖M(∇G(z) - ∇y)‖, both L1 norms
    Eq. 7, 14    weights_around_hole        known pixels near the hole count most
    Eq. 8, 13    (the method's own prior)   what its critics think of G(z)
    Eq. 9        edited                     Poisson editing of G(ẑ) into the image
    Eq. 11       Contextual                 Eq. 6 for the face that is changed
    Eq. 12, 15   Contextual, weights_in_hole    the reference's gradients, inside the hole

What is done otherwise than in the papers, so that less has to be computed for the same energy:
- Starts are not one random z: many are drawn once, all images look at all of them, each takes the best that differ.
- All starts of all images descend together, in blocks of one fixed size. Blocks are what makes the result for an image
  independent of what else is in the batch: libraries round differently at other batch sizes. The last one is filled up.
- A start whose energy no longer falls stops, and its place is taken.
- The prior changes slowly: its gradient with respect to the image is computed every `prior_every` steps and kept
  between (1 computes it in each step). Energies are compared only where they are exact.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from inpaint_cli.blending import poisson_blend
from inpaint_cli.errors import DivergedError, InputError
from inpaint_cli.networks.folding import frozen_copy

WINDOW = 7  # N_i of Eq. 7, pixels
BETAS = (0.9, 0.999)  # Adam's, section 4
BLOCK = {"cpu": 32, "cuda": 256}  # rows that are computed together
LOOK_EVERY = 8  # steps between looks at who has come to rest
THUMBNAIL = 16  # pixels; starts are told apart at this size
SHORTLIST = 4  # times as many starts as are wanted: the best by energy, of which those that differ are taken


@dataclass(frozen=True)
class Plan:
    """How long and how widely is searched."""

    steps: int = 1000  # at most
    restarts: int = 4  # starts of each image
    candidates: int = 512  # random z that the starts are chosen from
    rate: float = 0.03  # Adam's learning rate
    limit: float = 1.0  # z stays in [-limit, limit]
    prior_every: int = 4
    tolerance: float = 1e-3  # of the contextual energy: what falls less in `patience` steps has come to rest; 0 = never
    patience: int = 32


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
        parts = [tensor[..., rows, columns] for tensor in (self.image, self.mask, self.weights)]
        return Contextual(*parts, self.colour, self.gradient)

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
    prior_weight: float  # η

    def contextual(self, generated: Tensor) -> Tensor:
        """[N, C, H, W] -> [N]"""
        return sum(term.energy(generated) for term in self.terms)

    def rows(self, places: Tensor) -> "Energy":
        return Energy([term.rows(places) for term in self.terms], self.prior_weight)

    def near(self, place: int) -> tuple["Energy", slice, slice]:
        """One image's energy within the rectangle that it looks at, and that rectangle."""
        counts = sum(term.weights[place, 0] for term in self.terms) > 0
        rows, columns = (_reach(counts.any(dim=axis)) for axis in (1, 0))
        one = torch.tensor([place], device=counts.device)
        return Energy([term.rows(one).cut(rows, columns) for term in self.terms], 0.0), rows, columns


def _reach(line: Tensor) -> slice:
    """From the first to the last true, and one further on each side: there begins what a difference needs."""
    places = line.nonzero()
    if not len(places):
        return slice(0, len(line))
    return slice(max(int(places[0]) - 1, 0), int(places[-1]) + 2)


class Found(NamedTuple):
    """The best first."""

    images: Tensor  # G(ẑ), [B, samples, C, H, W], float32
    latents: Tensor  # ẑ, [B, samples, Z]
    energies: Tensor  # [B, samples]
    steps: Tensor  # taken by each start, [B, starts]
    dropped: int  # starts whose energy was not finite


def search(
    method: Any,
    energy: Energy,
    mask: Tensor,
    plan: Plan,
    draw: Callable[[int, torch.Generator], Tensor],
    *,
    samples: int = 1,
    generator: torch.Generator | None = None,
) -> Found:
    """ẑ = argmin_z of the energy (Eq. 5, Eq. 10) for B images, from several starts each.

    method: has `generator` (z [N, Z] -> [N, C, H, W] in [-1, 1]) and `prior(image) -> [N]`; a frozen copy is used, in
        the type that autocast asks for. The images that are returned are made in float32.
    energy: of the B images; mask: [B, 1, H, W]. Images without a hole are not searched for.
    draw: (count, generator) -> [count, Z], what the generator was trained on.
    Raises InputError for a mask without any known pixel, DivergedError when no start of an image stays finite.
    """
    refuse_unknown(mask)
    device = mask.device
    generator = generator or torch.Generator(device).manual_seed(0)
    with _arithmetic(device) as dtype:
        networks, exact = frozen_copy(method, dtype), frozen_copy(method)
        pool = draw(plan.candidates, generator).to(device).clamp(-plan.limit, plan.limit)
        starts = max(plan.restarts, samples)
        chosen = choose_starts(networks, dtype, pool, energy, mask, starts)
        rows = Rows(pool[chosen].flatten(0, 1), starts)
        rows.rest((mask > 0).flatten(1).all(dim=1).repeat_interleave(starts))
        descend(networks, dtype, rows, energy, plan)
        latents, energies, dropped = rows.best(samples)
        images = in_blocks(exact.generator, latents.flatten(0, 1)).unflatten(0, (-1, samples))
    return Found(images, latents, energies, rows.steps.unflatten(0, (-1, starts)), dropped)


def edited(found: Tensor, observed: Tensor, mask: Tensor) -> Tensor:
    """Poisson editing of each sample into the image, Eq. 9: [B, S, C, H, W], [B, C, H, W], [B, 1, H, W] -> as found."""
    samples = found.unbind(dim=1)
    return torch.stack([poisson_blend(sample, observed, mask).clamp(-1, 1) for sample in samples], dim=1)


def refuse_unknown(mask: Tensor) -> None:
    """Raise `InputError` when the mask of an image leaves nothing known."""
    empty = (mask <= 0).flatten(1).all(dim=1).nonzero().flatten().tolist()
    if empty:
        which = "" if len(mask) == 1 else f" of image {empty[0] + 1} of {len(mask)}"
        raise InputError(
            f"the mask{which} leaves nothing known, and a latent search goes by what is known around the hole: "
            "give a mask with some known pixels"
        )


class _arithmetic(ExitStack):
    """No autocast, and one order of summing on GPUs; gives the type that autocast would have computed in."""

    def __init__(self, device: torch.device):
        super().__init__()
        self.device = device

    def __enter__(self) -> torch.dtype:
        super().__enter__()
        kind = self.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32
        self.enter_context(torch.autocast(kind, enabled=False))
        if kind == "cuda":
            self.enter_context(torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True))
        return dtype


def in_blocks(compute: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """`compute` on blocks of the fixed size, so that no row depends on the number of rows: [N, ...] -> [N, ...]"""
    outputs = []
    with torch.no_grad():
        for places, count in blocks_of(torch.arange(len(inputs), device=inputs.device)):
            outputs.append(compute(inputs[places])[:count].float())
    return torch.cat(outputs)


def blocks_of(places: Tensor) -> list[tuple[Tensor, int]]:
    """Row numbers [N] in blocks of the device's size, the last one filled up with its first, and how many count."""
    size = BLOCK[places.device.type]
    return [(F.pad(part, (0, size - len(part)), value=int(part[0])), len(part)) for part in places.split(size)]


# ---- where the descent begins ----------------------------------------------------------------------------------------


def choose_starts(networks: Any, dtype: torch.dtype, pool: Tensor, energy: Energy, mask: Tensor, starts: int) -> Tensor:
    """Of the candidates [P, Z] of least contextual energy those that differ most, for each image: [B, starts]."""
    views = [energy.near(place) for place in range(len(mask))]
    energies, thumbnails = [], []
    for places, count in blocks_of(torch.arange(len(pool), device=pool.device)):
        with torch.no_grad():
            images = networks.generator(pool[places].to(dtype)).float()[:count]
        looks = [own.contextual(images[..., rows, columns]) for own, rows, columns in views]
        energies.append(torch.stack(looks))
        thumbnails.append(_thumbnails(images).flatten(2))
    energies, thumbnails = torch.cat(energies, dim=1), torch.cat(thumbnails)
    missing = _thumbnails(1 - mask).flatten(2)
    wanted = min(starts, len(pool))
    chosen = [differing(own, thumbnails * hole, wanted) for own, hole in zip(energies, missing, strict=True)]
    return torch.stack([own[torch.arange(starts, device=own.device) % wanted] for own in chosen])


def _thumbnails(images: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(images, [min(THUMBNAIL, side) for side in images.shape[-2:]])


def differing(energies: Tensor, looks: Tensor, count: int) -> Tensor:
    """The best, then those of the shortlist that look least like any taken before: [P], [P, ...] -> [count]."""
    shortlist = torch.where(energies.isfinite(), energies, torch.inf).argsort(stable=True)[: SHORTLIST * count]
    looks = looks[shortlist].flatten(1)
    taken, nearest = [0], torch.full((len(shortlist),), torch.inf, device=looks.device)
    while len(taken) < count:
        nearest = torch.minimum(nearest, (looks - looks[taken[-1]]).square().sum(dim=1))
        nearest[taken] = -1
        taken.append(int(nearest.nan_to_num(nan=-0.5).argmax()))
    return shortlist[taken]


# ---- the descent -----------------------------------------------------------------------------------------------------


class Rows:
    """Every start of every image: where it is, Adam's moments, the best it has seen. R = B · starts rows."""

    def __init__(self, z: Tensor, starts: int):
        self.starts = starts
        self.z, self.mean, self.square, self.best_z = z.clone(), torch.zeros_like(z), torch.zeros_like(z), z.clone()
        self.lowest = torch.full((len(z),), torch.inf, device=z.device)  # energy of best_z
        self.mark = self.lowest.clone()  # energy when it last fell noticeably
        self.waited = torch.zeros(len(z), dtype=torch.long, device=z.device)  # steps since then
        self.steps = torch.zeros_like(self.waited)
        self.failed = torch.zeros(len(z), dtype=torch.bool, device=z.device)
        self.resting = self.failed.clone()

    def rest(self, where: Tensor) -> None:
        """Rows that do not go on; bool [R]."""
        self.resting |= where

    def active(self) -> Tensor:
        return (~self.resting).nonzero().flatten()

    def best(self, samples: int) -> tuple[Tensor, Tensor, int]:
        """ẑ [B, samples, Z], energies [B, samples], the best first, and how many starts failed.

        An image of whose starts too many failed repeats its best.
        """
        energies = torch.where(self.failed, torch.inf, self.lowest).unflatten(0, (-1, self.starts))
        failed = self.failed.unflatten(0, (-1, self.starts))
        if failed.all(dim=1).any():
            raise DivergedError(
                f"the energy of all {self.starts} starts of an image is not finite, "
                f"and so are {int(failed.sum())} of {failed.numel()} altogether: is the checkpoint's training sound?"
            )
        order = energies.argsort(dim=1, stable=True)[:, :samples]
        order = torch.where(failed.gather(1, order), order[:, :1], order)
        latents = self.best_z.unflatten(0, (-1, self.starts))
        chosen = latents.gather(1, order[..., None].expand(-1, -1, latents.shape[-1]))
        return chosen, energies.gather(1, order), int(failed.sum())


def descend(networks: Any, dtype: torch.dtype, rows: Rows, energy: Energy, plan: Plan) -> None:
    """Adam steps on all rows until each has come to rest or the plan's steps are done, then a last look."""
    machine: Machine | None = None
    for first in range(0, plan.steps, LOOK_EVERY):
        count = min(LOOK_EVERY, plan.steps - first)
        for places, real in blocks_of(rows.active()) if rows.active().numel() else []:
            own = energy.rows(places // rows.starts)
            machine = machine or Machine(networks, dtype, own, plan, rows.z.shape[1])
            machine.load(rows, places, own, first)
            machine.run(count)
            machine.store(rows, places[:real], count, plan)
    searched = (rows.steps > 0).nonzero().flatten()
    for places, real in blocks_of(searched) if searched.numel() else []:
        machine.load(rows, places, energy.rows(places // rows.starts), plan.steps)
        machine.look()
        machine.store(rows, places[:real], 0, plan)


class Machine:
    """One block of rows, in memory that stays in place, so that on CUDA its steps are replayed as graphs."""

    def __init__(self, networks: Any, dtype: torch.dtype, energy: Energy, plan: Plan, size: int):
        self.networks, self.dtype, self.energy, self.plan = networks, dtype, energy, plan
        image = energy.terms[0].image
        self.z, self.mean, self.square, self.best_z = (image.new_zeros(len(image), size) for _ in range(4))
        self.lowest, self.prior, self.contextual = (image.new_zeros(len(image)) for _ in range(3))
        self.failed = torch.zeros(len(image), dtype=torch.bool, device=image.device)
        self.pull = torch.zeros_like(image)  # the prior's gradient with respect to the image
        self.step_number = image.new_zeros(())
        self.kinds = {fresh: self._replayable(fresh) for fresh in (True, False)}

    def _replayable(self, fresh: bool) -> Callable[[], None]:
        """A step as a function; on CUDA captured as a graph, after a few steps that let libraries prepare."""

        def step() -> None:
            self._step(fresh)

        if self.z.device.type != "cuda":
            return step
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        return graph.replay

    def load(self, rows: Rows, places: Tensor, energy: Energy, steps_done: int) -> None:
        """Copy rows and what they are compared with into place."""
        for name in ("z", "mean", "square", "best_z", "lowest", "failed"):
            getattr(self, name).copy_(getattr(rows, name)[places])
        for own, given in zip(self.energy.terms, energy.terms, strict=True):
            for into, tensor in zip(own[:3], given[:3], strict=True):
                into.copy_(tensor)
        self.step_number.fill_(steps_done)

    def run(self, count: int) -> None:
        for number in range(count):
            self.kinds[number % self.plan.prior_every == 0]()

    def store(self, rows: Rows, places: Tensor, count: int, plan: Plan) -> None:
        """Copy back the first rows, and see which of them have come to rest."""
        real = len(places)
        for name in ("z", "mean", "square", "best_z", "lowest", "failed"):
            getattr(rows, name)[places] = getattr(self, name)[:real]
        rows.steps[places] += count
        fell = rows.lowest[places] < rows.mark[places] - plan.tolerance * self.contextual[:real]
        rows.mark[places] = torch.where(fell, rows.lowest[places], rows.mark[places])
        rows.waited[places] = torch.where(fell, 0, rows.waited[places] + count)
        settled = rows.waited[places] >= plan.patience if plan.tolerance else torch.zeros_like(fell)
        rows.resting[places] = settled | rows.failed[places]

    def look(self) -> None:
        """The energy of where the rows are now, without a step."""
        with torch.no_grad():
            images = self.networks.generator(self.z.to(self.dtype))
            self.contextual.copy_(self.energy.contextual(images.float()))
            self.prior.copy_(self.networks.prior(images))
        self._remember()

    def _step(self, fresh: bool) -> None:
        """z ← z - Adam(∂energy/∂z), kept in [-limit, limit]; the prior computed anew, or as it was."""
        z = self.z.detach().to(self.dtype).requires_grad_()
        with torch.enable_grad():
            images = self.networks.generator(z)
            seen = images.detach().float().requires_grad_()
            contextual = self.energy.contextual(seen)
            (slope,) = torch.autograd.grad(contextual.sum(), seen)
            if fresh:
                prior = self.networks.prior(seen.to(self.dtype))
                (pull,) = torch.autograd.grad(prior.float().sum(), seen)
                self.prior.copy_(prior.detach())
                self.pull.copy_(pull)
        self.contextual.copy_(contextual.detach())
        if fresh:
            self._remember()
        slope = (slope + self.energy.prior_weight * self.pull).to(images.dtype)
        (gradient,) = torch.autograd.grad(images, z, slope)
        self._adam(gradient.float())

    def _remember(self) -> None:
        """Keep the best z; a row whose energy is not finite has failed."""
        total = self.contextual + self.energy.prior_weight * self.prior
        self.failed |= ~total.isfinite()
        better = (total < self.lowest) & ~self.failed
        self.lowest.copy_(torch.where(better, total, self.lowest))
        self.best_z.copy_(torch.where(better[:, None], self.z, self.best_z))

    def _adam(self, gradient: Tensor) -> None:
        self.step_number += 1
        self.mean.lerp_(gradient, 1 - BETAS[0])
        self.square.lerp_(gradient.square(), 1 - BETAS[1])
        mean = self.mean / (1 - BETAS[0] ** self.step_number)
        spread = (self.square / (1 - BETAS[1] ** self.step_number)).sqrt() + 1e-8
        self.z.sub_(self.plan.rate * mean / spread).clamp_(-self.plan.limit, self.plan.limit)
