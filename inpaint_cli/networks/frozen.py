"""Frozen networks on any number of images, an image's outputs depending on no other image in any digit."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

Outputs = dict[str, np.ndarray]


def in_blocks(compute: Callable[..., dict[str, Tensor]], block: int, *stacks: np.ndarray) -> Outputs:
    """Apply `compute` to blocks of exactly `block` images, the last one filled up with zeros. Stacks: [N, ...] each.

    Convolution libraries choose their way of summing by the size of the batch, so that the last digits of an image's
    outputs depend on it; with one size throughout they do not. Returns arrays [N, ...] by name.
    """
    parts: list[Outputs] = []
    for start in range(0, len(stacks[0]), block):
        pieces = [_filled_up(stack[start : start + block], block) for stack in stacks]
        with torch.inference_mode():
            outputs = compute(*pieces)
        kept = min(block, len(stacks[0]) - start)
        parts.append({name: tensor[:kept].float().cpu().numpy() for name, tensor in outputs.items()})
    if not parts:
        raise ValueError("no images")
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _filled_up(images: np.ndarray, block: int) -> np.ndarray:
    lacking = block - len(images)
    return np.concatenate([images, np.zeros((lacking, *images.shape[1:]), images.dtype)]) if lacking else images


def as_colour(images: np.ndarray, device: torch.device) -> Tensor:
    """uint8 [N, H, W, 1 or 3] -> float [N, 3, H, W] in [0, 1], channels-last; grey is seen as colour."""
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(f"uint8 images [N, H, W, 1 or 3], not {images.dtype} {images.shape}")
    pixels = torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(0, 3, 1, 2)
    return pixels.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last).float() / 255
