"""Context Encoders: Feature Learning by Inpainting.

Pathak, Krähenbühl, Donahue, Darrell, Efros; CVPR 2016. Figures 3 and 4, sections 3 and 4.1; learning rates, widths and
the weight of the overlap also as their published code has them.

    Eq. 1       reconstruction_error                    squared error in the missing region and the overlap around it
    Eq. 2       discriminator_loss, generator_loss      (losses.py) the discriminator judges the output alone
    Eq. 3       ContextEncoder.generator_turn           λ_rec and λ_adv
    section 3.1 ChannelWise                             m n² k² weights: every pixel of a map sees its own map
    section 4.1 overlap_weights (networks/painted.py)   7 pixels of context are predicted, too, and count 10×

Centre (`center:SIZE` masks): the decoder paints one square, the hole and 7 pixels around it, and the discriminator
judges this square. Random regions (all other masks): it paints the whole image, the loss counts the region and the
overlap, and the discriminator judges the whole output, as the paper does ("encourages the entire output to look real").

Departures:
- Eq. 1 is printed as a sum of squares. Here it is the mean over the values that count, for each image: with a sum the
  printed 0.999 and 0.001 cannot balance, and a small hole weighs as much as a large one. The published code takes the
  mean over the painted square, which is the same for centre training.
- Eq. 2's generator descends -log D, the non-saturating form.
- Missing pixels are 0, mid-grey; in the published code the mean colour of ImageNet.
- The paper's networks for 128×128 pixels squeeze all maps into one layer of 4000 features where section 3.1 has the
  channel-wise layer. `bottleneck=full` takes the former.
"""

import itertools
from functools import partial
from typing import Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from inpaint_cli.augmentation import Geometric
from inpaint_cli.errors import UsageError
from inpaint_cli.losses import discriminator_loss, generator_loss
from inpaint_cli.masks import MaskProcess
from inpaint_cli.method import Batch, Defaults, ImageShape, Method, Player, Turn
from inpaint_cli.networks.halvings import halvings
from inpaint_cli.networks.painted import Region, centred, overlap_weights
from inpaint_cli.networks.strided import (
    StridedDiscriminator,
    doubling,
    halving,
    initialise,
    levels_for,
    narrow_widths,
)


@dataclass(frozen=True)
class Settings:
    width: int = Field(64, ge=2, description="channels of the finest maps, published code; all others scale with it")
    bottleneck: Literal["channel-wise", "full"] = Field(
        "channel-wise", description="section 3.1; full: one layer of 4000 features at width 64, as for 128×128 pixels"
    )
    reconstruction: float = Field(0.999, ge=0, description="λ_rec, section 4.1")
    adversarial: float = Field(0.001, ge=0, description="λ_adv, section 4.1; 0 trains no discriminator")
    overlap: int = Field(7, ge=0, description="pixels of context that are predicted, too; section 4.1")
    overlap_weight: float = Field(10.0, ge=0, description="of their squared error; section 4.1")
    learning_rate: float = Field(2e-3, gt=0, description="context encoder: 10 times the discriminator's, section 4.1")
    discriminator_learning_rate: float = Field(2e-4, gt=0, description="discriminator: DCGAN's, published code")
    beta1: float = Field(0.5, ge=0, lt=1, description="Adam's momentum: DCGAN's, published code")
    beta2: float = Field(0.999, ge=0, lt=1, description="Adam's usual value, published code")
    ema: float = Field(0.0, ge=0, lt=1, description="not in the paper; 0.999 completes with averaged weights")
    shift: float = Field(0.0, ge=0, description="random shift, share of the side; not in the paper")
    scale: float = Field(0.0, ge=0, description="random scale, up or down by this; not in the paper")
    rotation: float = Field(0.0, ge=0, description="random rotation in degrees; not in the paper")
    flip: float = Field(0.5, ge=0, le=1, description="share that is mirrored; published code")


def painted_region(masks: MaskProcess, shape: ImageShape, overlap: int) -> Region:
    """The centred hole with its overlap for `center:SIZE`, else the whole image."""
    if masks.kind.name != "center" or masks.side is None:
        return Region(0, 0, shape.height, shape.width)
    return centred(masks.side + 2 * overlap, shape.height, shape.width)


class ChannelWise(nn.Module):
    """The channel-wise fully connected layer, section 3.1: each map through weights of its own, [B, m, n, n'] -> [B,
    m, k, k'].
    """

    def __init__(self, maps: int, inputs: tuple[int, int], outputs: tuple[int, int]):
        super().__init__()
        self.outputs, seen = outputs, inputs[0] * inputs[1]
        self.weight = nn.Parameter(torch.empty(maps, seen, outputs[0] * outputs[1]))
        nn.init.normal_(self.weight, std=seen**-0.5)
        self.bias = nn.Parameter(torch.zeros(maps, 1, outputs[0] * outputs[1]))

    def forward(self, x: Tensor) -> Tensor:
        by_map = x.flatten(2).transpose(0, 1)  # [m, B, n²]
        return torch.baddbmm(self.bias, by_map, self.weight).transpose(0, 1).unflatten(2, self.outputs)


def channel_wise(maps: int, size: tuple[int, int], outputs: int, output_size: tuple[int, int], width: int) -> nn.Module:
    """The channel-wise layer, and a 1×1 convolution that propagates across channels."""
    spread = nn.Sequential(nn.Conv2d(maps, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
    spread.apply(initialise)
    return nn.Sequential(ChannelWise(maps, size, output_size), nn.LeakyReLU(0.2, inplace=True), spread)


def full(maps: int, size: tuple[int, int], outputs: int, output_size: tuple[int, int], width: int) -> nn.Module:
    """Everything into one layer of features, and everything out of it."""
    features = round(4000 * width / 64)
    layers = nn.Sequential(
        nn.Conv2d(maps, features, size),
        nn.LeakyReLU(0.2, inplace=True),
        nn.ConvTranspose2d(features, outputs, output_size, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
    return layers.apply(initialise)


BOTTLENECKS = {"channel-wise": channel_wise, "full": full}


class Generator(nn.Module):
    """F: encoder, bottleneck, decoder, tanh: [B, C, H, W] with missing pixels at 0 -> the region, [B, C, h, w]."""

    def __init__(self, shape: ImageShape, region: Region, width: int, bottleneck: str):
        super().__init__()
        down = halvings("context-encoder", shape.height, shape.width)
        up, _ = levels_for(min(region.height, region.width))
        inward, outward = narrow_widths(width, down), narrow_widths(width, up)[::-1]
        bottom = (-(-region.height // 2**up), -(-region.width // 2**up))  # rounded up: the surplus is cut off
        self.region = Region(0, 0, region.height, region.width)
        steps = itertools.pairwise([shape.channels, *inward])
        self.encoder = nn.Sequential(*(halving(i, o, level > 0) for level, (i, o) in enumerate(steps)))
        self.decoder = nn.Sequential(*(doubling(i, o) for i, o in itertools.pairwise(outward)))
        self.to_image = nn.ConvTranspose2d(outward[-1], shape.channels, 4, 2, 1)
        self.apply(initialise)
        size = (shape.height >> down, shape.width >> down)
        self.bottleneck = BOTTLENECKS[bottleneck](inward[-1], size, outward[0], bottom, width)

    def forward(self, observed: Tensor) -> Tensor:
        painted = self.to_image(self.decoder(self.bottleneck(self.encoder(observed))))
        return torch.tanh(self.region.of(painted).float())  # bf16 has too few bits for 256 levels


def reconstruction_error(painted: Tensor, image: Tensor, weights: Tensor) -> Tensor:
    """‖M̂ ⊙ (x - F(x ⊙ (1 - M̂)))‖², a mean over each image's values that count, then over images; Eq. 1.

    painted, image: [B, C, h, w]; weights: [B, 1, h, w].
    """
    errors = (weights * (painted - image).square()).sum(dim=(1, 2, 3))
    counted = (weights > 0).sum(dim=(1, 2, 3)) * image.shape[1]
    return (errors / counted.clamp_min(1)).mean()


class ContextEncoder(Method):
    settings: Settings
    masks: MaskProcess
    Settings = Settings
    title = "Context Encoder"
    paper = "collagan"
    # 25 epochs of CelebA in batches of 64: published code; masks and size: collagan, section 4.1.
    defaults = Defaults(masks="block:64", batch=64, steps=63_600, recipe="celeba-128")
    completes_with = ("generator",)
    encodes_with = ("generator.encoder",)
    paints_whole = True
    one_completion = True

    def __init__(self, settings, shape, masks):
        super().__init__(settings, shape, masks)
        self.learns_rim = settings.overlap > 0 and settings.overlap_weight > 0
        self.ema_decay = settings.ema
        self.augmentation = (Geometric(settings.shift, settings.scale, settings.rotation, settings.flip),)
        self.region = painted_region(masks, shape, settings.overlap)
        self.generator = Generator(shape, self.region, settings.width, settings.bottleneck)
        self.players["generator"] = self._player(settings.learning_rate, self.generator)
        if settings.adversarial:
            self.discriminator = self._discriminator()
            self.players["discriminator"] = self._player(settings.discriminator_learning_rate, self.discriminator)

    def _discriminator(self) -> nn.Module:
        height, width = self.region.height, self.region.width
        levels, _ = levels_for(min(height, width))
        return StridedDiscriminator(self.shape.channels, height, width, narrow_widths(self.settings.width, levels))

    def _player(self, learning_rate: float, network: nn.Module) -> Player:
        betas = (self.settings.beta1, self.settings.beta2)
        return Player((network,), partial(torch.optim.Adam, lr=learning_rate, betas=betas, fused=True))

    def turns(self):
        losses = {"discriminator": self.discriminator_turn, "generator": self.generator_turn}
        return tuple(Turn(name, loss) for name, loss in losses.items() if name in self.players)

    def painted(self, batch: Batch) -> Tensor:
        """F(x ⊙ (1 - M̂)), [B, C, h, w] of the region; computed once per batch."""
        return batch.once("painted", lambda: self.generator(batch.observed))

    def discriminator_turn(self, batch: Batch) -> dict[str, Tensor]:
        painted = self.painted(batch).detach()
        real = self.discriminator(self.region.of(batch.image))
        return {"discriminator": discriminator_loss(real, self.discriminator(painted))}

    def generator_turn(self, batch: Batch) -> dict[str, Tensor]:
        settings, painted = self.settings, self.painted(batch)
        weights = self.region.of(overlap_weights(batch.mask, settings.overlap, settings.overlap_weight))
        error = reconstruction_error(painted, self.region.of(batch.image), weights)
        terms = {"reconstruction": settings.reconstruction * error}
        if settings.adversarial:
            terms["adversarial"] = settings.adversarial * generator_loss(self.discriminator(painted))
        return terms

    def complete(self, observed, mask, *, samples=1, generator=None, whole=False):
        """One pass without noise: all samples are the same.

        whole: what the generator paints, known pixels included. `UsageError` where pixels outside the square that a
        method trained on centred holes paints are missing.
        """
        self._refuse_holes_outside(mask)
        painted = self.region.onto(self.generator(observed), observed)
        completed = painted if whole else torch.where(mask > 0, observed, painted)
        return completed[:, None].expand(-1, samples, -1, -1, -1)

    def _refuse_holes_outside(self, mask: Tensor) -> None:
        if not self.region.covers(mask):
            square = f"the {self.region.width}×{self.region.height} pixels in the middle"
            raise UsageError(
                f"this context-encoder was trained on {self.masks.spec} and paints {square} alone: holes elsewhere "
                "need one that is trained on masks such as block:64 or pattern:0.25"
            )

    def features(self, observed: Tensor, mask: Tensor) -> Tensor:
        """What transfer probes: the encoder's last maps, [B, 512 · 4 · 4] at width 64 and 128×128 pixels."""
        return self.generator.encoder(observed).flatten(1)


METHOD = ContextEncoder
