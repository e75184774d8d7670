"""Semantic Image Inpainting with Deep Generative Models: a DCGAN whose latent space is searched.

Yeh, Chen, Lim, Schwing, Hasegawa-Johnson, Do; CVPR 2017. Reference [39] of Vitoria et al. 2019, whose tables measure it
as printed and with their gradient loss, and Radford et al. 2015 for the networks and their training.

    Goodfellow et al. 2014, Eq. 1  discriminator_loss, generator_loss (losses.py)
    Yeh et al., section 3.2        SII.energy, SII.prior           weighted context loss; log(1 - D(x)), the prior loss
    Vitoria et al. 2019, Eq. 5, 6  SII.energy                      "[39] adding gradient loss", with gradient_loss=true
    Radford et al., section 3, 4   networks/dcgan.py               strided convolutions, batch norm, N(0, 0.02)

Training sees whole images and no mask: a run's masks, the square of table 1 unless told otherwise, only say what its
previews and evaluations complete. The generator's loss is the non-saturating -log D(G(z)), as is usual for a DCGAN.

Sources disagree: the paper searches 1,500 steps by Adam and mirrors images at random, as those report who rebuilt it;
the authors' released code takes 1,000 steps of momentum at λ = 0.1, and does not train. The paper is followed.
An epoch is as many steps as there are batches in the data: the usual DCGAN's 25 are 79,000 for CelebA's 201,599 images.
"""

from functools import partial

import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from inpaint_cli.augmentation import Geometric
from inpaint_cli.losses import discriminator_loss, generator_loss
from inpaint_cli.method import AT_COMPLETION, Batch, Defaults, Player, Turn
from inpaint_cli.networks.dcgan import Discriminator, Generator
from inpaint_cli.networks.halvings import LEAST, check_size, halvings
from inpaint_cli.searching.descent import Plan
from inpaint_cli.searching.energy import Contextual, Energy, weights_around_hole
from inpaint_cli.searching.model import LatentModel, SearchSettings
from inpaint_cli.searching.search import edited, sample_rows, search


@dataclass(frozen=True)
class Settings(SearchSettings):
    size: int | None = Field(
        None,
        ge=LEAST,
        json_schema_extra=AT_COMPLETION,
        description="pixels of a side; unset: the data's; Radford et al. 2015 have 64",
    )
    width: int = Field(64, ge=2, description="channels at half the size, as the usual DCGAN for 64×64")
    z_size: int = Field(100, ge=1, description="Radford et al. 2015, figure 1")
    learning_rate: float = Field(2e-4, gt=0, description="Radford et al. 2015, section 4")
    beta1: float = Field(0.5, ge=0, lt=1, description="Radford et al. 2015, section 4")
    beta2: float = Field(0.999, ge=0, lt=1, description="Adam's usual value")
    ema: float = Field(0.0, ge=0, lt=1, description="not in the papers; 0.999 generates with averaged weights")
    flip: float = Field(
        0.5,
        ge=0,
        le=1,
        json_schema_extra={"before": 0.0},
        description="share of the images that are mirrored, Yeh et al., section 4",
    )
    search_steps: int = Field(1500, ge=1, json_schema_extra=AT_COMPLETION, description="at most; Yeh et al., section 4")
    prior_weight: float = Field(0.003, ge=0, json_schema_extra=AT_COMPLETION, description="λ, Yeh et al., section 4")
    gradient_loss: bool = Field(
        False,
        json_schema_extra=AT_COMPLETION,
        description="Vitoria et al., tables 1, 2: then alpha, beta and eta weigh",
    )
    alpha: float = Field(
        0.1, ge=0, json_schema_extra=AT_COMPLETION, description="of the colours, Vitoria et al., table 1"
    )
    beta: float = Field(0.9, ge=0, json_schema_extra=AT_COMPLETION, description="of the gradients, the same")
    eta: float = Field(0.5, ge=0, json_schema_extra=AT_COMPLETION, description="of the prior, in place of λ, the same")


class SII(LatentModel):
    settings: Settings
    Settings = Settings
    title = "Semantic image inpainting by a DCGAN"
    paper = "semantic"
    defaults = Defaults(masks="center:32", batch=64, steps=79_000, recipe="celeba-64")  # 25 epochs
    completes_with = ("generator",)
    consults = ("critic",)

    def __init__(self, settings, shape, masks):
        super().__init__(settings, shape, masks)
        check_size("sii", settings.size, shape.height, shape.width)
        levels = halvings("sii", shape.height, shape.width)
        self.z_size, self.ema_decay = settings.z_size, settings.ema
        self.augmentation = (Geometric(flip=settings.flip),) if settings.flip else ()
        self.generator = Generator(settings.z_size, *self.shape, levels, settings.width)
        self.critic = Discriminator(*self.shape, levels, settings.width)
        optimizer = partial(
            torch.optim.Adam, lr=settings.learning_rate, betas=(settings.beta1, settings.beta2), fused=True
        )
        self.players["critic"] = Player((self.critic,), optimizer)
        self.players["generator"] = Player((self.generator,), optimizer)

    def turns(self):
        return Turn("critic", self.critic_turn), Turn("generator", self.generator_turn)

    def preview(self, observed, mask):
        return sample_rows(self, len(observed))

    def draw(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """z uniform in [-1, 1], [count, Z]; Radford et al. 2015."""
        device = self.critic.head.weight.device
        return torch.rand(count, self.z_size, generator=generator, device=device) * 2 - 1

    def fake(self, batch: Batch) -> Tensor:
        """G(z), [B, C, H, W]; computed once per batch."""
        return batch.once("fake", lambda: self.generator(self.draw(len(batch.image))))

    def critic_turn(self, batch: Batch) -> dict[str, Tensor]:
        """Eq. 1 of Goodfellow et al. 2014; images and samples go through batch norm apart."""
        return {"discriminator": discriminator_loss(self.critic(batch.image), self.critic(self.fake(batch).detach()))}

    def generator_turn(self, batch: Batch) -> dict[str, Tensor]:
        return {"generator": generator_loss(self.critic(self.fake(batch)))}

    def prior(self, image: Tensor) -> Tensor:
        """log(1 - D(x)): [B, C, H, W] -> [B]. Yeh et al., section 3.2"""
        return F.logsigmoid(-self.critic(image))

    def complete(self, observed, mask, *, samples=1, generator=None):
        """The images that the search finds, edited into what is known: the one of least energy first."""
        energy = self.energy(observed, mask)
        found = search(self, energy, mask, Plan.of(self.settings), self.draw, samples=samples, generator=generator)
        return edited(found.images, observed, mask, self.settings.editing)

    def energy(self, observed: Tensor, mask: Tensor) -> Energy:
        """‖W ⊙ (G(z) - y)‖₁ + λ log(1 - D(G(z))), or with the gradients of Vitoria et al., Eq. 5 and 6."""
        settings = self.settings
        colour, gradient, prior = 1.0, 0.0, settings.prior_weight
        if settings.gradient_loss:
            colour, gradient, prior = settings.alpha, settings.beta, settings.eta
        known = Contextual(observed, mask, weights_around_hole(mask), colour, gradient)
        return Energy([known], SII.prior, prior)


METHOD = SII
