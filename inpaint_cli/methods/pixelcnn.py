"""Pixel CNN: completion by the probability of each value given 24 pixels before it.

Burlin, Le Calonnec, Duperier: Deep Image Inpainting, Stanford 2017, sections 6.1, 6.2 and 7.3.

    6.1, first equation   PixelModel (autoregressive)        p(x) = Π p(x_i | x_1 … x_{i-1}), filled greedily
    6.1, second equation  PixelCNN.fill, Head                p(R | before) p(G | before, R) p(B | before, R, G)
    6.2, L_softmax        bits_per_dimension (networks)      -Σ log p̂, here a mean in bits: bits per dimension
    figure 7              NEIGHBOURHOODS                     the 24 pixels that a pixel is predicted from
    figure 8              PixelCNN.probabilities             the three distributions of a pixel

Which cells a value sees, of the pixel × in question; each has its three values, and × the channels before this one:

    corner                    half
    ● ● ● ● ●                 ● ● ● ● ● ● ●
    ● ● ● ● ●                 ● ● ● ● ● ● ●
    ● ● ● ● ●                 ● ● ● ● ● ● ●
    ● ● ● ● ●                 ● ● ● ×
    ● ● ● ● ×

The paper's zone is `neighbourhood=corner`; the causal half of a 7×7 zone has 24 pixels, too.

Where the paper is silent: the first layer is followed by 1×1 convolutions with residual connections, so that the 24
pixels stay all that a pixel sees; each neighbour tells cosines of its values, too, from which levels are told apart
sooner, and whether it lies inside the image; each channel has one more layer before its softmax, which takes the
channels before it. Since a pixel depends on its 24 neighbours alone, photos of any size are completed exactly.
"""

import math
from functools import partial
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from inpaint_cli.autoregressive.fronts import Front, fronts
from inpaint_cli.autoregressive.model import ChoiceSettings, PixelModel
from inpaint_cli.method import Defaults, Player, Turn, polynomial
from inpaint_cli.networks.pixels import LEVELS, choose, to_pixels


class Zone(NamedTuple):
    """Pixels before the one in question: `above` full rows from `left` to `right` of it, and what is left of it."""

    above: int
    left: int
    right: int

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """(rows down, columns right) of each, in scan order."""
        rows = [(row, column) for row in range(-self.above, 0) for column in range(-self.left, self.right + 1)]
        return rows + [(0, column) for column in range(-self.left, 0)]


NEIGHBOURHOODS = {"corner": Zone(4, 4, 0), "half": Zone(3, 3, 3)}  # 24 pixels each


@dataclass(frozen=True)
class Settings(ChoiceSettings):
    neighbourhood: Literal["corner", "half"] = Field(
        "corner", description="corner: 5×5 up and left, figure 7; half: 3 rows of 7 and 3 to the left"
    )
    width: int = Field(128, ge=1, description="features of each layer; not in the paper")
    layers: int = Field(
        3, ge=1, description="'several convolutional - dropout layers', section 7.3; how many is not said"
    )
    frequencies: int = Field(6, ge=0, description="cosines that encode each value beside itself; not in the paper")
    dropout: float = Field(0.5, ge=0, lt=1, description="section 7.3")
    learning_rate: float = Field(3e-3, gt=0, description="Adam; 'cross-validated', the value is not in the paper")
    annealing_power: float = Field(1.0, ge=0, description="not in the paper; 0 is a constant learning rate")
    ema: float = Field(0.0, ge=0, lt=1, description="not in the paper for this model; 0.999 completes with averages")


class Encoding(nn.Module):
    """Values as cosines of K frequencies beside themselves: near levels are told apart as easily as distant ones."""

    angles: Tensor

    def __init__(self, frequencies: int):
        super().__init__()
        self.size = 1 + frequencies  # numbers for each value
        self.register_buffer("angles", torch.arange(1, frequencies + 1) * (math.pi / 2), persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        """[..., C] in [-1, 1] -> [..., C + C · K], the values themselves first"""
        return torch.cat([values, torch.cos((values[..., None] + 1) * self.angles).flatten(-2)], dim=-1)


class Head(nn.Module):
    """One fully connected layer and softmax for a channel, given the channels before it."""

    def __init__(self, width: int, before: int):
        super().__init__()
        self.join = nn.Linear(width + before, width)
        self.to_logits = nn.Linear(width, LEVELS)

    def forward(self, features: Tensor, before: Tensor) -> Tensor:
        """[N, width] and the encoding of the pixel's channels so far, [N, before] -> logits [N, 256]"""
        return self.to_logits(F.leaky_relu(self.join(torch.cat([features, before], dim=-1)), 0.2))


class Network(nn.Module):
    """24 neighbours -> what they say of the pixel -> a distribution for each channel.

    Images lie as cells: E numbers for each pixel, its encoded values and a 1; all 0 beyond the edges.
    """

    offsets: Tensor

    def __init__(self, channels: int, zone: Zone, settings: Settings):
        super().__init__()
        self.zone, width = zone, settings.width
        self.register_buffer("offsets", torch.tensor(zone.offsets), persistent=False)
        self.encoding = Encoding(settings.frequencies)
        self.first = nn.Linear(len(zone.offsets) * (channels * self.encoding.size + 1), width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(settings.layers - 1))
        self.dropout = nn.Dropout(settings.dropout)
        self.heads = nn.ModuleList(Head(width, before * self.encoding.size) for before in range(channels))

    def encode(self, values: Tensor) -> Tensor:
        """The cells of pixels inside the image: [..., C] -> [..., E], the values first."""
        return F.pad(self.encoding(values), (0, 1), value=1.0)

    def cells(self, image: Tensor) -> Tensor:
        """[R, C, H, W] -> [R · (H + above) · (W + left + right), E]"""
        encoded = self.encode(image.permute(0, 2, 3, 1))
        return F.pad(encoded, (0, 0, self.zone.left, self.zone.right, self.zone.above, 0)).flatten(0, 2)

    def positions(self, pixels: Tensor, height: int, width: int) -> Tensor:
        """Places in the flattened [R, H, W] -> places among the cells."""
        zone, row, column = self.zone, pixels // width, pixels % width
        row = row + (row // height + 1) * zone.above
        return row * (width + zone.left + zone.right) + column + zone.left

    def features(self, cells: Tensor, positions: Tensor, width: int) -> Tensor:
        """What the neighbours of pixels at `positions` [N], in images of this width, say about them: [N, features].

        A convolution over the zone and 1×1 convolutions on top, each beside a residual connection.
        """
        steps = self.offsets[:, 0] * (width + self.zone.left + self.zone.right) + self.offsets[:, 1]
        x = self.first(cells[positions[:, None] + steps].flatten(1))  # [N, 24 · E] -> [N, features]
        x = self.dropout(F.leaky_relu(x, 0.2))
        for layer in self.layers:
            x = x + self.dropout(F.leaky_relu(layer(x), 0.2))
        return x

    def logits(self, features: Tensor, values: Tensor, channel: int) -> Tensor:
        """Of one channel of pixels [N] given their features and values, of which only earlier channels are used."""
        return self.heads[channel](features, self.encoding(values[:, :channel]))


class Pass(NamedTuple):
    """A front, and where its pixels lie among the cells."""

    front: Front
    positions: Tensor


class PixelCNN(PixelModel):
    settings: Settings
    Settings = Settings
    title = "Pixel CNN"
    paper = "deep"
    defaults = Defaults(
        masks="center:8", batch=32, steps=100_000, recipe="cifar10-32"
    )  # its length is not in the paper
    any_size = True
    completes_with = ("network",)

    def __init__(self, settings, shape, masks):
        super().__init__(settings, shape, masks)
        self.ema_decay = settings.ema
        self.zone = NEIGHBOURHOODS[settings.neighbourhood]
        self.network = Network(shape.channels, self.zone, settings)
        optimizer = partial(torch.optim.Adam, lr=settings.learning_rate, fused=True)
        self.players["network"] = Player((self.network,), optimizer, polynomial(settings.annealing_power))

    def turns(self):
        return (Turn("network", self.likelihood),)

    def margin(self, height, width):
        return max(self.zone)

    def logits(self, image):
        """[B, C, H, W] -> for each channel [B, H, W, 256]: the hole's network at every pixel."""
        network, (count, _, height, width) = self.network, image.shape
        pixels = torch.arange(count * height * width, device=image.device)
        features = network.features(network.cells(image), network.positions(pixels, height, width), width)
        values = image.permute(0, 2, 3, 1).flatten(0, 2)
        logits = [network.logits(features, values, channel) for channel in range(len(network.heads))]
        return [each.unflatten(0, (count, height, width)) for each in logits]

    def plan(self, missing, device):
        height, width = missing.shape[2:]
        found = fronts(missing, self.blocked, device)
        return [Pass(front, self.network.positions(front.pixels, height, width)) for front in found]

    def blocked(self, missing: Tensor) -> Tensor:
        """Which pixels have a missing neighbour: bool [R, H, W] -> bool [R, H, W], on the CPU."""
        zone = self.zone
        kernel = torch.zeros(1, 1, zone.above + 1, zone.left + 1 + zone.right)
        for down, right in zone.offsets:
            kernel[..., down + zone.above, right + zone.left] = 1
        padded = F.pad(missing[:, None].float(), (zone.left, zone.right, zone.above, 0))
        return F.conv2d(padded, kernel)[:, 0] > 0

    def fill(self, canvas, draws, plan):
        """x̂_R given the neighbours, then x̂_G given x̂_R, too, then x̂_B: front after front; second equation of 6.1."""
        network, (rows, channels, height, width) = self.network, canvas.shape
        cells = network.cells(canvas)
        draws = None if draws is None else draws.permute(0, 2, 3, 1).flatten(0, 2)
        for front, positions in plan:
            features, values = network.features(cells, positions, width), cells[positions, :channels]
            for channel, where in front.channels.items():
                logits = network.logits(features[where], values[where], channel)
                drawn = None if draws is None else draws[front.pixels[where], channel]
                values[where, channel] = to_pixels(choose(logits, drawn, self.settings.temperature))
            cells[positions] = network.encode(values)
        padded = cells.unflatten(0, (rows, height + self.zone.above, -1))[..., :channels]
        return padded[:, self.zone.above :, self.zone.left : self.zone.left + width].permute(0, 3, 1, 2)


METHOD = PixelCNN
