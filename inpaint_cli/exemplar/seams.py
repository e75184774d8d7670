"""Poisson editing of what patches say, on the lists of missing pixels alone (semantic paper, Eq. 9; blending.py)."""

import torch
from torch import Tensor

from inpaint_cli.blending.poisson import HOLES
from inpaint_cli.exemplar.layout import Layout


class Seams:
    """The holes of a batch, with Poisson's equation on each ready to be solved.

    Patches also have a say on the known pixels next to the hole; how far they are wrong there tells how far they are
    too bright or too dark inside.
    """

    def __init__(self, layout: Layout, known: Tensor, channels: int):
        """known: bool [B, 1, H, W]; channels: how many of the table's columns are colours."""
        self.channels = channels
        self.voters = layout.hole_and_rim  # [V]
        self.holes = []
        for image, missing in enumerate((~known[:, 0]).cpu().numpy()):
            if missing.any() and not missing.all():
                hole, first = HOLES.get(missing, known.device), image * layout.area
                missing_row, known_row = (
                    torch.searchsorted(self.voters, pixels + first) for pixels in (hole.pixels, hole.known)
                )
                self.holes.append((hole, missing_row, known_row))

    def settle(self, votes: Tensor, table: Tensor) -> Tensor:
        """The votes for colours with their gradients kept and no jump against the known pixels. [V, F] -> [V, F]"""
        wrong = (table[self.voters] - votes)[:, : self.channels].double()
        settled = votes.clone()
        for hole, missing_row, known_row in self.holes:
            right = wrong.new_zeros(self.channels, len(missing_row)).index_add_(1, hole.rim, wrong[known_row].T)
            settled[missing_row, : self.channels] += hole.solve(right).T.to(votes.dtype)
        return settled
