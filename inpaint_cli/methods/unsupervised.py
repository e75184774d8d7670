"""Unsupervised Adversarial Image Inpainting: completion learned from incomplete images alone, many for each of them.

Pajot, de Bézenac, Gallinari; 2019. m is an image's own mask, m̃ a fresh one of the same process; hidden values are cut
out, never multiplied, so that whatever they hold has no part in anything.

    Eq. 4        cut, Unsupervised.fakes       x̃ = where(m, y, G(y, z)), ỹ = where(m̃, x̃, 0)
    Eq. 5        OBJECTIVES                    D tells observations y from those that are made of completions, ỹ
    Eq. 6        encoded_z                     ‖z - z̃‖², z̃ the mean of E(what G painted and m̃ shows)
    Eq. 7        encoded_y, reconstruction     x̂ = where(m̃, ỹ, G(ỹ, ẑ)), ẑ ~ E(y); ŷ = where(m, x̂, 0) is to be y again
    Eq. 8        generator_turn                their sum with λ_z and λ_y
    algorithm 1  turns                         D, then G and E, which are one player: ỹ is not detached
    section 2.4  networks/sagan.py             after SAGAN; z's way into G is not described

The supervised variants of table 2 differ in what D compares. `supervision=unpaired`: complete images of other rows and
x̃, auxiliary losses off unless asked for (its printed std. is near that of the model without them).
`supervision=paired`: the squared error of the complete image and D(y, x) against D(y, x̃), without z, so that all
completions are the same.

Where the sources disagree:
- E sees generated pixels alone, as in algorithm 1 (`z_seen=algorithm`). Eq. 6 has all that G painted (`equation`), the
  text before it E(ỹ) (`all`). ẑ and z̃ are named as in the text; algorithm 1 has them the other way round.
- Eq. 8 weighs all of Eq. 7 by λ_y, algorithm 1 its square alone: the same at λ_y = 1. Here Eq. 8.
- D(y) is in Eq. 5 and in Eq. 7: it counts 1 + λ_y times.
- Norms are means here: of y over what m knows, of z over its values.
- No learning rate is printed; those here are the authors' code's, which has an absolute error, ŷ not composed, Eq. 7's
  second adversarial term never on, and E in no optimiser. SAGAN's rates are 1e-4 and 4e-4.
- Batches of 128, "updated every 4 steps", are one of 512 in 4 parts.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from inpaint_cli.errors import UsageError
from inpaint_cli.method import Batch, Defaults, Method, Player, Turn
from inpaint_cli.networks.sagan import Discriminator, Encoder, ImageGenerator, halvings_to_coarse

POOLED = 4  # places of a side of the generator's maps that are its features


@dataclass(frozen=True)
class Settings:
    supervision: Literal["none", "unpaired", "paired"] = Field("none", description="table 2")
    encode_z: bool | None = Field(None, description="Eq. 6; unset: with supervision=none, as Eq. 8")
    encode_y: bool | None = Field(None, description="Eq. 7; unset: with supervision=none, as Eq. 8")
    lambda_z: float = Field(1.0, ge=0, description="λ_z; text: chosen by validation; 1 in the authors' code")
    lambda_y: float = Field(1.0, ge=0, description="λ_y; text: chosen by validation; 1 in the authors' code")
    kl: float = Field(0.0, ge=0, description="weight of KL(E(y) ‖ N(0, 1)), which is not in the paper")
    z_size: int = Field(16, ge=1, description="values of z; authors' code")
    z_through: Literal["norm", "planes"] = Field(
        "norm", description="conditional batch norm, or constant channels as in the authors' code; not in the paper"
    )
    z_seen: Literal["algorithm", "equation", "all"] = Field(
        "algorithm", description="what E sees of x̃: painted pixels that m̃ shows, all painted ones (Eq. 6), or ỹ"
    )
    objective: Literal["hinge", "minimax", "least-squares"] = Field("hinge", description="section 3.3")
    reconstruction: Literal["squared", "absolute"] = Field("squared", description="Eq. 7; authors' code: absolute")
    discriminate_reconstruction: bool = Field(True, description="D(ŷ), Eq. 7; never on in the authors' code")
    learning_rate: float = Field(4e-5, gt=0, description="G and E: authors' code; SAGAN: 1e-4")
    discriminator_learning_rate: float = Field(1e-5, gt=0, description="authors' code; SAGAN: 4e-4")
    beta1: float = Field(0.0, ge=0, lt=1, description="section 3.3")
    beta2: float = Field(0.99, ge=0, lt=1, description="section 3.3")
    width: int = Field(256, ge=4, description="channels of G at 32×32; not in the paper")
    discriminator_width: int = Field(128, ge=4, description="channels of D at 32×32; not in the paper")
    encoder_width: int = Field(128, ge=4, description="channels of E; not in the paper")
    discriminator_norm: Literal["none", "batch"] = Field("none", description="SAGAN has none; section 2.4: batch")
    ema: float = Field(0.0, ge=0, lt=1, description="not in the paper; 0.999 completes with averaged weights")


class Objective(NamedTuple):
    """What D descends at real and at fake scores, and G at fake ones: [B] -> [B]."""

    real: Callable[[Tensor], Tensor]
    fake: Callable[[Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


OBJECTIVES = {
    "hinge": Objective(lambda score: F.relu(1 - score), lambda score: F.relu(1 + score), lambda score: -score),
    "minimax": Objective(
        lambda score: F.softplus(-score), F.softplus, lambda score: -F.softplus(score)
    ),  # log D, log(1 - D), as printed
    "least-squares": Objective(lambda score: (score - 1) ** 2, torch.square, lambda score: (score - 1) ** 2),
}
ERRORS: dict[str, Callable[[Tensor], Tensor]] = {"squared": torch.square, "absolute": torch.abs}


class Fakes(NamedTuple):
    """What one batch is made into: the completion, the observation of it, and those of the way back."""

    z: Tensor | None  # [B, Z]
    fresh: Tensor  # m̃, [B, 1, H, W]
    completed: Tensor  # x̃, [B, C, H, W]
    observed: Tensor  # ỹ
    again: Tensor | None = None  # x̂
    observed_again: Tensor | None = None  # ŷ
    encoded: tuple[Tensor, Tensor] | None = None  # mean and log-variance of ẑ, [B, Z] each


def cut(image: Tensor, mask: Tensor) -> Tensor:
    """F(x, m): what the mask knows, and 0, Eq. 1 with τ = 0."""
    return torch.where(mask > 0, image, 0.0)


def composed(observed: Tensor, mask: Tensor, painted: Tensor) -> Tensor:
    """G(y) where nothing is known, Eq. 4."""
    return torch.where(mask > 0, observed, painted)


def encoded_z(z: Tensor, recovered: Tensor) -> Tensor:
    """‖z - z̃‖², Eq. 6, a mean over the values of z."""
    return (z - recovered).square().mean()


def reconstruction(observed: Tensor, again: Tensor, mask: Tensor, error: Callable[[Tensor], Tensor]) -> Tensor:
    """‖y - ŷ‖², Eq. 7, a mean over what m knows of each image."""
    known = mask.expand_as(observed)
    errors = torch.where(known > 0, error(observed - again), 0.0)
    return (errors.flatten(1).sum(1) / known.flatten(1).sum(1).clamp(min=1)).mean()


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) ‖ N(0, 1)), a mean over the values of z."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()


class Unsupervised(Method):
    settings: Settings
    Settings = Settings
    title = "Completion learned from observations alone"
    paper = "unsupervised"
    defaults = Defaults(masks="noise:0.9", batch=512, accumulate=4, steps=30_000, recipe="celeba-128-center")
    completes_with = ("generator",)
    encodes_with = ("generator.down", "generator.blocks", "generator.attention")
    masked_once = True
    learns_from_observations = True  # with supervision=none

    def __init__(self, settings, shape, masks):
        super().__init__(settings, shape, masks)
        self.learns_from_observations = settings.supervision == "none"
        self.one_completion = self.paired = settings.supervision == "paired"
        self.encode_z, self.encode_y = (
            self.learns_from_observations if asked is None else asked
            for asked in (settings.encode_z, settings.encode_y)
        )
        if self.paired and (self.encode_z or self.encode_y):
            raise UsageError(
                "supervision=paired learns a regression without z: encode_z and encode_y do not go with it"
            )
        levels, channels = halvings_to_coarse("unsupervised", shape.height, shape.width), shape.channels
        self.ema_decay, self.z_size = settings.ema, 0 if self.paired else settings.z_size
        self.generator = ImageGenerator(channels, levels, settings.width, self.z_size, settings.z_through == "planes")
        seen = 2 * channels if self.paired else channels
        batch_norm = settings.discriminator_norm == "batch"
        self.discriminator = Discriminator(seen, levels, settings.discriminator_width, batch_norm)
        learners: list[nn.Module] = [self.generator]
        if self.encode_z or self.encode_y:
            self.encoder = Encoder(channels, levels, settings.encoder_width, self.z_size, spread=self.encode_y)
            learners.append(self.encoder)
        self.objective = OBJECTIVES[settings.objective]
        betas = (settings.beta1, settings.beta2)
        adam = partial(torch.optim.Adam, betas=betas, fused=True)
        self.players["discriminator"] = Player(
            (self.discriminator,), partial(adam, lr=settings.discriminator_learning_rate)
        )
        self.players["generator"] = Player(tuple(learners), partial(adam, lr=settings.learning_rate))

    def turns(self):
        if self.paired:
            return Turn("discriminator", self.paired_discriminator_turn), Turn("generator", self.paired_generator_turn)
        return Turn("discriminator", self.discriminator_turn), Turn("generator", self.generator_turn)

    def draw(self, count: int, device: torch.device, generator: torch.Generator | None = None) -> Tensor | None:
        """z ~ N(0, 1), [count, Z]; none where there is no z."""
        return torch.randn(count, self.z_size, generator=generator, device=device) if self.z_size else None

    def fakes(self, batch: Batch) -> Fakes:
        """x̃ and ỹ, Eq. 4, and x̂ and ŷ, Eq. 7; both turns look at the same, or at the same draws."""
        if len(batch.image) < 2:
            raise UsageError(
                "batch norm needs two images at once: give --batch 2 or more for each process and part of --accumulate"
            )
        y, m = batch.observed, batch.mask
        z, fresh = batch.noise(self.z_size) if self.z_size else None, batch.fresh_mask()
        completed = composed(y, m, self.generator(y, z))
        observed = cut(completed, fresh)
        if not self.encode_y:
            return Fakes(z, fresh, completed, observed)
        mean, log_variance = self.encoder(y)
        z_again = mean + (log_variance / 2).exp() * batch.noise(self.z_size)  # ẑ ~ E(y)
        again = composed(observed, fresh, self.generator(observed, z_again))
        return Fakes(z, fresh, completed, observed, again, cut(again, m), (mean, log_variance))

    def made(self, batch: Batch) -> Fakes:
        return batch.once("fakes", lambda: self.fakes(batch))

    def judged(self, fakes: Fakes) -> list[Tensor]:
        """What D is to tell from what is real: ỹ and ŷ, or with complete images x̃ and x̂."""
        first, second = fakes.completed, fakes.again
        if self.learns_from_observations:
            first, second = fakes.observed, fakes.observed_again
        if second is None or not self.settings.discriminate_reconstruction:
            return [first]
        return [first, second]

    def weights(self, count: int) -> list[float]:
        """Of D's terms for `count` kinds of fakes: 1, and λ_y for that of Eq. 7."""
        return [1.0, self.settings.lambda_y][:count]

    def discriminator_turn(self, batch: Batch) -> dict[str, Tensor]:
        """(1 + λ_y) D's loss of y, that of ỹ, and λ_y that of ŷ, Eq. 5 and 7."""
        fakes = [image.detach() for image in self.judged(self.made(batch))]
        real = batch.observed if self.learns_from_observations else batch.others()
        scores, weights = self.scores([real, *fakes]), self.weights(len(fakes))
        terms = {"real": sum(weights) * self.objective.real(scores[0]).mean()}
        for name, weight, score in zip(("fake", "fake_again"), weights, scores[1:], strict=False):
            terms[name] = weight * self.objective.fake(score).mean()
        return terms

    def scores(self, kinds: list[Tensor]) -> list[Tensor]:
        """D of several batches: at once, but where batch norm would mix them."""
        if self.settings.discriminator_norm == "batch":
            return [self.discriminator(kind) for kind in kinds]
        return list(self.discriminator(torch.cat(kinds)).chunk(len(kinds)))

    def generator_turn(self, batch: Batch) -> dict[str, Tensor]:
        """-D(ỹ) + λ_z ‖z - z̃‖² + λ_y (‖y - ŷ‖² - D(ŷ)), Eq. 8."""
        settings, fakes = self.settings, self.made(batch)
        kinds = self.judged(fakes)
        terms = {
            name: weight * self.objective.generator(score).mean()
            for name, weight, score in zip(
                ("adversarial", "adversarial_again"), self.weights(len(kinds)), self.scores(kinds), strict=False
            )
        }
        if self.encode_z and fakes.z is not None:
            terms["encode_z"] = settings.lambda_z * encoded_z(fakes.z, self.encoder(self.shown(batch, fakes))[0])
        if fakes.observed_again is not None and fakes.encoded is not None:
            error = ERRORS[settings.reconstruction]
            own = reconstruction(batch.observed, fakes.observed_again, batch.mask, error)
            terms["encode_y"] = settings.lambda_y * own
            if settings.kl:
                terms["kl"] = settings.kl * divergence(*fakes.encoded)
        return terms

    def shown(self, batch: Batch, fakes: Fakes) -> Tensor:
        """What E is to find z in."""
        painted = batch.mask == 0
        seen = {"algorithm": painted & (fakes.fresh > 0), "equation": painted, "all": fakes.fresh > 0}
        return torch.where(seen[self.settings.z_seen], fakes.completed, 0.0)

    def paired_discriminator_turn(self, batch: Batch) -> dict[str, Tensor]:
        """D tells (y, x) from (y, x̃)."""
        y, completed = batch.observed, self.made(batch).completed.detach()
        real, fake = self.scores([torch.cat([y, batch.image], dim=1), torch.cat([y, completed], dim=1)])
        return {"real": self.objective.real(real).mean(), "fake": self.objective.fake(fake).mean()}

    def paired_generator_turn(self, batch: Batch) -> dict[str, Tensor]:
        """λ_y (x - x̃)² - D(y, x̃)"""
        completed = self.made(batch).completed
        (score,) = self.scores([torch.cat([batch.observed, completed], dim=1)])
        error = ERRORS[self.settings.reconstruction](batch.image - completed).mean()
        return {"regression": self.settings.lambda_y * error, "adversarial": self.objective.generator(score).mean()}

    def complete(self, observed, mask, *, samples=1, generator=None):
        """x̃ for one z each, without a generator always the same ones; without z all samples are the same."""
        generator = generator or torch.Generator(observed.device).manual_seed(0)
        draws = (self.draw(observed.shape[0], observed.device, generator) for _ in range(samples if self.z_size else 1))
        completed = torch.stack([composed(observed, mask, self.generator(observed, z)) for z in draws], dim=1)
        return completed.expand(-1, samples, -1, -1, -1)

    def preview(self, observed, mask):
        """Completions of five z, to see how they differ."""
        several = self.complete(observed, mask, samples=5).unbind(1)
        return {f"z {number}": image for number, image in enumerate(several, start=1)}

    def features(self, observed: Tensor, mask: Tensor) -> Tensor:
        """The generator's maps at z = 0, as means of 4×4 places: [B, 16 · width]."""
        z = observed.new_zeros(len(observed), self.z_size) if self.z_size else None
        return F.adaptive_avg_pool2d(self.generator.maps(observed, z).float(), POOLED).flatten(1)


METHOD = Unsupervised
