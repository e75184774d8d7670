"""MisGAN's imputer with the mask process known, learned from incomplete images alone: a baseline of Pajot et al. 2019.

Li, Jiang, Marlin, "MisGAN: Learning from Incomplete Data with Generative Adversarial Networks", 2019, as Pajot et al.
adapt it: the process that hides pixels stands in the place of its mask generator, and the networks are those of the
other systems there (networks/sagan.py). Its equations are named by the losses that they define:

    f_τ   MisGAN.hidden           f(x, m) with τ = 0; hidden values are cut, never multiplied
    L_x   MisGAN.critic_turn      the data critic D_x tells f(G_x(ε), m') from y, m' a fresh mask
    G_i   MisGAN.imputed          x̃ = y where it is known, elsewhere G_i of y with uniform noise in its hole
    L_i   MisGAN.critic_turn      the imputer's critic D_i tells G_x(ε), which are whole, from x̃
          MisGAN.data_turn        G_x descends L_x + β L_i
          MisGAN.imputer_turn     G_i descends L_i
          losses.py               Wasserstein distances with gradient penalty, 5 critic steps

In the authors' code G_x does not see L_i, so that β does nothing there; `beta=0` is that.
"""

from functools import partial

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from inpaint_cli.errors import UsageError
from inpaint_cli.losses import gradient_penalty, wasserstein_loss
from inpaint_cli.method import Batch, Defaults, Method, Player, Turn
from inpaint_cli.networks.sagan import Discriminator, ImageGenerator, LatentGenerator, halvings_to_coarse


@dataclass(frozen=True)
class Settings:
    beta: float = Field(0.1, ge=0, description="β, weight of L_i in G_x's loss; without effect in the authors' code")
    penalty: float = Field(10.0, ge=0, description="λ of the gradient penalty, as Gulrajani et al. 2017")
    critic_steps: int = Field(5, ge=1, description="for each of the generators, as Gulrajani et al. 2017")
    learning_rate: float = Field(1e-4, gt=0, description="critics and data generator: authors' code")
    imputer_learning_rate: float = Field(2e-4, gt=0, description="authors' code")
    beta1: float = Field(0.5, ge=0, lt=1, description="authors' code")
    beta2: float = Field(0.9, ge=0, lt=1, description="authors' code")
    z_size: int = Field(128, ge=1, description="values of ε; authors' code")
    width: int = Field(256, ge=4, description="channels of the generators at 32×32; as unsupervised")
    discriminator_width: int = Field(128, ge=4, description="channels of the critics at 32×32; as unsupervised")
    ema: float = Field(0.0, ge=0, lt=1, description="not in the paper; 0.999 completes with averaged weights")


class MisGAN(Method):
    settings: Settings
    Settings = Settings
    title = "MisGAN's imputer with known masks, learned from observations alone"
    paper = "unsupervised"
    defaults = Defaults(masks="noise:0.9", batch=512, accumulate=4, steps=30_000, recipe="celeba-128-center")
    completes_with = ("imputer",)
    encodes_with = ("imputer.down", "imputer.blocks", "imputer.attention")
    masked_once = True
    learns_from_observations = True

    def __init__(self, settings, shape, masks):
        super().__init__(settings, shape, masks)
        levels, channels = halvings_to_coarse("misgan", shape.height, shape.width), shape.channels
        self.ema_decay = settings.ema
        self.data_generator = LatentGenerator(channels, levels, settings.width, settings.z_size)  # G_x
        self.imputer = ImageGenerator(channels, levels, settings.width)  # G_i
        self.data_critic = Discriminator(channels, levels, settings.discriminator_width, bias=False)  # D_x
        self.imputer_critic = Discriminator(channels, levels, settings.discriminator_width, bias=False)  # D_i
        adam = partial(torch.optim.Adam, betas=(settings.beta1, settings.beta2), fused=True)
        own = partial(adam, lr=settings.learning_rate)
        self.players["critics"] = Player((self.data_critic, self.imputer_critic), own)
        self.players["data"] = Player((self.data_generator,), own)
        self.players["imputer"] = Player((self.imputer,), partial(adam, lr=settings.imputer_learning_rate))

    def turns(self):
        return (
            Turn("critics", self.critic_turn, times=self.settings.critic_steps),
            Turn("data", self.data_turn),
            Turn("imputer", self.imputer_turn),
        )

    def whole(self, count: int, device: torch.device) -> Tensor:
        """G_x(ε), ε ~ N(0, 1): complete images that are made up, [count, C, H, W]."""
        if count < 2:
            raise UsageError(
                "batch norm needs two images at once: give --batch 2 or more for each process and part of --accumulate"
            )
        return self.data_generator(torch.randn(count, self.settings.z_size, device=device))

    def hidden(self, whole: Tensor, batch: Batch) -> Tensor:
        """f(x, m'), m' a fresh mask."""
        return torch.where(batch.fresh_mask() > 0, whole, 0.0)

    def imputed(self, observed: Tensor, mask: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """x̃ = y where it is known, elsewhere G_i of y with uniform noise in its hole."""
        noise = torch.rand(observed.shape, generator=generator, device=observed.device) * 2 - 1
        return torch.where(mask > 0, observed, self.imputer(torch.where(mask > 0, observed, noise)))

    def critic_turn(self, batch: Batch) -> dict[str, Tensor]:
        """-L_x and -L_i, each with its gradient penalty."""
        y = batch.observed
        with torch.no_grad():
            whole, imputed = self.whole(len(y), y.device), self.imputed(y, batch.mask)
            hidden = self.hidden(whole, batch)
        pairs = {"data": (self.data_critic, y, hidden), "imputer": (self.imputer_critic, whole, imputed)}
        terms = {}
        for name, (critic, real, fake) in pairs.items():
            terms[name] = wasserstein_loss(*critic(torch.cat([real, fake])).chunk(2))
            terms[f"{name}_penalty"] = self.settings.penalty * gradient_penalty(critic, real, fake)
        return terms

    def data_turn(self, batch: Batch) -> dict[str, Tensor]:
        """L_x + β L_i as far as G_x has a part in them: -D_x(f(G_x(ε), m')) + β D_i(G_x(ε))."""
        whole = self.whole(len(batch.image), batch.image.device)
        terms = {"generated": -self.data_critic(self.hidden(whole, batch)).mean()}
        if self.settings.beta:
            terms["generated_whole"] = self.settings.beta * self.imputer_critic(whole).mean()
        return terms

    def imputer_turn(self, batch: Batch) -> dict[str, Tensor]:
        """-D_i(x̃), what G_i has a part in of L_i."""
        return {"imputed": -self.imputer_critic(self.imputed(batch.observed, batch.mask)).mean()}

    def complete(self, observed, mask, *, samples=1, generator=None):
        """x̃ for uniform noise of its own each, without a generator always the same."""
        generator = generator or torch.Generator(observed.device).manual_seed(0)
        return torch.stack([self.imputed(observed, mask, generator) for _ in range(samples)], dim=1)

    def features(self, observed: Tensor, mask: Tensor) -> Tensor:
        """The imputer's maps without noise, as means of 4×4 places: [B, 16 · width]."""
        return torch.nn.functional.adaptive_avg_pool2d(self.imputer.maps(observed).float(), 4).flatten(1)


METHOD = MisGAN
