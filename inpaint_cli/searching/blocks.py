"""Rows of a search in blocks of one fixed size: libraries round otherwise at other batch sizes, and a row's result
would depend on how many there are."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = {"cpu": 16, "cuda": 256}  # rows that are computed together


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
    parts = places.split(size) if len(places) else ()
    return [(F.pad(part, (0, size - len(part)), value=int(part[0])), len(part)) for part in parts]
