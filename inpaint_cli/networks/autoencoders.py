"""An autoencoder for small images, and encoders and discriminators made of well-known classifiers, cut to size.

Burlin, Le Calonnec, Duperier, "Deep Image Inpainting", 2017, sections 4 and 5.1. The classifiers lose every layer that
works on more than 32×32 of ImageNet's pixels, take the image in the first layer that is left, and are narrower:

    vgg         VGG-16's blocks at 28 and 14 pixels, three convolutions each (Simonyan, Zisserman 2015)
    inception   GoogLeNet's modules at 28, 14 and 7 pixels, two each (Szegedy et al. 2015)
    resnet      ResNet-18's blocks at 28, 14 and 7 pixels, two each (He et al. 2016)

Every filter is 3×3 (section 4), so that GoogLeNet's 5×5 is two of them; 1×1 ones only mix channels.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from inpaint_cli.networks.dropout import Dropout

COARSEST = 4  # pixels of the shorter side of the decoder's first maps
BLOCK = 8  # every encoder halves at most three times


@dataclass(frozen=True)
class Style:
    """What follows each convolution: a norm over so many channels, `activation`, dropout."""

    activation: Callable[[], nn.Module]
    dropout: float = 0.0
    norm: Callable[[int], nn.Module] = nn.BatchNorm2d

    def layer(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, normed: bool = True) -> nn.Sequential:
        """[B, i, H, W] -> [B, o, H/stride, W/stride]."""
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=not normed)
        return nn.Sequential(convolution, *([self.norm(outputs)] if normed else []), *self.after())

    def after(self) -> list[nn.Module]:
        return [self.activation(), *([Dropout(self.dropout)] if self.dropout else [])]


def unscaled_batch_norm(channels: int) -> nn.Module:
    """Without scale and shift."""
    return nn.BatchNorm2d(channels, affine=False)


def image_norm(channels: int) -> nn.Module:
    """Each image by itself, over all its channels and pixels, without scale and shift."""
    return nn.GroupNorm(1, channels, affine=False)


def relu() -> nn.Module:
    return nn.ReLU(inplace=True)


def leaky_relu() -> nn.Module:
    """What "they emphasize in the discriminator", section 2."""
    return nn.LeakyReLU(0.2, inplace=True)


class Trunk(nn.Sequential):
    """Layers without a head: [B, i, H, W] -> [B, channels, H/reduction, W/reduction]."""

    def __init__(self, layers: list[nn.Module], channels: int, reduction: int):
        super().__init__(*layers)
        self.channels, self.reduction = channels, reduction


def basic_encoder(inputs: int, width: int, style: Style) -> Trunk:
    """[CONV-CONV-stride] × 3: w at full size, doubled at each stride, 4×4 of 8w of 32×32."""
    layers: list[nn.Module] = []
    for level in range(3):
        now = width << level
        layers += [style.layer(inputs, now), style.layer(now, now), style.layer(now, 2 * now, stride=2)]
        inputs = 2 * now
    return Trunk(layers, inputs, 8)


def basic_encoder_with_pooling(inputs: int, width: int, style: Style) -> Trunk:
    """[CONV-CONV-POOL2] × 3, the paper's first: w at full size, doubled after each pooling."""
    layers: list[nn.Module] = []
    for level in range(3):
        now = width << level
        layers += [style.layer(inputs, now), style.layer(now, now), nn.MaxPool2d(2)]
        inputs = now
    return Trunk(layers, inputs, 8)


def vgg(inputs: int, width: int, style: Style) -> Trunk:
    """Two blocks of three convolutions of 2w, max pooling after each."""
    layers: list[nn.Module] = []
    for _ in range(2):
        layers += [style.layer(inputs, 2 * width), *(style.layer(2 * width, 2 * width) for _ in range(2))]
        layers.append(nn.MaxPool2d(2))
        inputs = 2 * width
    return Trunk(layers, inputs, 4)


class Inception(nn.Module):
    """GoogLeNet's module: 1×1, 3×3, twice 3×3 and pooling side by side, of 1/4, 1/2, 1/8 and 1/8 of the outputs."""

    def __init__(self, inputs: int, outputs: int, style: Style):
        super().__init__()
        eighth = outputs // 8
        self.paths = nn.ModuleList(
            [
                style.layer(inputs, outputs - 6 * eighth, 1),
                nn.Sequential(style.layer(inputs, 3 * eighth, 1), style.layer(3 * eighth, 4 * eighth)),
                nn.Sequential(
                    style.layer(inputs, max(eighth // 2, 1), 1),
                    style.layer(max(eighth // 2, 1), eighth),
                    style.layer(eighth, eighth),
                ),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), style.layer(inputs, eighth, 1)),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([path(x) for path in self.paths], dim=1)


def inception(inputs: int, width: int, style: Style) -> Trunk:
    """Two modules each of w, 2w and 4w, but at least 8, max pooling between."""
    layers: list[nn.Module] = []
    for level in range(3):
        now = max(width << level, 8)
        layers += [nn.MaxPool2d(2)] if level else []
        layers += [Inception(inputs, now, style), Inception(now, now, style)]
        inputs = now
    return Trunk(layers, inputs, 4)


class Residual(nn.Module):
    """ResNet's basic block: two convolutions beside a shortcut, 1×1 where shapes differ."""

    def __init__(self, inputs: int, outputs: int, stride: int, style: Style):
        super().__init__()
        self.residual = nn.Sequential(
            style.layer(inputs, outputs, stride=stride),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            style.norm(outputs),
        )
        same = stride == 1 and inputs == outputs
        shortcut = [nn.Conv2d(inputs, outputs, 1, stride, bias=False), style.norm(outputs)]
        self.shortcut = nn.Identity() if same else nn.Sequential(*shortcut)
        self.after = nn.Sequential(*style.after())

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.residual(x) + self.shortcut(x))


def resnet(inputs: int, width: int, style: Style) -> Trunk:
    """Two blocks each of w, 2w and 4w."""
    layers: list[nn.Module] = []
    for level in range(3):
        now = width << level
        layers += [Residual(inputs, now, 2 if level else 1, style), Residual(now, now, 1, style)]
        inputs = now
    return Trunk(layers, inputs, 4)


def basic_discriminator(inputs: int, width: int, style: Style) -> Trunk:
    """6 CONV, every other of stride 2, section 5.1; the first without batch norm, as in DCGAN."""
    layers: list[nn.Module] = []
    for level in range(3):
        now = width << level
        layers += [style.layer(inputs, now, normed=level > 0), style.layer(now, 2 * now, stride=2)]
        inputs = 2 * now
    return Trunk(layers, inputs, 8)


ENCODERS = {
    "basic": basic_encoder,
    "basic-pooling": basic_encoder_with_pooling,
    "vgg": vgg,
    "inception": inception,
    "resnet": resnet,
}
DISCRIMINATORS = {"basic": basic_discriminator, "vgg": vgg, "inception": inception, "resnet": resnet}


class Autoencoder(nn.Module):
    """Encoder, bottleneck, decoder, figure 3: what is seen, [B, i, H, W] -> a region of the image, [B, C, h, w].

    The bottleneck is fully connected: the same as section 4's convolution of stride 4 over 4×4 maps.
    """

    def __init__(
        self,
        encoder: Trunk,
        seen: tuple[int, int],
        bottleneck: int,
        region: tuple[int, int, int],
        width: int,
        style: Style,
    ):
        super().__init__()
        maps = math.prod(side // encoder.reduction for side in seen) * encoder.channels
        self.encoder = encoder
        # Without batch norm, which would refuse a batch of one.
        self.compress = nn.Sequential(nn.Linear(maps, bottleneck), *style.after())
        self.decoder = Decoder(bottleneck, region, width, style)

    def encode(self, seen: Tensor) -> Tensor:
        """[B, i, H, W] -> [B, bottleneck]"""
        return self.compress(self.encoder(seen).flatten(1))

    def forward(self, seen: Tensor) -> Tensor:
        return self.decoder(self.encode(seen))


class Decoder(nn.Module):
    """Fully connected, then doublings (a transposed convolution and a CONV each): [B, bottleneck] -> [B, C, h, w]."""

    def __init__(self, bottleneck: int, region: tuple[int, int, int], width: int, style: Style):
        super().__init__()
        channels, *self.sides = region
        doublings = max(0, math.ceil(math.log2(min(self.sides) / COARSEST)))
        sizes = [max(8 * width >> level, width) for level in range(doublings + 1)]
        self.bottom = (sizes[0], *(-(-side >> doublings) for side in self.sides))
        self.expand = nn.Linear(bottleneck, math.prod(self.bottom), bias=False)
        self.start = nn.Sequential(nn.BatchNorm2d(sizes[0]), *style.after())
        self.blocks = nn.Sequential(*(_doubling(i, o, style) for i, o in itertools.pairwise(sizes)))
        self.to_image = nn.Conv2d(sizes[-1], channels, 3, padding=1)

    def forward(self, code: Tensor) -> Tensor:
        maps = self.start(self.expand(code).unflatten(1, self.bottom))
        image = torch.tanh(self.to_image(self.blocks(maps)).float())  # bf16 has too few bits for 256 levels
        height, width = self.sides
        return image[:, :, :height, :width]  # sides that are no multiple of the doublings are made a little larger


def _doubling(inputs: int, outputs: int, style: Style) -> nn.Sequential:
    """[B, i, H, W] -> [B, o, 2H, 2W]."""
    up = nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, output_padding=1, bias=False)
    return nn.Sequential(up, nn.BatchNorm2d(outputs), *style.after(), style.layer(outputs, outputs))


class Discriminator(nn.Module):
    """A trunk and a final CONV1 that reduces the depth to 1; the mean over places. [B, C, h, w] -> logits [B]

    A critic, of which only differences of scores count, needs no `bias`.
    """

    def __init__(self, trunk: Trunk, bias: bool = True):
        super().__init__()
        self.trunk = trunk
        self.head = nn.Conv2d(trunk.channels, 1, 1, bias=bias)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.trunk(image)).float().mean(dim=(1, 2, 3))
