"""Pyramids of strided 4×4 convolutions with few channels at the finest scale, and what judges images with them.

As the published code of Pathak et al. 2016 counts channels for 128×128 pixels: 64, 64, 128, 256, 512. Widths double
towards the coarse end as in DCGAN (Radford et al. 2015), but the largest maps stay narrow.
"""

import itertools
from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from inpaint_cli.networks.halvings import COARSEST, WIDEST

LEAKY = partial(nn.LeakyReLU, 0.2)
DOUBLING = 4  # levels over which the widths grow: 1, 2, 4, 8 times


def narrow_widths(width: int, levels: int) -> list[int]:
    """Channels from the finest maps to the coarsest: `width` in all levels but the last three, which double."""
    return [width * min(2 ** max(level - max(levels - DOUBLING, 0), 0), WIDEST) for level in range(levels)]


def levels_for(side: int) -> tuple[int, int]:
    """The halvings, rounded up, that bring `side` pixels down to 7 or fewer, and what is left: 78 -> (4, 5)."""
    levels = 0
    while side > COARSEST:
        side, levels = -(-side // 2), levels + 1
    return levels, side


def halving(
    inputs: int, outputs: int, normalise: bool = True, activation: Callable[..., nn.Module] = LEAKY
) -> nn.Sequential:
    """Strided 4×4 convolution, batch norm, leaky ReLU: [B, i, H, W] -> [B, o, H/2, W/2], rounded down."""
    norm = [nn.BatchNorm2d(outputs)] if normalise else []
    return nn.Sequential(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=not normalise), *norm, activation(inplace=True))


def doubling(inputs: int, outputs: int) -> nn.Sequential:
    """Transposed 4×4 convolution, batch norm, ReLU: [B, i, H, W] -> [B, o, 2H, 2W]."""
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class StridedDiscriminator(nn.Module):
    """One halving for each of `widths`, then one layer over all that is left: [B, C, H, W] -> logits [B].

    normalise: batch norm in all halvings but the first, as in DCGAN.
    """

    def __init__(self, channels: int, height: int, width: int, widths: list[int], normalise: bool = True):
        super().__init__()
        steps = itertools.pairwise([channels, *widths])
        self.layers = nn.Sequential(*(halving(i, o, normalise and level > 0) for level, (i, o) in enumerate(steps)))
        left = (height >> len(widths)) * (width >> len(widths))
        self.head = nn.Linear(widths[-1] * left, 1)
        self.apply(initialise)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.layers(image).flatten(1)).squeeze(1).float()


def initialise(module: nn.Module) -> None:
    """N(0, 0.02), as DCGAN; batch norm's scales around 1."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
