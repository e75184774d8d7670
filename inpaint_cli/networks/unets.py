"""U-nets with one large fully connected layer in their middle, and discriminators like their encoders.

Figure 4 of Dapogny, Cord, Perez, "The Missing Data Encoder" (AAAI 2020): an encoder "similar to VGG", a decoder that
mirrors it, skip connections "to explicitly preserve the non-masked regions". Widths 64, 128, 256, 512, 512 and 4000
features, all in proportion to `width`.
"""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from inpaint_cli.networks.strided import LEAKY, doubling, halving

Shape = tuple[int, int, int]  # channels, height and width of the images
LEVELS = 5  # halvings: 96 -> 48 -> 24 -> 12 -> 6 -> 3


def widths(width: int) -> list[int]:
    """Channels of the five scales, from the finest on."""
    return [width, 2 * width, 4 * width, 8 * width, 8 * width]


def block(
    inputs: int, outputs: int, depth: int, activation: Callable[..., nn.Module] = nn.ReLU, normalise: bool = True
) -> nn.Sequential:
    """`depth` times a 3×3 convolution, batch norm, activation: [B, i, H, W] -> [B, o, H, W]."""
    layers = []
    for channels in (inputs, *[outputs] * (depth - 1)):
        norm = [nn.BatchNorm2d(outputs)] if normalise else []
        layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=not normalise), *norm, activation(inplace=True)]
    return nn.Sequential(*layers)


class Bottleneck(nn.Module):
    """What both generators have in their middle: all maps into one layer of features, and out of it."""

    def __init__(self, shape: Shape, width: int):
        super().__init__()
        _, height, breadth = shape
        self.bottom = (8 * width, height >> LEVELS, breadth >> LEVELS)  # 512 × 3 × 3 for 96 × 96
        flat, features = self.bottom[0] * self.bottom[1] * self.bottom[2], round(4000 * width / 64)
        self.compress = nn.Sequential(nn.Linear(flat, features), nn.ReLU())
        self.expand = nn.Sequential(nn.Linear(features, flat), nn.ReLU())

    def expanded(self, features: Tensor) -> Tensor:
        """[B, 4000] -> [B, 512, 3, 3]"""
        return self.expand(features).unflatten(1, self.bottom)


class VGGLikeGenerator(Bottleneck):
    """G of figure 4: at each scale a block of convolutions and a strided one, mirrored; skips from all five blocks."""

    def __init__(self, shape: Shape, width: int, depth: int = 1):
        super().__init__(shape, width)
        sizes = widths(width)
        steps = itertools.pairwise([shape[0], *sizes])
        self.blocks = nn.ModuleList(block(i, o, depth) for i, o in steps)
        self.down = nn.ModuleList(halving(size, size, activation=nn.ReLU) for size in sizes)
        upwards = sizes[::-1]  # 512, 512, 256, 128, 64
        self.up = nn.ModuleList(doubling(i, o) for i, o in itertools.pairwise([sizes[-1], *upwards]))
        self.mirrored = nn.ModuleList(block(2 * size, size, depth) for size in upwards)
        self.to_image = nn.Conv2d(width, shape[0], 3, padding=1)

    def encode(self, masked: Tensor) -> tuple[Tensor, list[Tensor]]:
        """[B, C, 96, 96] in [0, 1], missing at 0 -> features [B, 4000] and each block's maps, the finest first."""
        maps, x = [], masked
        for convolutions, down in zip(self.blocks, self.down, strict=True):
            maps.append(convolutions(x))
            x = down(maps[-1])
        return self.compress(x.flatten(1)), maps

    def forward(self, masked: Tensor) -> Tensor:
        """M ⊙ Z in [0, 1] -> the complete image in [0, 1], both [B, C, H, W]."""
        features, maps = self.encode(masked)
        x = self.expanded(features)
        for up, convolutions, skip in zip(self.up, self.mirrored, reversed(maps), strict=True):
            x = convolutions(torch.cat([up(x), skip], dim=1))
        return torch.sigmoid(self.to_image(x).float())  # bf16 has too few bits for 256 levels


class StridedGenerator(Bottleneck):
    """Strided convolutions alone: a fifth of the work, and nothing at the image's own scale, not even a skip."""

    def __init__(self, shape: Shape, width: int, depth: int = 0):
        super().__init__(shape, width)
        sizes = [shape[0], *widths(width)]
        self.encoder = nn.ModuleList(halving(i, o, activation=nn.ReLU) for i, o in itertools.pairwise(sizes))
        outputs = sizes[-2:0:-1]  # 512, 256, 128, 64; every block but the first also takes its skip connection
        inputs = [sizes[-1], *(2 * size for size in outputs[:-1])]
        self.decoder = nn.ModuleList(doubling(i, o) for i, o in zip(inputs, outputs, strict=True))
        self.to_image = nn.ConvTranspose2d(2 * outputs[-1], shape[0], 4, 2, 1)

    def encode(self, masked: Tensor) -> tuple[Tensor, list[Tensor]]:
        """[B, C, 96, 96] in [0, 1], missing at 0 -> features [B, 4000] and each level's maps."""
        maps, x = [], masked
        for layer in self.encoder:
            x = layer(x)
            maps.append(x)
        return self.compress(x.flatten(1)), maps

    def forward(self, masked: Tensor) -> Tensor:
        """M ⊙ Z in [0, 1] -> the complete image in [0, 1], both [B, C, H, W]."""
        features, maps = self.encode(masked)
        x = self.expanded(features)
        for layer, skip in zip(self.decoder, maps[-2::-1], strict=True):
            x = torch.cat([layer(x), skip], dim=1)
        return torch.sigmoid(self.to_image(x).float())


def vgg_like_layers(channels: int, width: int, depth: int) -> nn.Sequential:
    """The encoder of `VGGLikeGenerator` with leaky ReLU: [B, C, H, W] -> [B, 512, H/32, W/32]."""
    layers = []
    for number, (inputs, outputs) in enumerate(itertools.pairwise([channels, *widths(width)])):
        layers += [block(inputs, outputs, depth, LEAKY, number > 0), halving(outputs, outputs)]
    return nn.Sequential(*layers)


def strided_layers(channels: int, width: int, depth: int = 0) -> nn.Sequential:
    """The encoder of `StridedGenerator` with leaky ReLU: [B, C, H, W] -> [B, 512, H/32, W/32]."""
    steps = enumerate(itertools.pairwise([channels, *widths(width)]))
    return nn.Sequential(*(halving(i, o, number > 0) for number, (i, o) in steps))


class PooledDiscriminator(nn.Module):
    """D: an encoder's layers, global average pooling for the fully connected one: [B, C, H, W] -> logits [B, 1].

    Neither encoder has batch norm next to the image, as DCGAN.
    """

    def __init__(self, layers: nn.Sequential, width: int, outputs: int = 1):
        super().__init__()
        self.layers = layers
        self.head = nn.Linear(8 * width, outputs)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.layers(image).mean(dim=(2, 3))).float()


class HoleDiscriminator(nn.Module):
    """D of patches (Isola et al. 2017), told where the hole is: image and mask -> logits, [B, 1, H/16, W/16].

    Without batch norm, with which it learns more slowly: images and completions are normalised apart.
    """

    def __init__(self, channels: int, width: int):
        super().__init__()
        sizes = [2 * channels, *widths(width)[:4]]
        self.layers = nn.Sequential(*(halving(i, o, normalise=False) for i, o in itertools.pairwise(sizes)))
        self.head = nn.Conv2d(sizes[-1], 1, 3, padding=1)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """[B, C, H, W] each."""
        return self.head(self.layers(torch.cat([image, mask], dim=1))).float()
