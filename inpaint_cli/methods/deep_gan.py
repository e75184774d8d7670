"""Deep Image Inpainting: the autoencoder with a discriminator (DCGAN), and the tricks that keep the two in balance.

Burlin, Le Calonnec, Duperier; Stanford University, CS231n, 2017. Its equations have no numbers; the autoencoder, L_rec
and the overlap trick are deep_l2.py's.

    section 5.1, L        autoencoder_turn         L = α L_rec + (1 - α) L_disc; how hard each pulls is logged
    section 5.1, L_disc   OBJECTIVES               -log D(Ŷ), or log(1 - D(Ŷ)), which section 5.2 replaces by it
    section 5.1           DISCRIMINATORS           6 CONV and CONV1, or reduced VGG, Inception, ResNet
                          (networks/autoencoders.py)
    section 5.2           real_turn, fake_turn     two pure batches, an update for each; mixed_turn is one of both
    section 5.2           Labels                   real in 0.9 to 1.1, fake in 0 to 0.2, sometimes flipped
    section 5.4           judged                   the whole image, or the square alone

Departures: L_disc is printed as a sum over images; here it is a mean, so that α does not depend on the batch. α itself
is not printed ("to optimize the visual output"); α = 1, without a discriminator, is what section 7.2 says that the
best figure was measured with.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass as plain_dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from inpaint_cli.errors import UsageError
from inpaint_cli.losses import generator_loss
from inpaint_cli.method import Batch, Player, Turn
from inpaint_cli.methods import deep_l2
from inpaint_cli.methods.deep_l2 import DeepL2
from inpaint_cli.networks.autoencoders import BLOCK, DISCRIMINATORS, Discriminator, Style, image_norm, leaky_relu
from inpaint_cli.networks.painted import centred

REAL, FAKE = (0.9, 1.1), (0.0, 0.2)  # between these soft labels are drawn, section 5.2


@dataclass(frozen=True)
class AdversarialSettings(deep_l2.Settings):
    """What deep-gan and deep-wgan share."""

    beta1: float = Field(0.5, ge=0, lt=1, description="as in DCGAN; not in the paper")
    discriminator: Literal["basic", "vgg", "inception", "resnet"] = Field("basic", description="section 5.1")
    discriminator_width: int = Field(32, ge=8, description="first filters; not in the paper, as the encoder's")
    discriminator_learning_rate: float = Field(2e-4, gt=0, description="as in DCGAN; not in the paper")
    judges: Literal["image", "patch"] = Field(
        "image", description="the completed image, or the hole's square alone, section 5.4"
    )
    alpha: float = Field(
        0.9,
        gt=0,
        le=1,
        description="α, weight of L_rec against L_disc; not printed; 1 is no adversarial loss, section 7.2",
    )


@dataclass(frozen=True)
class Settings(AdversarialSettings):
    batches: Literal["separate", "mixed"] = Field("separate", description="real and fake apart, section 5.2")
    labels: Literal["soft", "hard"] = Field("soft", description="0.9 to 1.1 and 0 to 0.2, section 5.2; hard is 1 and 0")
    flipped: float = Field(
        0.05, ge=0, lt=0.5, description="share of labels that are exchanged, section 5.2; not printed"
    )
    objective: Literal["non-saturating", "saturating"] = Field(
        "non-saturating", description="maximise log D, or minimise log(1 - D), section 5.2"
    )


@plain_dataclass(frozen=True)
class Labels:
    """What the discriminator is told: soft and noisy, or 1 and 0; some of them exchanged."""

    soft: bool
    flipped: float

    def draw(self, logits: Tensor, real: bool) -> Tensor:
        """[B], each image's own."""
        chance = torch.rand(2, len(logits), device=logits.device)
        said = (chance[0] < self.flipped) != real
        if not self.soft:
            return said.float()
        return torch.where(said, _between(*REAL, chance[1]), _between(*FAKE, chance[1]))


def _between(low: float, high: float, share: Tensor) -> Tensor:
    return low + (high - low) * share


def saturating_loss(fake_logits: Tensor) -> Tensor:
    """log(1 - D(Ŷ))"""
    return -F.softplus(fake_logits).mean()


OBJECTIVES = {"non-saturating": generator_loss, "saturating": saturating_loss}


def slope_of_squared_error(completed: Tensor, image: Tensor, hole: Tensor) -> Tensor:
    """∂/∂Ŷ of the mean over images of 1/n² Σ (Y - Ŷ)² in the hole: [B, C, H, W]."""
    pixels = hole.sum(dim=(1, 2, 3), keepdim=True).clamp_min(1)
    return 2 * hole * (completed - image) / pixels / len(image)


class Adversarial(DeepL2):
    """The autoencoder against a discriminator: what deep-gan and deep-wgan share."""

    settings: AdversarialSettings
    critic = False  # whether the discriminator gives scores, and its weights are clipped

    def __init__(self, settings, shape, masks):
        super().__init__(settings, shape, masks)
        if settings.judges == "patch" and (self.square or 0) < BLOCK:
            raise UsageError(
                f"judges=patch shows the discriminator the square that center:SIZE hides, of {BLOCK} or more pixels, "
                f"and {self.masks.spec} hides none such: give --masks center:8 or --set judges=image"
            )
        style = Style(leaky_relu, norm=self.norm())
        trunk = DISCRIMINATORS[settings.discriminator](shape.channels, settings.discriminator_width, style)
        self.discriminator = Discriminator(trunk, bias=not self.critic)
        self.players["discriminator"] = self.discriminator_player()

    def discriminator_player(self) -> Player:
        """How the discriminator learns."""
        return self._player(self.discriminator, self.settings.discriminator_learning_rate, self.settings.beta1)

    def norm(self) -> Callable[[int], nn.Module]:
        """The discriminator's, of so many channels."""
        return nn.BatchNorm2d

    def turns(self):
        against = self.discriminator_turns() if self.settings.alpha < 1 else ()
        return (*against, Turn("autoencoder", self.autoencoder_turn))

    @abstractmethod
    def discriminator_turns(self) -> tuple[Turn, ...]:
        """What the discriminator learns before the autoencoder does."""

    @abstractmethod
    def adversarial(self, scores: Tensor) -> Tensor:
        """L_disc of the completions' logits."""

    def judged(self, image: Tensor) -> Tensor:
        """What the discriminator sees of an image, [B, C, H, W] or the hole's square."""
        if self.settings.judges == "image":
            return image
        if self.training and len(image) == 1 and self.norm() is not image_norm:
            raise UsageError("judges=patch normalises over batches, and these have one image: give --batch 2 or more")
        assert self.square is not None  # `judges=patch` is refused without one
        return centred(self.square, self.shape.height, self.shape.width).of(image)

    def score(self, image: Tensor) -> Tensor:
        """D's logits, [B]."""
        return self.discriminator(self.judged(image))

    def autoencoder_turn(self, batch: Batch) -> dict[str, Tensor]:
        """L = α L_rec + (1 - α) L_disc; and the norms of both gradients on the hole, for α to be chosen by."""
        alpha = self.settings.alpha
        terms = {name: alpha * term for name, term in self.reconstruction(batch).items()}
        if alpha == 1:
            return terms
        completed = self.completed(batch)
        loss, slope = self.led(completed.detach())
        terms["adversarial"] = (1 - alpha) * (loss + (slope * (completed - completed.detach())).sum())
        hole = 1 - batch.mask
        wanted = slope_of_squared_error(completed.detach(), batch.image, hole)
        norms = {"pull_of_image": alpha * wanted.norm(), "pull_of_adversary": (1 - alpha) * (hole * slope).norm()}
        return terms | norms

    def led(self, completed: Tensor) -> tuple[Tensor, Tensor]:
        """L_disc and its gradient with respect to the completions, [B, C, H, W], taken once: it leads and is logged."""
        with torch.enable_grad():
            seen = completed.requires_grad_()
            loss = self.adversarial(self.score(seen))
            (slope,) = torch.autograd.grad(loss, seen)
        return loss.detach(), slope


class DeepGAN(Adversarial):
    """With the learning tricks of section 5.2."""

    settings: Settings
    Settings = Settings
    title = "Autoencoder with a DCGAN's discriminator and the learning tricks, of Deep Image Inpainting"

    def discriminator_turns(self) -> tuple[Turn, ...]:
        turns = {"separate": (self.real_turn, self.fake_turn), "mixed": (self.mixed_turn,)}[self.settings.batches]
        return tuple(Turn("discriminator", turn) for turn in turns)

    def cross_entropy(self, logits: Tensor, real: bool) -> Tensor:
        """Sigmoid cross-entropy with this batch's labels, [B]."""
        labels = Labels(self.settings.labels == "soft", self.settings.flipped).draw(logits, real)
        return F.binary_cross_entropy_with_logits(logits, labels, reduction="none")

    def real_turn(self, batch: Batch) -> dict[str, Tensor]:
        return {"real": self.cross_entropy(self.score(batch.image), real=True).mean()}

    def fake_turn(self, batch: Batch) -> dict[str, Tensor]:
        return {"fake": self.cross_entropy(self.score(self.completed(batch).detach()), real=False).mean()}

    def mixed_turn(self, batch: Batch) -> dict[str, Tensor]:
        """Real and fake images share a batch, and its batch norm."""
        scores = self.score(torch.cat([batch.image, self.completed(batch).detach()]))
        real, fake = scores.chunk(2)
        return {"real": self.cross_entropy(real, real=True).mean(), "fake": self.cross_entropy(fake, real=False).mean()}

    def adversarial(self, scores: Tensor) -> Tensor:
        return OBJECTIVES[self.settings.objective](scores)


METHOD = DeepGAN
