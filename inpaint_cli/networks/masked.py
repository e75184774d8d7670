"""Linear maps with the channel masks of PixelRNN (van den Oord, Kalchbrenner, Kavukcuoglu 2016, section 3.4).

Features lie last and belong to a channel each: those of R may see nothing of their own pixel but R's features, those of
G also G's, those of B all. Mask A, of the first layer, keeps a channel's own value out, too. A convolution is a map of
what lies under its window, side by side: it is the same product for an image and for a single pixel.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

ALWAYS = -1  # the group of what every channel may see


def channel_groups(features: int, channels: int) -> Tensor:
    """The channel that each feature belongs to, in equal parts as far as they go: long [features]."""
    return torch.arange(features) * channels // features


def mask_a(inputs: Tensor, outputs: Tensor) -> Tensor:
    """Which inputs of its own pixel an output sees: those of earlier channels. Groups -> bool [outputs, inputs]"""
    return inputs < outputs[:, None]


def mask_b(inputs: Tensor, outputs: Tensor) -> Tensor:
    """Those of earlier channels and its own. Groups -> bool [outputs, inputs]"""
    return inputs <= outputs[:, None]


class Masked(nn.Module):
    """A weight with zeros where the mask, bool, is false."""

    mask: Tensor

    def __init__(self, mask: Tensor):
        super().__init__()
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.mask


def masked_linear(mask: Tensor) -> nn.Linear:
    """[..., inputs] -> [..., outputs] through the weights that the mask, bool [outputs, inputs], lets through.

    Starts as wide as what is seen asks for. Within `parametrize.cached()` weights are masked once.
    """
    layer = nn.Linear(mask.shape[1], mask.shape[0])
    with torch.no_grad():
        layer.weight.mul_((mask.shape[1] / mask.sum(dim=1, keepdim=True).clamp(min=1)).sqrt())
    parametrize.register_parametrization(layer, "weight", Masked(mask))
    return layer
