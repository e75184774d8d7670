"""In which passes a hole is filled: pixels that do not depend on each other make a front, and go together."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Front(NamedTuple):
    """Missing pixels that do not depend on each other, and which of their values are missing."""

    pixels: Tensor  # long [N]: positions in the flattened [R, H, W]
    channels: dict[int, Tensor | slice]  # channel -> where in `pixels` it is missing; those where it is, in order


def waves(missing: Tensor, blocked: Callable[[Tensor], Tensor]) -> Tensor:
    """Number each missing pixel by the pass in which it can be filled: 1, 2, …; 0 where nothing is missing.

    missing: bool [R, H, W]. blocked: bool [R, H, W] of what is still missing -> which pixels depend on one of them
    that comes earlier in scan order; it is asked once for each pass.
    """
    if len(missing) > 1 and torch.equal(missing, missing[:1].expand_as(missing)):
        return waves(missing[:1], blocked).expand_as(missing)
    numbers = torch.zeros(missing.shape, dtype=torch.int32)
    number = 0
    while missing.any():
        number += 1
        ready = missing & ~blocked(missing)
        numbers[ready] = number
        missing = missing & ~ready
    return numbers


def fronts(missing: Tensor, blocked: Callable[[Tensor], Tensor], device: torch.device) -> list[Front]:
    """The passes that fill what is missing, bool [R, C, H, W], in their order; positions lie on `device`."""
    numbers = waves(missing.any(dim=1), blocked).flatten()
    pixels = numbers.nonzero()[:, 0]
    order = torch.sort(numbers[pixels], stable=True)
    sizes = torch.bincount(order.values.long())[1:].tolist()
    each = missing.movedim(1, -1).reshape(-1, missing.shape[1])
    found = []
    for part in pixels[order.indices].split(sizes) if sizes else ():
        columns = {channel: column for channel, column in enumerate(each[part].unbind(1)) if column.any()}
        found.append(Front(part.to(device), {channel: _where(column, device) for channel, column in columns.items()}))
    return found


def _where(column: Tensor, device: torch.device) -> Tensor | slice:
    """Positions of what is true; a slice, which copies nothing, where everything is."""
    return slice(None) if column.all() else column.nonzero()[:, 0].to(device)
