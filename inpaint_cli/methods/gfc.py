"""Generative Face Completion.

Li, Liu, Yang, Yang; CVPR 2017. What its text leaves open (widths, learning rates, pixel range) is taken from the
authors' published code.

    Eq. 1        discriminator_loss, generator_loss   (losses.py) -log D(x) - log(1 - D(G(z))) for local and global D
    section 3.2  reconstruction_error                 L_r, of the whole image: the network is an autoencoder
    section 3.2  parsing_error                        L_p, pixel-wise softmax cross-entropy of a frozen face-parser
    Eq. 2        GFC.generator_turn                   L = L_r + λ_1 L_a1 + λ_2 L_a2 + λ_3 L_p
    section 3.3  GFC.stage                            first L_r, then L_a1, too, then L_a2 and L_p, too

Departures:
- The printed weights 300, 300 and 0.005 belong to an L_r and L_p that are sums over an image. Terms here are means,
  and Eq. 2 is divided as a whole by the number of an image's values: the balance is the printed one, and Adam's steps
  do not know of the factor.
- The local discriminator sees the bounding box of the missing pixels. For `block` and `center` masks this is the
  square, at its own size; the box of another mask is resized to half the image's side. The paper has squares alone.
- L_a1 and L_a2 descend -log D, the non-saturating form, as the published code does.
- Discriminators are strided 4×4 convolutions alone, as DCGAN's, which the paper names; the published code puts a 3×3
  convolution before each. Like it, they have no batch norm.
- The parser is this package's `face-parser`; the paper's starts from the weights of VGG-16.
- Mirrored, the decoder has as many channels as the encoder ("symmetric"); the published code has fewer.
- In the hole, noise decides where the encoder's maxima lie, and so where unpooling puts values: an unlearned grain that
  takes many thousands of steps to go. `unpooling=nearest` repeats each value instead, and is smooth from the start.
"""

import itertools
from collections.abc import Mapping
from functools import partial
from typing import Literal, Protocol, cast

import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from inpaint_cli.augmentation import Geometric
from inpaint_cli.errors import InputError
from inpaint_cli.losses import discriminator_loss, generator_loss
from inpaint_cli.masks import MaskProcess
from inpaint_cli.method import Batch, Defaults, ImageShape, Method, Player, Turn
from inpaint_cli.networks.painted import hole_boxes
from inpaint_cli.networks.strided import StridedDiscriminator

STAGES = ((1, 2), (2, 2), (4, 2), (8, 4))  # (times the width, convolutions): two new layers, then VGG-19's to pool3
HALVINGS = len(STAGES)
LABELS = 11  # of Helen, which the paper's parser tells apart


@dataclass(frozen=True)
class Settings:
    width: int = Field(32, ge=2, description="channels of the first layers, published code; all others scale with it")
    unpooling: Literal["switches", "nearest"] = Field(
        "switches", description="to where pooling found its maxima, published code; nearest: not in the paper"
    )
    reconstruction: Literal["l2", "l1"] = Field("l2", description="L_r, section 3.2; l1 in the published code")
    local_weight: float = Field(300.0, ge=0, description="λ_1, section 4; 0 trains no local discriminator")
    global_weight: float = Field(300.0, ge=0, description="λ_2, section 4; 0 trains no global discriminator")
    parsing: float = Field(0.005, ge=0, description="λ_3, section 4 (0.05 in the published code); 0 needs no parser")
    reconstruction_share: float = Field(
        1 / 3, ge=0, le=1, description="of the steps with L_r alone, section 3.3; the share is not in the paper"
    )
    local_share: float = Field(
        1 / 3, ge=0, le=1, description="of the steps that follow, with L_a1; the share is not in the paper"
    )
    learning_rate: float = Field(1e-4, gt=0, description="generator, published code")
    discriminator_learning_rate: float = Field(2e-4, gt=0, description="discriminators, published code")
    beta1: float = Field(0.9, ge=0, lt=1, description="the generator's Adam, published code")
    discriminator_beta1: float = Field(0.5, ge=0, lt=1, description="the discriminators' Adam, published code")
    beta2: float = Field(0.999, ge=0, lt=1, description="of both, published code")
    ema: float = Field(0.0, ge=0, lt=1, description="not in the paper; 0.999 completes with averaged weights")
    shift: float = Field(0.05, ge=0, description="random shift, share of the side; published code")
    scale: float = Field(0.0, ge=0, description="random scale, up or down by this; published code has none")
    rotation: float = Field(5.0, ge=0, description="random rotation in degrees; published code")
    flip: float = Field(0.5, ge=0, le=1, description="share that is mirrored; published code shows each both ways")


def convolutions(sizes: list[int]) -> nn.Sequential:
    """3×3 convolutions and ReLUs: [B, sizes[0], H, W] -> [B, sizes[-1], H, W]."""
    steps = itertools.pairwise(sizes)
    return nn.Sequential(*itertools.chain(*((nn.Conv2d(i, o, 3, padding=1), nn.ReLU(inplace=True)) for i, o in steps)))


def unpool_to_switches(x: Tensor, places: Tensor) -> Tensor:
    """Each value where the encoder's pooling of this scale found its maximum, 0 elsewhere: [B, C, H, W] -> twice."""
    return F.max_unpool2d(x, places, (2, 2))


def unpool_to_nearest(x: Tensor, places: Tensor) -> Tensor:
    """Each value four times: [B, C, H, W] -> [B, C, 2H, 2W]."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


UNPOOLING = {"switches": unpool_to_switches, "nearest": unpool_to_nearest}


class Generator(nn.Module):
    """G: VGG-19's first layers, a fully connected latent, and their mirror image with unpooling."""

    def __init__(self, shape: ImageShape, width: int, unpooling: str):
        super().__init__()
        self.unpool = UNPOOLING[unpooling]
        counts = [width * times for times, _ in STAGES]
        self.bottom = (counts[-1], shape.height >> HALVINGS, shape.width >> HALVINGS)  # 256 × 8 × 8 for 128 × 128
        flat, latent = self.bottom[0] * self.bottom[1] * self.bottom[2], round(4096 * width / 32)
        inputs = [shape.channels, *counts[:-1]]
        sizes = [[i] + [o] * deep for i, o, (_, deep) in zip(inputs, counts, STAGES, strict=True)]
        self.encoder = nn.ModuleList(convolutions(stage) for stage in sizes)
        self.compress = nn.Sequential(nn.Linear(flat, latent), nn.ReLU())
        self.expand = nn.Sequential(nn.Linear(latent, flat), nn.ReLU())
        mirrored = [[width] * 3, *(stage[::-1] for stage in sizes[1:])][::-1]
        self.decoder = nn.ModuleList(convolutions(stage) for stage in mirrored)
        self.to_image = nn.Conv2d(width, shape.channels, 3, padding=1)
        self.apply(_initialise)
        nn.init.normal_(self.to_image.weight, 0.0, 1e-3)  # published code: images begin grey

    def encode(self, filled: Tensor) -> tuple[Tensor, list[Tensor]]:
        """[B, 3, 128, 128] -> latent [B, 4096], and where each pooling's maxima lie."""
        places, x = [], filled
        for stage in self.encoder:
            x, where = F.max_pool2d(stage(x), 2, return_indices=True)
            places.append(where)
        return self.compress(x.flatten(1)), places

    def forward(self, filled: Tensor) -> Tensor:
        """Image whose hole holds noise -> the complete image, both [B, C, H, W]; not bounded to [-1, 1]."""
        latent, places = self.encode(filled)
        x = self.expand(latent).unflatten(1, self.bottom).contiguous(memory_format=torch.channels_last)
        for stage, where in zip(self.decoder, reversed(places), strict=True):
            x = stage(self.unpool(x, where))
        return self.to_image(x).float()


def _initialise(module: nn.Module) -> None:
    """He et al. 2015, as the published code has it."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def discriminator(channels: int, height: int, width: int, coarsest: int) -> StridedDiscriminator:
    """Halvings to about 4 pixels; `coarsest` channels there, half of them at each finer scale."""
    levels = max(1, min(height, width).bit_length() - 3)  # 128 -> 5, 64 -> 4
    widths = [max(1, coarsest >> (levels - 1 - level)) for level in range(levels)]
    return StridedDiscriminator(channels, height, width, widths, normalise=False)


def local_size(masks: MaskProcess, shape: ImageShape) -> tuple[int, int]:
    """Height and width of what the local discriminator sees."""
    return (masks.side, masks.side) if masks.side else (shape.height // 2, shape.width // 2)


def fill(observed: Tensor, mask: Tensor, noise: Tensor) -> Tensor:
    """Noise in [-1, 1] where pixels are missing: the network's input, section 3.1."""
    return torch.where(mask > 0, observed, noise)


def crop(image: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """What lies in each image's box, bilinearly resized: [B, C, H, W], [B, 4] -> [B, C, *size], differentiable.

    A box that has the size asked for is copied pixel by pixel.
    """
    sides = (image.shape[3], image.shape[2])
    edges = [boxes[:, axis::2] / side * 2 - 1 for axis, side in enumerate(sides)]  # grid_sample's -1 to 1, edge to edge
    start, end = torch.stack(edges, dim=2).unbind(1)  # [B, 2] each
    theta = torch.diag_embed((end - start) / 2)
    theta = torch.cat([theta, (end + start)[:, :, None] / 2], dim=2)  # [B, 2, 3]
    grid = F.affine_grid(theta, [len(image), image.shape[1], *size], align_corners=False)
    return F.grid_sample(image.float(), grid, padding_mode="border", align_corners=False)


RECONSTRUCTION = {"l2": F.mse_loss, "l1": F.l1_loss}


def reconstruction_error(output: Tensor, image: Tensor, kind: str) -> Tensor:
    """L_r: the distance of the network's output from the original, known pixels included; a mean over values."""
    return RECONSTRUCTION[kind](output, image)


def parsing_error(completed_logits: Tensor, image_logits: Tensor) -> Tensor:
    """L_p: -log of the softmax at the labels that the parser gives the original; a mean over pixels.

    Both [B, L, H, W].
    """
    return F.cross_entropy(completed_logits.float(), image_logits.argmax(dim=1))


class Parser(Protocol):
    """What of a face-parser the parsing loss asks."""

    shape: ImageShape
    label_counts: Mapping[str, int]

    def logits(self, image: Tensor) -> Tensor:
        """[B, C, H, W] in [-1, 1] -> [B, L, H, W]"""


class GFC(Method):
    settings: Settings
    Settings = Settings
    title = "Generative Face Completion"
    paper = "collagan"
    # Masks and size: section 4; batch and steps are not in the paper (the published code has 2 images, and no end).
    defaults = Defaults(masks="block:64", batch=16, steps=200_000, recipe="celeba-128")
    completes_with = ("generator",)
    encodes_with = ("generator.encoder", "generator.compress")
    paints_whole = True

    def __init__(self, settings, shape, masks):
        super().__init__(settings, shape, masks)
        self._check()
        self.ema_decay = settings.ema
        self.augmentation = (Geometric(settings.shift, settings.scale, settings.rotation, settings.flip),)
        self.generator = Generator(shape, settings.width, settings.unpooling)
        self.players["generator"] = self._player(self.generator, settings.learning_rate, settings.beta1)
        self.local_size = local_size(masks, shape)
        if settings.local_weight:
            self.local = self._add_discriminator("local", *self.local_size)
        if settings.global_weight:
            self.whole = self._add_discriminator("global", shape.height, shape.width)

    def _check(self) -> None:
        block = 2**HALVINGS
        if self.shape.height % block or self.shape.width % block:
            size = f"{self.shape.width}×{self.shape.height}"
            raise InputError(
                f"gfc halves images {HALVINGS} times: sides must be multiples of {block}, this data is {size}"
            )

    def _add_discriminator(self, name: str, height: int, width: int) -> nn.Module:
        settings = self.settings
        network = discriminator(self.shape.channels, height, width, 16 * settings.width)
        rate, beta1 = settings.discriminator_learning_rate, settings.discriminator_beta1
        self.players[name] = self._player(network, rate, beta1)
        return network

    def _player(self, network: nn.Module, learning_rate: float, beta1: float) -> Player:
        betas = (beta1, self.settings.beta2)
        return Player((network,), partial(torch.optim.Adam, lr=learning_rate, betas=betas, fused=True))

    def needed_helpers(self):
        return ("face-parser",) if self.settings.parsing else ()

    def check_labels(self, labels):
        """No labels are needed; the parser, which is there by now, must suit the data."""
        if self.settings.parsing:
            self._check_parser(self.parser)

    @property
    def parser(self) -> Parser:
        return cast(Parser, self.helpers["face-parser"])

    def _check_parser(self, parser: Parser) -> None:
        told_apart = parser.label_counts["parsing"]
        if told_apart != LABELS:
            raise InputError(
                f"the face-parser tells {told_apart} labels apart, and gfc's parsing loss needs the "
                f"{LABELS} of Helen: give --weights face-parser= one that is trained with --set labels={LABELS}, or "
                "--set parsing=0"
            )
        if tuple(parser.shape) != tuple(self.shape):
            own, given = (f"{s[2]}×{s[1]} pixels, {s[0]} channel(s)" for s in (self.shape, parser.shape))
            raise InputError(
                f"the face-parser was trained on {given}, this data is {own}: give one that is trained on images of "
                "this shape, or --set parsing=0"
            )

    def stages(self) -> tuple[float, float]:
        """The shares of training at which L_a1 sets in, and L_a2 with L_p; section 3.3."""
        first = self.settings.reconstruction_share
        return first, min(first + self.settings.local_share, 1.0)

    def turns(self):
        local, last = self.stages()
        turns = (
            Turn("local", self.local_turn, since=local),
            Turn("global", self.global_turn, since=last),
            Turn("generator", self.generator_turn),
        )
        return tuple(turn for turn in turns if turn.player in self.players)

    def output(self, batch: Batch) -> Tensor:
        """G of the image whose hole holds noise, [B, C, H, W]; computed once per batch."""

        def compute() -> Tensor:
            noise = torch.rand_like(batch.image) * 2 - 1
            return self.generator(fill(batch.observed, batch.mask, noise))

        return batch.once("output", compute)

    def completed(self, batch: Batch) -> Tensor:
        """The output in the hole, the image elsewhere: what both discriminators and the parser see."""
        return torch.where(batch.mask > 0, batch.image, self.output(batch))

    def local_turn(self, batch: Batch) -> dict[str, Tensor]:
        boxes, fake = hole_boxes(batch.mask), self.completed(batch).detach()
        real, fake = (self.local(crop(image, boxes, self.local_size)) for image in (batch.image, fake))
        return {"local_discriminator": discriminator_loss(real, fake)}

    def global_turn(self, batch: Batch) -> dict[str, Tensor]:
        real, fake = (self.whole(image) for image in (batch.image, self.completed(batch).detach()))
        return {"global_discriminator": discriminator_loss(real, fake)}

    def generator_turn(self, batch: Batch) -> dict[str, Tensor]:
        """Eq. 2 in the stage that the training has reached, divided by the number of an image's values."""
        settings, (local, last) = self.settings, self.stages()
        channels, height, width = self.shape
        values, completed = channels * height * width, self.completed(batch)
        terms = {"reconstruction": reconstruction_error(self.output(batch), batch.image, settings.reconstruction)}
        if settings.local_weight and batch.progress >= local:
            seen = crop(completed, hole_boxes(batch.mask), self.local_size)
            terms["local"] = settings.local_weight / values * generator_loss(self.local(seen))
        if settings.global_weight and batch.progress >= last:
            terms["global"] = settings.global_weight / values * generator_loss(self.whole(completed))
        if settings.parsing and batch.progress >= last:
            terms["parsing"] = settings.parsing / channels * self.parsing_term(batch, completed)
        return terms

    def parsing_term(self, batch: Batch, completed: Tensor) -> Tensor:
        with torch.no_grad():
            true = self.parser.logits(batch.image)
        return parsing_error(self.parser.logits(completed), true)

    def complete(self, observed, mask, *, samples=1, generator=None, whole=False):
        """Each sample fills the hole with noise of its own, the same for all images of a batch.

        whole: the network's output, which reconstructs known pixels, too.
        """
        generator = generator or torch.Generator(mask.device).manual_seed(0)
        completions = []
        for _ in range(samples):
            noise = torch.rand(observed.shape[1:], device=observed.device, generator=generator) * 2 - 1
            output = self.generator(fill(observed, mask, noise)).clamp(-1, 1)
            completions.append(output if whole else torch.where(mask > 0, observed, output))
        return torch.stack(completions, dim=1)

    def features(self, observed: Tensor, mask: Tensor) -> Tensor:
        """What transfer probes: the latent, [B, 4096] at width 32; the hole at mid-grey."""
        return self.generator.encode(observed)[0]


METHOD = GFC
