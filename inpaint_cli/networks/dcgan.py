"""The generator and discriminator of Radford, Metz, Chintala, "Unsupervised Representation Learning with Deep
Convolutional Generative Adversarial Networks", 2015, figure 1 and section 3, for any size that can be halved.
"""

import itertools

import torch
from torch import Tensor, nn

from inpaint_cli.networks.halvings import widths


class Generator(nn.Module):
    """Strided transposed convolutions, batch norm, ReLU, tanh: z [B, Z] -> [B, C, H, W] in [-1, 1]."""

    def __init__(self, z_size: int, channels: int, height: int, width: int, levels: int, features: int):
        super().__init__()
        sizes = widths(features, levels)[::-1]
        self.bottom = (height >> levels, width >> levels)
        self.project = nn.Sequential(
            nn.ConvTranspose2d(z_size, sizes[0], self.bottom, bias=False), nn.BatchNorm2d(sizes[0]), nn.ReLU()
        )
        self.blocks = nn.Sequential(*itertools.chain(*(_doubling(i, o) for i, o in itertools.pairwise(sizes))))
        self.to_image = nn.ConvTranspose2d(sizes[-1], channels, 4, 2, 1)
        self.apply(_initialise)

    def forward(self, z: Tensor) -> Tensor:
        x = self.blocks(self.project(z[:, :, None, None]))
        return torch.tanh(self.to_image(x).float())  # bf16 has too few bits for 256 levels


def _doubling(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    """[B, i, H, W] -> [B, o, 2H, 2W]."""
    return nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()


class Discriminator(nn.Module):
    """Strided convolutions, batch norm but in the first layer, leaky ReLU: [B, C, H, W] -> logits [B]."""

    def __init__(self, channels: int, height: int, width: int, levels: int, features: int):
        super().__init__()
        sizes = widths(features, levels)
        self.layers = nn.Sequential(
            nn.Conv2d(channels, sizes[0], 4, 2, 1),
            nn.LeakyReLU(0.2),
            *itertools.chain(*(_halving(i, o) for i, o in itertools.pairwise(sizes))),
        )
        self.head = nn.Linear(sizes[-1] * (height >> levels) * (width >> levels), 1)
        self.apply(_initialise)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.layers(image).flatten(1)).squeeze(1).float()


def _halving(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    """[B, i, H, W] -> [B, o, H/2, W/2]."""
    return nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)


def _initialise(module: nn.Module) -> None:
    """N(0, 0.02), section 4; batch norm's scales around 1."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
