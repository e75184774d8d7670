"""Deep Image Inpainting: the autoencoder, trained on squared error alone.

Burlin, Le Calonnec, Duperier; Stanford University, CS231n, 2017. Its equations have no numbers.

    section 1, L_i          squared_error                  summed over channels and pixels, over the hole's pixels
    section 4, figure 3     Autoencoder, ENCODERS          [CONV-CONV-stride] × 3, bottleneck, decoder
                            (networks/autoencoders.py)     and reduced VGG, Inception, ResNet
    section 5.4             overlap_weights                the overlap trick: 4 pixels around the hole count 20 times
                            (networks/painted.py)
    section 3               Photometric (augmentation.py)  hue, saturation, contrast, blur
    section 7.1             schedule, `ema`                learning rate decay, averaged variables

What the network paints: where it trains on center:SIZE, as in the paper, the square with its overlap; it then completes
holes within that square and refuses others. On any other masks it paints the whole image, sees the mask as a further
channel (section 1's non-blind inpainting), and completes holes anywhere; the overlap is then what lies within 4 pixels
of the hole.

Departures: pixels lie in [-1, 1], so that the paper's zeros in the hole are mid-grey. Its early stopping is the
engine's (--validate-every, --patience).
"""

from functools import partial
from typing import ClassVar, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from inpaint_cli.augmentation import Geometric, Photometric
from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.masks import MaskProcess
from inpaint_cli.method import Batch, Defaults, Method, Player, Turn
from inpaint_cli.networks.autoencoders import BLOCK, ENCODERS, Autoencoder, Style, relu
from inpaint_cli.networks.painted import Region, centred, overlap_weights
from inpaint_cli.settings import AnySettings

SMALLEST = 16  # pixels of a side


@dataclass(frozen=True)
class Settings:
    encoder: Literal["basic", "basic-pooling", "vgg", "inception", "resnet"] = Field(
        "basic", description="section 4; basic-pooling is its first form, with max pooling"
    )
    width: int = Field(32, ge=8, description="first filters, '32 or 64', section 4; 32 doubles to its 4×4×256")
    bottleneck: int = Field(512, ge=1, description="the best of 256 to 2000, section 7.1")
    overlap: int = Field(4, ge=0, description="pixels around the hole that are painted, too, section 5.4; 0 is without")
    overlap_weight: float = Field(20.0, ge=0, description="of the squared error there, section 5.4")
    overlap_mean: Literal["hole", "overlap"] = Field(
        "hole",
        description="over whose pixels that error is a mean; section 5.4 does not say, section 1's n² is the hole's",
    )
    dropout: float = Field(0.5, ge=0, lt=1, description="on every activation, section 7.1")
    learning_rate: float = Field(1e-3, gt=0, description="Adam, cross-validated in the paper and not printed")
    decay: float = Field(
        0.05, gt=0, le=1, description="learning rate at the end over that at the start; used and not printed, 1 is none"
    )
    beta1: float = Field(0.9, ge=0, lt=1, description="Adam's usual value; not in the paper")
    beta2: float = Field(0.999, ge=0, lt=1, description="Adam's usual value; not in the paper")
    ema: float = Field(0.999, ge=0, lt=1, description="'a fading average', section 7.1; the rate is not in the paper")
    flip: float = Field(0.0, ge=0, le=1, description="probability of a mirror image; not in the paper")
    shift: float = Field(0.0, ge=0, description="random shift, share of the side, in whole pixels; not in the paper")
    hue: float = Field(0.02, ge=0, le=0.5, description="share of a turn; 'small', section 3, amount not printed")
    saturation: float = Field(0.2, ge=0, lt=1, description="'small', section 3, amount not printed")
    contrast: float = Field(0.2, ge=0, lt=1, description="'small', section 3, amount not printed")
    blur: float = Field(0.3, ge=0, le=4, description="pixels; 'random gaussian blur', section 3, amount not printed")


def squared_error(painted: Tensor, image: Tensor, weight: Tensor, pixels: Tensor) -> Tensor:
    """L_i = 1/n² Σ_{p,q,r} w (Y - Ŷ)², a mean over images; n² is a number of pixels, the hole's, [B]."""
    sums = (weight * (painted - image).square()).sum(dim=(1, 2, 3))
    return (sums / pixels.clamp_min(1)).mean()


class DeepL2(Method):
    """Autoencoder trained on squared error, with or without the overlap trick."""

    settings: Settings
    masks: MaskProcess
    Settings: ClassVar[type[AnySettings]] = Settings
    title = "Convolutional autoencoder trained on squared error, of Deep Image Inpainting"
    paper = "deep"
    defaults = Defaults(masks="center:8", batch=128, steps=40_000, recipe="cifar10-32")
    completes_with = ("autoencoder",)
    one_completion = True
    encodes_with = ("autoencoder.encoder", "autoencoder.compress")

    def __init__(self, settings, shape, masks):
        super().__init__(settings, shape, masks)
        self._check()
        self.ema_decay = settings.ema
        photometric = (settings.hue, settings.saturation, settings.contrast, settings.blur)
        moving = settings.flip or settings.shift
        moved = (Geometric(settings.shift, flip=settings.flip),) if moving else ()
        self.augmentation = (*moved, *((Photometric(*photometric),) if any(photometric) else ()))
        self.square = masks.side if masks.kind.name == "center" else None  # side of the hole
        self.region = self._region()
        style = Style(relu, settings.dropout)
        inputs = shape.channels + (self.square is None)
        self.autoencoder = Autoencoder(
            ENCODERS[settings.encoder](inputs, settings.width, style),
            (shape.height, shape.width),
            settings.bottleneck,
            (shape.channels, self.region.height, self.region.width),
            settings.width,
            style,
        )
        self.players["autoencoder"] = self._player(self.autoencoder, settings.learning_rate, settings.beta1)

    def _check(self) -> None:
        height, width = self.shape.height, self.shape.width
        if height % BLOCK or width % BLOCK or min(height, width) < SMALLEST:
            raise InputError(
                f"the deep autoencoders halve images three times: sides must be multiples of {BLOCK} from {SMALLEST} "
                f"on, and this data is {width}×{height}"
            )
        if "none" in self.masks.kinds:
            raise UsageError("the deep autoencoders learn from holes, and masks 'none' have none: --masks center:8")

    def _region(self) -> Region:
        height, width = self.shape.height, self.shape.width
        if self.square is None:
            return Region(0, 0, height, width)
        return centred(self.square + 2 * self.settings.overlap, height, width)

    def _player(self, network: nn.Module, rate: float, beta1: float, weight_limit: float | None = None) -> Player:
        optimizer = partial(torch.optim.Adam, lr=rate, betas=(beta1, self.settings.beta2), fused=True)
        return Player((network,), optimizer, self.schedule, weight_limit)

    def schedule(self, progress: float) -> float:
        """Exponential decay of the learning rate."""
        return self.settings.decay**progress

    def turns(self):
        return (Turn("autoencoder", self.autoencoder_turn),)

    def seen(self, observed: Tensor, mask: Tensor) -> Tensor:
        """What the encoder sees: the image, and where holes may be anywhere the mask, too. [B, C or C + 1, H, W]"""
        return observed if self.square is not None else torch.cat([observed, mask], dim=1)

    def painted(self, batch: Batch) -> Tensor:
        """The region as the autoencoder paints it, [B, C, h, w]; computed once per batch."""
        return batch.once("painted", lambda: self.autoencoder(self.seen(batch.observed, batch.mask)))

    def completed(self, batch: Batch) -> Tensor:
        """The image with the hole painted, [B, C, H, W]: "we only keep the target when displaying"."""
        return self.composed(self.painted(batch), batch)

    def composed(self, painted: Tensor, batch: Batch) -> Tensor:
        return torch.where(batch.mask > 0, batch.image, self.region.onto(painted, batch.image))

    def reconstruction(self, batch: Batch) -> dict[str, Tensor]:
        """L_rec, its parts in the hole and on the overlap."""
        settings = self.settings
        painted, image = self.painted(batch), self.region.of(batch.image)
        hole = self.region.of(1 - batch.mask)
        pixels = hole.sum(dim=(1, 2, 3))
        terms = {"hole": squared_error(painted, image, hole, pixels)}
        if settings.overlap and settings.overlap_weight:
            around = self.region.of(overlap_weights(batch.mask, settings.overlap, settings.overlap_weight)) - hole
            over = pixels if settings.overlap_mean == "hole" else (around > 0).sum(dim=(1, 2, 3))
            terms["overlap"] = squared_error(painted, image, around, over)
        return terms

    def autoencoder_turn(self, batch: Batch) -> dict[str, Tensor]:
        return self.reconstruction(batch)

    def complete(self, observed, mask, *, samples=1, generator=None):
        """Deterministic: all samples are alike."""
        self._refuse_outside(mask)
        painted = self.region.onto(self.autoencoder(self.seen(observed, mask)), observed)
        return torch.where(mask > 0, observed, painted)[:, None].expand(-1, samples, -1, -1, -1)

    def _refuse_outside(self, mask: Tensor) -> None:
        region = self.region
        if not region.covers(mask):
            raise InputError(
                f"this model was trained on {self.masks.spec}: it paints the {region.width}×{region.height} pixels in "
                "the middle of what it sees, and the hole reaches outside them. A larger --context shows it more "
                "around the hole of a photo; a model for holes anywhere, also at the border, is trained with --masks "
                "block:8 or any other masks"
            )

    def features(self, observed: Tensor, mask: Tensor) -> Tensor:
        """What transfer probes: the bottleneck's activations, [B, bottleneck]."""
        return self.autoencoder.encode(self.seen(observed, mask))


METHOD = DeepL2
