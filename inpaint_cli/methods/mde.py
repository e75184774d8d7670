"""Missing Data Encoder: Cross-Channel Image Completion with Hide-and-Seek Adversarial Network.

Dapogny, Cord, Perez; AAAI 2020.

    figure 4  VGGLikeGenerator, PooledDiscriminator  (networks/unets.py) the generator G, the discriminator D
    Eq. 1     discriminator_loss                     (losses.py) D tells images from completions
    Eq. 2     generator_loss                         (losses.py) G fools it
    Eq. 3     completion_error                       squared error on missing pixels
    Eq. 4     reconstruction_error                   squared error on known pixels
    Eq. 5     perceptual_error                       squared error of VGG-16 features
    Eq. 6     seek                                   the mask seeker R finds the known pixels in a completion
    Eq. 7     hide_by_pushing_away                   hide-and-seek "rec": G pushes R away from the true mask
    Eq. 8     hide_by_decoy                          hide-and-seek "alt": G pulls R towards another mask
    text      seek_coordinates, hide_coordinates     hide-and-seek "coord": R regresses each channel's rectangle
    text      MDE.generator_turn                     the whole objective, which the paper's text adds up:
              G: λ_c Eq. 3 + λ_r Eq. 4 + λ_vgg Eq. 5 + λ_adv Eq. 2 + λ_HnS (Eq. 7, Eq. 8 or L_coord)
              D: Eq. 1;  R: Eq. 6
              here 1, 1, 2e-2, 1e-3, 1e-2; printed 1, -, 2e-5, 1e-2, and 10 (0.1 for "coord")
    figure 6  MDE.complete                           several completions: each behind another part of what is known
    table 1   MDE.features                           the encoder's 4000 features, which `inpaint transfer` puts to use

Adam at 2e-4 for G, and 2e-5 for D and R (of R's the paper says nothing), annealed; batch norm and ReLU behind every
convolution of G, none next to the image in D. At test the known pixels may be put back (`evaluate --compose known`) or
be as G paints them (`--compose output`, the paper's figures).

Departures, each selectable where it is a choice:
- Figure 4 leaves open how many convolutions a block has: here one (`depth`), beside the strided one of its scale.
  `generator=strided` has the strided ones alone, and no skip connection at the image's own scale.
- Eq. 3-5 are means over elements, printed as sums of squares. The printed weights balance with neither: with sums the
  game outweighs Eq. 3 a hundredfold and D does nothing; with means the game still does, D twice, and Eq. 5 nothing.
  Here gradients at the output decide: after 150 to 300 small steps on rec:0.1 those of Eq. 2 and of the games are 0.08
  to 0.23 of that of Eq. 3. The thousandfold weight of Eq. 5 is an estimate. As printed: --set adversarial=1e-2
  --set perceptual=2e-5 --set hide_and_seek_weight=10 (0.1 for "coord").
- Eq. 6-8 print only the positive half of the cross-entropy, which R = 1 everywhere minimises; `cross_entropy=full`
  trains with both halves, `printed` with the printed one.
- D says one thing of all places of G's whole output. Shown a trained G's faces, whose holes are soft, 150 steps at ten
  times the printed rate leave it at 1.34 of 1.39, the loss of a guess. `judges=hole` puts known pixels back, shows it
  the mask, and asks of each patch of the hole (Isola et al. 2017): it is at 0.68 then, and teaches how eyes look. It
  costs a decibel; `judges=face:both-eyes` asks of patches there alone, as the judges of parts in Wang et al. 2021.
- Figure 6 draws several masks for an image that is known whole: here `inpaint evaluate --masks rec:0.1 --seed N`. An
  image with a hole of its own can only show less, and behind a fresh rec:0.1 next to nothing. So samples after the
  first do without a random rectangle of a tenth of the image (`hidden`), and see at least half of what is known.
- How transfer's new layers begin is not in the paper: here at the constant answer (probes.py says why);
  `inpaint transfer --set start=random` has random weights.
- The paper's pixels lie in [0, 1] with missing ones at 0; the contract's lie in [-1, 1]. `to_unit` stands between them.
"""

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from inpaint_cli.augmentation import Geometric
from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.losses import discriminator_loss, generator_loss, masked_squared_error
from inpaint_cli.masks import MaskProcess, parse_masks
from inpaint_cli.method import AT_COMPLETION, Batch, Defaults, ImageShape, Method, Player, Turn, polynomial
from inpaint_cli.networks.strided import doubling, halving
from inpaint_cli.networks.unets import (
    LEVELS,
    HoleDiscriminator,
    PooledDiscriminator,
    StridedGenerator,
    VGGLikeGenerator,
    strided_layers,
    vgg_like_layers,
    widths,
)

PERCEPTUAL_WEIGHTS = (1.0, 0.5, 0.25, 0.125, 0.0625)  # λ_1 … λ_5, below Eq. 5


@dataclass(frozen=True)
class Settings:
    generator: Literal["vgg", "strided"] = Field(
        "vgg",
        description="figure 4; strided: no convolutions between the strided ones, and a third of the time",
        json_schema_extra={"before": "strided"},
    )
    depth: int = Field(1, ge=1, description="convolutions of a block of vgg; not in the paper, 2 and 3 in VGG-16")
    width: int = Field(64, ge=2, description="figure 4; the 4000 features scale with it")
    hide_and_seek: Literal["none", "rec", "alt", "coord"] = Field("alt", description="the paper's best, figure 8")
    cross_entropy: Literal["full", "printed"] = Field("full", description="Eq. 6-8 as printed keep one half only")
    completion: float = Field(1.0, ge=0, description="weight of Eq. 3; 1 in the paper's sum of losses")
    reconstruction: float = Field(1.0, ge=0, description="weight of Eq. 4; not in the paper")
    perceptual: float = Field(
        2e-2, ge=0, description="λ_rec^vgg, weight of Eq. 5; printed 2e-5, see the file's header; 0 needs no VGG-16"
    )
    adversarial: float = Field(
        1e-3, ge=0, description="λ_adv, weight of Eq. 2; printed 1e-2, see the file's header; 0 trains no discriminator"
    )
    judges: str = Field(
        "output",
        description="what D judges; hole: patches of the hole alone; a place such as face:both-eyes: those of the hole "
        "that lie there; not in the paper",
    )
    hide_and_seek_weight: float = Field(
        1e-2, ge=0, description="λ_HnS; printed 10.e-2 for coord and 10 otherwise, see the file's header"
    )
    learning_rate: float = Field(2e-4, gt=0, description="generator, implementation details")
    discriminator_learning_rate: float = Field(
        2e-5, gt=0, description="discriminator, implementation details; also R's"
    )
    beta1: float = Field(0.5, ge=0, lt=1, description="'a momentum of 0.5', implementation details")
    beta2: float = Field(0.999, ge=0, lt=1, description="Adam's usual value; not in the paper")
    annealing_power: float = Field(
        1.0, ge=0, description="'polynomial annealing'; the power is not in the paper, 0 is constant"
    )
    ema: float = Field(0.0, ge=0, lt=1, description="not in the paper; 0.999 completes with averaged weights")
    flip: float = Field(0.0, ge=0, le=1, description="probability of a mirror image; not in the paper")
    hidden: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="share of the image that samples after the first do not see; not in the paper",
        json_schema_extra=AT_COMPLETION,
    )

    @property
    def needed_helpers(self) -> tuple[str, ...]:
        return ("vgg16",) if self.perceptual else ()


GENERATORS: dict[str, type[VGGLikeGenerator] | type[StridedGenerator]] = {
    "vgg": VGGLikeGenerator,
    "strided": StridedGenerator,
}
ENCODES_WITH = {
    "vgg": ("generator.blocks", "generator.down", "generator.compress"),
    "strided": ("generator.encoder", "generator.compress"),
}
ENCODERS = {"vgg": vgg_like_layers, "strided": strided_layers}  # with leaky ReLU, of the discriminators


class MaskSeeker(nn.Module):
    """R: a lighter u-net of 6 encoder layers, 6 decoder layers and a 1×1 layer -> the mask's logits, [B, C, H, W].

    "Lighter" is not given in numbers: here half the generator's widths, and no fully connected layer. Images below
    64 pixels have fewer halvings in them, and fewer layers.
    """

    def __init__(self, shape: ImageShape, width: int):
        super().__init__()
        levels = min(LEVELS + 1, int(math.log2(min(shape.height, shape.width))))
        sizes = [shape.channels, *widths(width), 8 * width][: levels + 1]
        self.encoder = nn.ModuleList(halving(i, o) for i, o in itertools.pairwise(sizes))
        outputs = [*sizes[-2:0:-1], width]
        inputs = [sizes[-1], *(2 * size for size in outputs[:-1])]
        self.decoder = nn.ModuleList(doubling(i, o) for i, o in zip(inputs, outputs, strict=True))
        self.to_mask = nn.Conv2d(width, shape.channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        maps, x = [image], image
        for block in self.encoder:
            x = block(x)
            maps.append(x)
        for block, skip in zip(self.decoder, maps[-2::-1], strict=True):
            x = F.pad(block(x), (0, skip.shape[3] - 2 * x.shape[3], 0, skip.shape[2] - 2 * x.shape[2]))  # 3 -> 1 -> 3
            x = x if skip is image else torch.cat([x, skip], dim=1)
        return self.to_mask(x).float()


class CoordinateSeeker(PooledDiscriminator):
    """R of "coord": x and y channels beside the image (Liu et al. 2018) -> each channel's (x, y, w, h)."""

    def __init__(self, shape: ImageShape, width: int):
        super().__init__(strided_layers(shape.channels + 2, width), width, outputs=4 * shape.channels)

    def forward(self, image: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, 4] as fractions of the image's sides."""
        count, _, height, width = image.shape
        y = torch.linspace(0, 1, height, device=image.device).view(1, 1, -1, 1).expand(count, 1, height, width)
        x = torch.linspace(0, 1, width, device=image.device).view(1, 1, 1, -1).expand(count, 1, height, width)
        return super().forward(torch.cat([image, x, y], dim=1)).unflatten(1, (-1, 4))


def to_unit(image: Tensor) -> Tensor:
    """[-1, 1] -> [0, 1]."""
    return (image + 1) / 2


def completion_error(completed: Tensor, image: Tensor, mask: Tensor) -> Tensor:
    """‖(1 - M) ⊙ (G(M ⊙ Z) - Z)‖², a mean over elements, Eq. 3."""
    return masked_squared_error(completed, image, 1 - mask)


def reconstruction_error(completed: Tensor, image: Tensor, mask: Tensor) -> Tensor:
    """‖M ⊙ (G(M ⊙ Z) - Z)‖², a mean over elements, Eq. 4."""
    return masked_squared_error(completed, image, mask)


def perceptual_error(completed: list[Tensor], image: list[Tensor]) -> Tensor:
    """Σ_l λ_l ‖φ_l(G(M ⊙ Z)) - φ_l(Z)‖² / Σ_l λ_l over VGG-16's blocks, each a mean over elements, Eq. 5."""
    errors = [F.mse_loss(a.float(), b.float()) for a, b in zip(completed, image, strict=True)]
    first, *others = (weight * error for weight, error in zip(PERCEPTUAL_WEIGHTS, errors, strict=True))
    return sum(others, first) / sum(PERCEPTUAL_WEIGHTS)


def full_cross_entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """-mean(M log R + (1 - M) log(1 - R))."""
    return (F.softplus(logits) - mask * logits).mean()


def printed_cross_entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """-mean(M log R), as Eq. 6-8 print it."""
    return (mask * F.softplus(-logits)).mean()


CrossEntropy = Callable[[Tensor, Tensor], Tensor]
CROSS_ENTROPY: dict[str, CrossEntropy] = {"full": full_cross_entropy, "printed": printed_cross_entropy}


def seek(logits: Tensor, mask: Tensor, cross_entropy: CrossEntropy) -> Tensor:
    """R learns the true mask from the completion, Eq. 6."""
    return cross_entropy(logits, mask)


def hide_by_pushing_away(logits: Tensor, mask: Tensor, decoy: Tensor, cross_entropy: CrossEntropy) -> Tensor:
    """G pushes R's answer away from the true mask M, Eq. 7."""
    return -cross_entropy(logits, mask)


def hide_by_decoy(logits: Tensor, mask: Tensor, decoy: Tensor, cross_entropy: CrossEntropy) -> Tensor:
    """G pulls R's answer towards another mask M̃ of the same process, Eq. 8."""
    return cross_entropy(logits, decoy)


def known_rectangle(mask: Tensor) -> Tensor:
    """Each channel's known rectangle (x, y, w, h) as fractions of the sides. [B, C, H, W] -> [B, C, 4]"""
    edges = []
    for axis in (2, 3):  # rows are known along x, columns along y
        line = mask.amax(dim=axis)  # [B, C, W], then [B, C, H]
        length = line.shape[-1]
        positions = torch.arange(length, device=mask.device)
        first = torch.where(line > 0, positions, length).amin(dim=-1)
        edges.append((first / length, line.sum(dim=-1) / length))
    (x, width), (y, height) = edges
    return torch.stack([x, y, width, height], dim=-1)


def larger_part(mask: Tensor, rectangle: Tensor) -> Tensor:
    """What of the known pixels lies outside of a rectangle, or inside of it where that is more: half of them at least.

    mask: {0, 1} [B, 1 or C, H, W]; rectangle: 1 inside, [B, 1, H, W].
    """
    outside, inside = mask * (1 - rectangle), mask * rectangle
    more = outside.sum(dim=(1, 2, 3), keepdim=True) >= inside.sum(dim=(1, 2, 3), keepdim=True)
    return torch.where(more, outside, inside)


def seek_coordinates(answer: Tensor, mask: Tensor, cross_entropy: CrossEntropy) -> Tensor:
    """R regresses the true rectangles, squared error; L_coord, text below Eq. 8."""
    return F.mse_loss(answer, known_rectangle(mask))


def hide_coordinates(answer: Tensor, mask: Tensor, decoy: Tensor, cross_entropy: CrossEntropy) -> Tensor:
    """G pulls R's answer towards the rectangles of another mask, squared error; the paper leaves the form open."""
    return F.mse_loss(answer, known_rectangle(decoy))


class Game(NamedTuple):
    """One way to play hide and seek."""

    seeker: type[nn.Module]  # R
    seek: Callable[..., Tensor]  # R's loss
    hide: Callable[..., Tensor]  # G's


HIDE_AND_SEEK = {
    "rec": Game(MaskSeeker, seek, hide_by_pushing_away),
    "alt": Game(MaskSeeker, seek, hide_by_decoy),
    "coord": Game(CoordinateSeeker, seek_coordinates, hide_coordinates),
}


class MDE(Method):
    settings: Settings
    masks: MaskProcess
    place: MaskProcess | None = None  # where D judges what is hidden; None: everywhere
    Settings = Settings
    title = "Missing Data Encoder"
    paper = "mde"
    defaults = Defaults(masks="rec:0.1", batch=24, steps=300_000, recipe="celeba-96")  # implementation details
    completes_with = ("generator",)
    paints_whole = True
    per_channel = True

    def __init__(self, settings, shape, masks):
        super().__init__(settings, shape, masks)
        self._check()
        width = settings.width
        self.learns_rim = settings.reconstruction > 0
        self.ema_decay = settings.ema
        self.augmentation = (Geometric(flip=settings.flip),) if settings.flip else ()
        if settings.judges not in ("output", "hole"):
            self.place = self._place()
        self.generator = GENERATORS[settings.generator](shape, width, settings.depth)
        self.encodes_with = ENCODES_WITH[settings.generator]
        self.players["generator"] = self._player(settings.learning_rate, self.generator)
        if settings.adversarial:
            self.discriminator = self._discriminator()
            self.players["discriminator"] = self._player(settings.discriminator_learning_rate, self.discriminator)
        if settings.hide_and_seek != "none":
            self.game = HIDE_AND_SEEK[settings.hide_and_seek]
            self.mask_seeker = self.game.seeker(shape, width // 2)
            self.players["mask_seeker"] = self._player(settings.discriminator_learning_rate, self.mask_seeker)
        self.cross_entropy = CROSS_ENTROPY[settings.cross_entropy]

    def _check(self) -> None:
        block, game = 2**LEVELS, self.settings.hide_and_seek
        if self.shape.height % block or self.shape.width % block:
            size = f"{self.shape.width}×{self.shape.height}"
            raise InputError(
                f"mde halves images {LEVELS} times: sides must be multiples of {block}, this data is {size}"
            )
        if game != "none" and not self.masks.varies:
            raise UsageError(
                f"hide-and-seek needs masks that vary from image to image, and {self.masks.spec} does not: "
                "give --set hide_and_seek=none, or masks such as extrapolate:0.25 or rec:0.1"
            )
        if game == "coord" and self.masks.kind.name not in ("extrapolate", "rec"):
            raise UsageError(
                f"hide_and_seek=coord regresses the rectangles of extrapolate and rec, not {self.masks.spec}"
            )

    def _discriminator(self) -> nn.Module:
        settings, channels = self.settings, self.shape.channels
        if settings.judges != "output":
            return HoleDiscriminator(channels, settings.width)
        encoder = ENCODERS[settings.generator](channels, settings.width, settings.depth)
        return PooledDiscriminator(encoder, settings.width)

    def _place(self) -> MaskProcess:
        try:
            place = parse_masks(self.settings.judges)
        except UsageError as fault:
            problem, *_ = str(fault).splitlines()  # what follows is the grammar of all masks
            raise UsageError(f"judges={self.settings.judges} is neither output, hole nor a place: {problem}") from None
        if place.varies or place.per_channel or place.without_files is None:
            raise UsageError(
                f"judges={self.settings.judges} is no place that is the same in each image, as face:both-eyes is"
            )
        place.check(self.shape)
        return place

    def _player(self, learning_rate: float, network: nn.Module) -> Player:
        settings = self.settings
        optimizer = partial(torch.optim.Adam, lr=learning_rate, betas=(settings.beta1, settings.beta2), fused=True)
        return Player((network,), optimizer, polynomial(settings.annealing_power))

    def turns(self):
        losses = {
            "discriminator": self.discriminator_turn,
            "mask_seeker": self.seeker_turn,
            "generator": self.generator_turn,
        }
        return tuple(Turn(name, loss) for name, loss in losses.items() if name in self.players)

    def fake(self, batch: Batch) -> Tensor:
        """G(M ⊙ Z), [B, C, H, W] in [0, 1]; computed once per batch."""
        return batch.once("fake", lambda: self.generator(self.masked(batch.observed, batch.mask)))

    @staticmethod
    def masked(observed: Tensor, mask: Tensor) -> Tensor:
        """M ⊙ Z with Z in [0, 1]."""
        return to_unit(observed) * mask

    def judged(self, image: Tensor, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """What D says of a batch's images or of outputs, [B, C, H, W] in [0, 1]: logits, and their weights."""
        if self.settings.judges == "output":
            return self.discriminator(image), None
        mask = self.channel_masks(batch.mask)
        logits = self.discriminator(torch.where(mask > 0, batch.image, image * 2 - 1), mask)
        judged = 1 - mask.mean(dim=1, keepdim=True)
        if self.place is not None:
            elsewhere = self.place.draw(1, (1, *self.shape[1:]), generator=torch.Generator(mask.device))
            judged = judged * (1 - elsewhere)
        return logits, F.adaptive_avg_pool2d(judged, logits.shape[-2:])

    def discriminator_turn(self, batch: Batch) -> dict[str, Tensor]:
        real, weights = self.judged(to_unit(batch.image), batch)
        fake, _ = self.judged(self.fake(batch).detach(), batch)
        return {"discriminator": discriminator_loss(real, fake, weights)}

    def seeker_turn(self, batch: Batch) -> dict[str, Tensor]:
        answer = self.mask_seeker(self.fake(batch).detach())
        return {"seek": self.game.seek(answer, self.channel_masks(batch.mask), self.cross_entropy)}

    def generator_turn(self, batch: Batch) -> dict[str, Tensor]:
        settings, fake, image = self.settings, self.fake(batch), to_unit(batch.image)
        terms = {
            "completion": settings.completion * completion_error(fake, image, batch.mask),
            "reconstruction": settings.reconstruction * reconstruction_error(fake, image, batch.mask),
        }
        if settings.perceptual:
            vgg = self.helpers["vgg16"]
            terms["perceptual"] = settings.perceptual * perceptual_error(vgg(fake), vgg(image))
        if settings.adversarial:
            terms["adversarial"] = settings.adversarial * generator_loss(*self.judged(fake, batch))
        if settings.hide_and_seek != "none":
            terms["hide"] = settings.hide_and_seek_weight * self.hide_term(fake, batch)
        return terms

    def hide_term(self, fake: Tensor, batch: Batch) -> Tensor:
        mask, decoy = self.channel_masks(batch.mask), self.channel_masks(batch.fresh_mask())
        return self.game.hide(self.mask_seeker(fake), mask, decoy, self.cross_entropy)

    def channel_masks(self, mask: Tensor) -> Tensor:
        """One mask per channel, as M = (M^c): [B, 1 or C, H, W] -> [B, C, H, W]."""
        return mask.expand(-1, self.shape.channels, -1, -1)

    def complete(self, observed, mask, *, samples=1, generator=None, whole=False):
        """The first sample sees all that is known, each further one another part of it.

        whole: the generator's own output, which paints known pixels, too.
        """
        generator = generator or torch.Generator(mask.device).manual_seed(0)
        hides = parse_masks(f"extrapolate:{self.settings.hidden}")
        completions = []
        for sample in range(samples):
            seen = mask
            if sample:
                seen = larger_part(mask, hides.draw(len(mask), (1, *self.shape[1:]), generator=generator))
            output = self.generator(self.masked(observed, seen)) * 2 - 1
            completions.append(output if whole else torch.where(mask > 0, observed, output))
        return torch.stack(completions, dim=1)

    def features(self, observed: Tensor, mask: Tensor) -> Tensor:
        """The fully connected layer's activations behind its ReLU, [B, 4000] at width 64; of M ⊙ Z, as G sees it.

        What transfer (tables 1 and 2) feeds to its two layers with sigmoid, of images without a hole, and what the
        library's `features` gives.
        """
        return self.generator.encode(self.masked(observed, mask))[0]


METHOD = MDE
