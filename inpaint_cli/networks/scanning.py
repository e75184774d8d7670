"""Scan order for the recurrent models: which values are missing, one place after the other, and how one is settled."""

from typing import NamedTuple

import torch
from torch import Tensor

from inpaint_cli.networks.pixels import choose, to_pixels


class Place(NamedTuple):
    """A pixel that some image of the batch misses a value of."""

    row: int
    column: int
    channels: dict[int, Tensor | None]  # in order; channel -> which images miss it, bool [R]; None: all of them


def places(missing: Tensor, device: torch.device) -> list[Place]:
    """What is missing, bool [R, C, H, W] on the CPU, in scan order and for the whole batch at once.

    A recurrent state depends on everything before it, so that no two places of an image go in one pass.
    """
    some, every = missing.any(dim=0), missing.all(dim=0)  # [C, H, W]
    kept, found = missing.to(device), []
    for row, column in some.any(dim=0).nonzero().tolist():
        channels = some[:, row, column].nonzero()[:, 0].tolist()
        whole = every[:, row, column].tolist()
        which = {channel: None if whole[channel] else kept[:, channel, row, column] for channel in channels}
        found.append(Place(row, column, which))
    return found


def settled(values: Tensor, where: Tensor | None, logits: Tensor, draws: Tensor | None, temperature: float) -> Tensor:
    """Values [R] of one place and channel, chosen where they are missing: logits [R, 256], draws [R] as in `choose`."""
    chosen = to_pixels(choose(logits, draws, temperature))
    return chosen if where is None else torch.where(where, chosen, values)
