"""Poisson editing of what patches say, on the lists of missing pixels alone (semantic paper, Eq. 9; blending.py).

Pérez, Gangnet and Blake, "Poisson Image Editing", SIGGRAPH 2003. The gradients inside are those of the sources, also
where two copies meet, if they differ little there. Large jumps between copies are edges that no source shows, and stay.
"""

import torch
from torch import Tensor

from inpaint_cli.blending.poisson import HOLES
from inpaint_cli.exemplar.layout import Layout

FAINT = 0.2  # of colours in [-1, 1]: larger jumps where copies meet are edges, which stay; measured


class Seams:
    """The holes of a batch, with Poisson's equation on each ready to be solved.

    Patches also have a say on the known pixels next to the hole; how far they are wrong there tells how far they are
    too bright or too dark inside.
    """

    def __init__(self, layout: Layout, known: Tensor, channels: int):
        """known: bool [B, 1, H, W]; channels: how many of the table's columns are colours."""
        self.channels = channels
        self.voters = layout.hole_and_rim  # [V]
        self.width, self.area, self.known = layout.width, layout.area, known.flatten()
        self.holes = []
        for image, missing in enumerate((~known[:, 0]).cpu().numpy()):
            if missing.any() and not missing.all():
                hole, first = HOLES.get(missing, known.device), image * layout.area
                missing_row, known_row = (
                    torch.searchsorted(self.voters, pixels + first) for pixels in (hole.pixels, hole.known)
                )
                self.holes.append((hole, missing_row, known_row))

    def settle(self, votes: Tensor, table: Tensor, copied: Tensor | None = None) -> Tensor:
        """The votes for colours with their gradients kept and no jump against the known pixels. [V, F] -> [V, F]

        copied: the pixel that each vote is copied from, -1 where it is not, [V]: then no faint jump stays between
        copies from different places either.
        """
        wrong = (table[self.voters] - votes)[:, : self.channels].double()
        settled = votes.clone()
        jumps = torch.zeros_like(wrong) if copied is None else self.faint_jumps(votes, table, copied)
        for hole, missing_row, known_row in self.holes:
            right = wrong.new_zeros(self.channels, len(missing_row)).index_add_(1, hole.rim, wrong[known_row].T)
            right += jumps[missing_row].T
            settled[missing_row, : self.channels] += hole.solve(right).T.to(votes.dtype)
        return settled

    def faint_jumps(self, votes: Tensor, table: Tensor, copied: Tensor) -> Tensor:
        """What Poisson's equation adds to its right side for the jumps to go. [V, C]

        A jump is how far a pixel is from what goes on from its neighbour's source.
        """
        total = votes.new_zeros(len(votes), self.channels).double()
        for step in (1, self.width):
            first, second = self.meeting(copied, step)
            jump = (votes[second] - table[copied[first] + step])[:, : self.channels].double()
            jump = torch.where(jump.abs().amax(dim=1, keepdim=True) < FAINT, jump, 0.0)
            total.index_add_(0, first, jump).index_add_(0, second, -jump)
        return total

    def meeting(self, copied: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Rows of pixels `step` apart whose sources are not, where the first one's source goes on. [n], [n]"""
        second = torch.searchsorted(self.voters, self.voters + step).clamp(max=len(self.voters) - 1)
        meet = (self.voters[second] == self.voters + step) & self.go_on(self.voters, step)
        meet &= (copied >= 0) & (copied[second] >= 0) & (copied[second] != copied + step) & self.go_on(copied, step)
        meet &= self.known[(copied + step).clamp(max=len(self.known) - 1)]
        return meet.nonzero()[:, 0], second[meet]

    def go_on(self, pixels: Tensor, step: int) -> Tensor:
        """Whether the pixel `step` further, 1 or the width, is one of the same image. [n]"""
        length = self.width if step == 1 else self.area
        return pixels % length < length - step
