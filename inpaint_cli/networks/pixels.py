"""Pixels as 256 levels, with a probability for each: what the pixel-by-pixel models share."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

LEVELS = 256


def to_levels(image: Tensor) -> Tensor:
    """[-1, 1] -> the nearest of 0 … 255, long, of the same shape."""
    return ((image.float() + 1) * ((LEVELS - 1) / 2)).round().clamp(0, LEVELS - 1).long()


def to_pixels(levels: Tensor) -> Tensor:
    """0 … 255 -> float32 in [-1, 1]: exactly what 8-bit photos become when they are read."""
    return levels.float() * (2 / (LEVELS - 1)) - 1


def bits_per_dimension(logits: Sequence[Tensor], image: Tensor) -> Tensor:
    """Each image's negative log-likelihood, -log2 p(true level), as a mean over its values; 8 where all levels are as
    likely.

    logits: for each channel [B, H, W, 256], the distribution of each value given those before it; image: [B, C, H, W].
    Returns [B].
    """
    channels = zip(logits, to_levels(image).unbind(1), strict=True)
    nats = [F.cross_entropy(each.float().flatten(0, -2), level.flatten(), reduction="none") for each, level in channels]
    return torch.stack(nats).unflatten(1, (len(image), -1)).mean(dim=(0, 2)) / math.log(2)


def choose(logits: Tensor, draws: Tensor | None, temperature: float = 1.0) -> Tensor:
    """A level of each distribution: the most probable one, or by inverting the cumulative distribution at `draws`.

    logits: [..., 256]; draws: uniform in [0, 1), [...], negative where the most probable level is wanted; None: it is
    wanted everywhere. temperature: probabilities are p^(1 / temperature), normalised. Returns long [...].
    """
    most_probable = logits.argmax(dim=-1)
    if draws is None:
        return most_probable
    reached = torch.softmax(logits.float() / temperature, dim=-1).cumsum(dim=-1)
    drawn = (reached <= draws[..., None]).sum(dim=-1).clamp(max=LEVELS - 1)  # the sum may round to less than 1
    return torch.where(draws < 0, most_probable, drawn)
