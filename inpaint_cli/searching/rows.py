"""What a search keeps of its rows, every start of every image, and which of them go on."""

import torch
from torch import Tensor

from inpaint_cli.errors import DivergedError

HEAT = 32  # steps after which the better half of an image's starts goes on, and again after twice as many, and so on


class Rows:
    """Every start of every image: where it is, Adam's moments, the best it has seen. R = B · starts rows."""

    STATE = ("z", "mean", "square", "outer", "basis", "best_z", "lowest", "failed")  # what steps change

    def __init__(self, z: Tensor, starts: int, wanted: int = 1):
        self.starts, self.wanted = starts, wanted  # of each image, and how many of them go on to the end
        self.z, self.mean, self.square, self.best_z = z.clone(), torch.zeros_like(z), torch.zeros_like(z), z.clone()
        self.basis = torch.eye(z.shape[1], device=z.device).repeat(len(z), 1, 1)  # Adam's axes, in columns
        self.outer = torch.zeros_like(self.basis)  # E[g gᵀ]; `square` is its diagonal along the axes
        self.lowest = torch.full((len(z),), torch.inf, device=z.device)  # energy of best_z
        self.mark = self.lowest.clone()  # energy when it last fell noticeably
        self.waited = torch.zeros(len(z), dtype=torch.long, device=z.device)  # steps since then
        self.steps = torch.zeros_like(self.waited)
        self.failed = torch.zeros(len(z), dtype=torch.bool, device=z.device)
        self.resting = self.failed.clone()

    def rest(self, where: Tensor) -> None:
        """Rows that do not go on; bool [R]."""
        self.resting |= where

    def compete(self, steps_done: int) -> None:
        """After a heat the worse half of each image's starts rests; as many as are wanted go on."""
        heats, rest = divmod(steps_done, HEAT)
        if rest or not heats or heats & (heats - 1):
            return  # it is not after 1, 2, 4, 8 … heats
        going_on = max(self.wanted, -(-self.starts // (2 * heats)))
        energies = torch.where(self.failed, torch.inf, self.lowest).unflatten(0, (-1, self.starts))
        ranks = energies.argsort(dim=1, stable=True).argsort(dim=1)
        self.rest((ranks >= going_on).flatten())

    def end(self, places: Tensor, z: Tensor, energies: Tensor, steps: int) -> None:
        """Rows that have gone all their way: where they are, [N, Z], and the energy there, [N]."""
        self.best_z[places], self.steps[places] = z, steps
        self.failed[places] = ~energies.isfinite()
        self.lowest[places] = energies

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
