"""The descent of a latent search: every start of every image at once, in blocks, each row as if it were alone.

What differs from the search as it is printed (printed.py), so that less has to be computed for the same energy:

- Adam scales each coordinate by itself, but the energy's valleys lie across the coordinates of z. So each row's Adam
  runs along the eigenvectors of E[g gᵀ], the mean outer product of its own gradients, taken anew now and then, as Vyas
  et al. 2025, "SOAP: Improving and Stabilizing Shampoo using Adam", do for weights. It reaches the energy of 1,000
  steps of Adam as printed in less than 200 (tests/benchmarks).
- An image has several starts, of which the worse half stops after 32 steps, and again after 64, 128 …; a start whose
  energy no longer falls stops, too. Others take their places in the blocks.
- The prior changes slowly: its gradient with respect to the image is computed every `prior_every` steps and kept
  between (1 computes it in each step). Energies are compared only where they are exact.
- What is kept is the best z that was seen.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from inpaint_cli.searching.blocks import blocks_of
from inpaint_cli.searching.energy import Energy
from inpaint_cli.searching.model import LatentModel, SearchSettings
from inpaint_cli.searching.rows import Rows

LOOK_EVERY = 8  # steps between looks at who has come to rest


class Adam(NamedTuple):
    """How it averages."""

    first: float  # β of the mean
    second: float  # β of the mean square
    floor: float  # share of the steepest axis' root mean square that is added to each axis'


# Gradients of 100 steps ago say nothing about the axes now. The floor keeps z still where no gradient ever pointed.
TURNED = Adam(0.9, 0.98, 0.01)


@dataclass(frozen=True)
class Plan:
    """How, how long and how widely is searched. As printed, only `steps` says something."""

    search: Literal["turned", "printed"] = "turned"
    steps: int = 1000  # at most
    restarts: int = 4  # starts of each image
    candidates: int = 512  # random z that the starts are chosen from
    rate: float = 0.2  # Adam's learning rate; the printed 0.03 is for its own axes
    limit: float = 1.0  # z stays in [-limit, limit]
    prior_every: int = 4  # steps; a divisor of LOOK_EVERY, since blocks change there
    turn_every: int = 16  # steps after which Adam's axes are taken anew
    tolerance: float = 0.01  # of the contextual energy: what falls less in `patience` steps has come to rest; 0 = never
    patience: int = 32

    @classmethod
    def of(cls, settings: SearchSettings) -> "Plan":
        """What a method's settings say of the search."""
        return cls(
            search=settings.search,
            steps=settings.search_steps,
            restarts=settings.restarts,
            candidates=settings.candidates,
        )

    def __post_init__(self) -> None:
        if LOOK_EVERY % self.prior_every:
            raise ValueError(f"prior_every is a divisor of {LOOK_EVERY}, not {self.prior_every}")

    def turns(self, steps_done: int) -> bool:
        """Whether the axes are taken anew now; steps are taken `LOOK_EVERY` at a time, so it may be a few late."""
        return steps_done % self.turn_every < min(LOOK_EVERY, self.turn_every) <= steps_done


def descend(networks: LatentModel, dtype: torch.dtype, rows: Rows, energy: Energy, plan: Plan) -> None:
    """Adam steps on all rows until each has come to rest or the plan's steps are done, then a last look."""
    machine: Machine | None = None
    for first in range(0, plan.steps, LOOK_EVERY):
        networks.tell(first / plan.steps)
        count = min(LOOK_EVERY, plan.steps - first)
        rows.compete(first)
        for places, real in blocks_of(rows.active()):
            own = energy.rows(places // rows.starts)
            machine = machine or Machine(networks, dtype, own, plan, rows.z.shape[1])
            machine.load(rows, places, own, first)
            if plan.turns(first):
                machine.turn()
            machine.run(count)
            machine.store(rows, places[:real], count, plan)
    searched = (rows.steps > 0).nonzero().flatten()
    for places, real in blocks_of(searched):
        assert machine is not None  # it took their steps
        machine.load(rows, places, energy.rows(places // rows.starts), plan.steps)
        machine.look()
        machine.store(rows, places[:real], 0, plan)


class Machine:
    """One block of rows, in memory that stays in place from block to block."""

    def __init__(self, networks: LatentModel, dtype: torch.dtype, energy: Energy, plan: Plan, size: int):
        self.networks, self.dtype, self.energy, self.plan = networks, dtype, energy, plan
        image = energy.terms[0].image
        self.z, self.mean, self.square, self.best_z = (image.new_zeros(len(image), size) for _ in range(4))
        self.outer, self.basis = (image.new_zeros(len(image), size, size) for _ in range(2))
        self.lowest, self.prior, self.contextual = (image.new_zeros(len(image)) for _ in range(3))
        self.failed = torch.zeros(len(image), dtype=torch.bool, device=image.device)
        self.pull = torch.zeros_like(image)  # the prior's gradient with respect to the image
        self.step_number = 0

    def load(self, rows: Rows, places: Tensor, energy: Energy, steps_done: int) -> None:
        """Copy rows and what they are compared with into place."""
        for name in Rows.STATE:
            getattr(self, name).copy_(getattr(rows, name)[places])
        for own, given in zip(self.energy.terms, energy.terms, strict=True):
            for into, tensor in zip(own[:3], given[:3], strict=True):
                into.copy_(tensor)
        self.step_number = steps_done

    def turn(self) -> None:
        """Take the axes anew: the eigenvectors of E[g gᵀ], along which its eigenvalues are the mean squares."""
        squares, axes = torch.linalg.eigh(self.outer.nan_to_num(0.0, 0.0, 0.0))  # a row that has failed is not finite
        self.square.copy_(squares.clamp(min=0))
        self.basis.copy_(axes)

    def run(self, count: int) -> None:
        for number in range(count):
            self._step(fresh=number % self.plan.prior_every == 0)

    def store(self, rows: Rows, places: Tensor, count: int, plan: Plan) -> None:
        """Copy back the first rows, and see which of them have come to rest."""
        real = len(places)
        for name in Rows.STATE:
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
            self.prior.copy_(self.energy.prior(self.networks, images.to(self.dtype)))
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
                prior = self.energy.prior(self.networks, seen.to(self.dtype))
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
        """Adam along the axes: z ← z - rate · basis · (basisᵀ mean) / √square."""
        first, second, floor = TURNED
        self.step_number += 1
        self.mean.lerp_(gradient, 1 - first)
        self.outer.lerp_(gradient[:, :, None] * gradient[:, None, :], 1 - second)
        self.square.lerp_(_along(gradient, self.basis).square(), 1 - second)
        mean = _along(self.mean, self.basis) / (1 - first**self.step_number)
        spread = (self.square / (1 - second**self.step_number)).sqrt()
        spread = spread + floor * spread.amax(dim=1, keepdim=True) + 1e-8
        move = _along(mean / spread, self.basis.mT)
        self.z.sub_(self.plan.rate * move).clamp_(-self.plan.limit, self.plan.limit)


def _along(vectors: Tensor, axes: Tensor) -> Tensor:
    """Each row's coordinates along its own axes: [R, Z], [R, Z, Z] -> [R, Z]."""
    return (vectors[:, None, :] @ axes).squeeze(1)
