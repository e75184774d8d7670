"""The parsing network of faces: a label for each pixel, for collaGAN's segmentation and Generative Face Completion.

Liao et al., Face Completion with Semantic Knowledge and Collaborative Adversarial Learning (2018), section 4.1, takes
its label maps from the network of Li et al., Generative Face Completion (CVPR 2017), whose parsing loss looks through
it.

    Ronneberger et al. 2015, Eq. 1  cross_entropy  -log of the softmax of each pixel's true label
    Milletari et al. 2016, text     soft_dice      2 Σ p g / (Σ p² + Σ g²) of each label
    text                            UNet           the U-net of Ronneberger et al., with batch norm and few channels

Departures:
- Li et al. start from an edge detector with the weights of VGG-16. Here a compact U-net learns from nothing: 1.2
  million weights for 128×128 pixels, which hundreds of label maps train in minutes.
- Eyes and lips are each half a percent of the pixels, and cross-entropy alone learns them last. The mean of all parts'
  `soft_dice` counts them like the skin; `dice=0` leaves the cross-entropy alone.
- The net sees what is observed. Trained without holes (masks `none`, the default) it labels whole images, as the papers
  do; trained behind other masks it also says what lies in the hole.
"""

import itertools
from collections.abc import Container
from functools import partial

import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from inpaint_cli.augmentation import Geometric, Photometric
from inpaint_cli.errors import InputError
from inpaint_cli.method import Batch, Defaults, Method, Player, Turn, polynomial

SMALLEST = 32  # pixels of the shorter side: below, the coarsest maps have nothing left to see
WIDEST = 8  # times the width of the first maps: the coarse ones stay narrow, a face has few parts


@dataclass(frozen=True)
class Settings:
    labels: int = Field(11, ge=2, le=256, description="of Helen, background and hair included (Smith et al. 2013)")
    width: int = Field(16, ge=2, description="channels of the finest maps; 64 in Ronneberger et al. 2015, here compact")
    levels: int = Field(4, ge=1, le=7, description="halvings, as Ronneberger et al. 2015, figure 1")
    dice: float = Field(1.0, ge=0, description="weight of 1 - soft Dice beside the cross-entropy; not in the papers")
    learning_rate: float = Field(2e-3, gt=0, description="Adam's, falling to zero; not in the papers")
    annealing_power: float = Field(1.0, ge=0, description="of the fall to zero; not in the papers, 0 is constant")
    ema: float = Field(0.99, ge=0, lt=1, description="labels with averaged weights; not in the papers")
    shift: float = Field(0.1, ge=0, description="random shift, share of the side; collagan's section 4.1, no figures")
    scale: float = Field(0.15, ge=0, description="random scale, up or down by this; collagan's section 4.1, no figures")
    rotation: float = Field(15.0, ge=0, description="random rotation in degrees; collagan's section 4.1, no figures")
    flip: float = Field(0.5, ge=0, le=1, description="share that is mirrored; collagan's section 4.1, no figures")
    hue: float = Field(0.03, ge=0, description="random hue, share of a turn; not in the papers")
    contrast: float = Field(0.3, ge=0, description="random contrast and saturation, up or down; not in the papers")
    blur: float = Field(1.0, ge=0, description="largest blur in pixels: other sets are less sharp; not in the papers")

    @property
    def learned_labels(self) -> tuple[str, ...]:
        return ("parsing",)

    def check_labels(self, labels: Container[str]) -> None:
        if "parsing" not in labels:
            raise InputError(
                "face-parser learns from label maps (parsing), and this data has none: the recipes celebamask-hq-128 "
                "and helen-128 make them"
            )


def double_convolution(inputs: int, outputs: int) -> nn.Sequential:
    """Twice a 3×3 convolution, batch norm, ReLU: [B, i, H, W] -> [B, o, H, W]."""
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Max pooling down, bilinear up, a skip connection at each scale: [B, C, H, W] -> logits [B, labels, H, W]."""

    def __init__(self, channels: int, width: int, levels: int, labels: int):
        super().__init__()
        sizes = [width * min(2**level, WIDEST) for level in range(levels + 1)]
        self.encoder = nn.ModuleList(double_convolution(i, o) for i, o in itertools.pairwise([channels, *sizes]))
        self.decoder = nn.ModuleList(double_convolution(i + o, o) for o, i in itertools.pairwise(sizes))
        self.to_labels = nn.Conv2d(width, labels, 1)

    def features(self, image: Tensor) -> Tensor:
        """[B, C, H, W] -> the maps before the last layer, [B, width, H, W]."""
        maps: list[Tensor] = []
        x = image
        for block in self.encoder:
            x = block(F.max_pool2d(x, 2) if maps else x)
            maps.append(x)
        for block, skip in zip(reversed(self.decoder), maps[-2::-1], strict=True):
            larger = F.interpolate(x, size=skip.shape[-2:], mode="bilinear", align_corners=False)  # 3 -> 1 -> 3
            x = block(torch.cat([larger, skip], dim=1))
        return x

    def forward(self, image: Tensor) -> Tensor:
        return self.to_labels(self.features(image)).float()


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """-log p of each pixel's true label, a mean over pixels; Ronneberger et al. 2015, Eq. 1 with w = 1."""
    return F.cross_entropy(logits, labels.long())


def soft_dice(logits: Tensor, labels: Tensor) -> Tensor:
    """2 Σ p g / (Σ p² + Σ g²), a mean over the labels but the background that the batch's maps hold.

    logits: [B, L, H, W]; labels: [B, H, W]. Sums go over the pixels of all images: a part that one image lacks has a
    Dice all the same. 1 where all pixels are right.
    """
    predicted = logits.float().softmax(dim=1)[:, 1:]
    true = F.one_hot(labels.long(), logits.shape[1]).movedim(-1, 1)[:, 1:].float()
    overlap, size = ((a * b).sum(dim=(0, 2, 3)) for a, b in ((predicted, true), (predicted, predicted)))
    count = true.sum(dim=(0, 2, 3))
    dice = 2 * overlap / (size + count).clamp_min(1e-6)
    held = (count > 0).float()
    return (dice * held).sum() / held.sum().clamp_min(1)


class FaceParser(Method):
    settings: Settings
    Settings = Settings
    title = "Face parser"
    paper = "collagan"
    defaults = Defaults(masks="none", batch=16, steps=4_000, recipe="celebamask-hq-128")  # not in the papers
    completes = False
    annotates = ("parsing",)
    completes_with = ("network",)

    def __init__(self, settings, shape, masks):
        super().__init__(settings, shape, masks)
        self._check()
        self.ema_decay = settings.ema
        self.augmentation = (
            Geometric(settings.shift, settings.scale, settings.rotation, settings.flip),
            Photometric(settings.hue, settings.contrast, settings.contrast, settings.blur),
        )
        self.label_counts = {"parsing": settings.labels}
        self.network = UNet(shape.channels, settings.width, settings.levels, settings.labels)
        optimizer = partial(torch.optim.Adam, lr=settings.learning_rate, fused=True)
        self.players["network"] = Player((self.network,), optimizer, polynomial(settings.annealing_power))

    def _check(self) -> None:
        least = max(SMALLEST, 2**self.settings.levels)
        if min(self.shape.height, self.shape.width) < least:
            size = f"{self.shape.width}×{self.shape.height}"
            raise InputError(
                f"face-parser with {self.settings.levels} levels needs sides of at least {least} pixels, "
                f"this data is {size}"
            )

    def turns(self):
        return (Turn("network", self.loss),)

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        logits, labels = self.logits(batch.observed), batch.labels["parsing"]
        terms = {"cross_entropy": cross_entropy(logits, labels)}
        if self.settings.dice:
            terms["dice"] = self.settings.dice * (1 - soft_dice(logits, labels))
        return terms

    def logits(self, image: Tensor) -> Tensor:
        """[B, C, H, W] in [-1, 1] -> each label's logits [B, labels, H, W], differentiable in the image."""
        return self.network(image)

    def annotate(self, observed, mask):
        return {"parsing": self.logits(observed).argmax(dim=1)}

    def maps(self, observed: Tensor, mask: Tensor) -> Tensor:
        """The maps that the labels are read from, [B, width, H, W]."""
        return self.network.features(observed).float()


METHOD = FaceParser
