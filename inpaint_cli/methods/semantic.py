"""Semantic Image Completion through an Adversarial Strategy: an improved WGAN whose latent space is searched.

Vitoria, Sintes, Ballester; 2019.

    Eq. 3, 4  wasserstein_loss, gradient_penalty (losses.py)    both critics learn to tell images from samples
    Eq. 3     Semantic.generator_turn                           the generator raises both critics' scores
    Eq. 5-7   Semantic.energy (searching/energy.py)             a completion's distance to what is known around the hole
    Eq. 8     Semantic.prior                                    what both critics think of an image
    Eq. 9     edited (searching/search.py)                      Poisson editing
    Eq. 10-15 Semantic.merging, global_prior                    the features of another face
    figure 3  ResidualUp (networks/residual.py)                 batch norm, ReLU, convolution
    figure 4  ResidualDown (networks/residual.py)               layer norm, ReLU, convolution
    figure 5  GlobalCritic, PatchCritic
    figure 6  Generator

Training sees whole images and no mask: a run's masks, the square of table 1 unless told otherwise, only say what its
previews and evaluations complete.

Where the paper is silent:
- Layers and widths follow the networks for 64×64 pixels of Gulrajani et al. 2017, whom the paper builds on: 4×4 maps of
  8 `width` channels and four blocks. There is one block more for each doubling of the size, one less for each halving.
- The patch critic has `patch_blocks` blocks and a score at each place of its last maps; a patch's score is the critic's
  decision, their mean its score of an image. Both critics count alike, as in Eq. 8. The layer norm of section 3.1
  spans the whole image, so that a far corner moves a patch's score; `patch_norm=place` is over the channels of each
  place, and a score is of its patch alone.
- An epoch of section 4's ten is counted in the generator's steps, as many as there are batches in the data; the critics
  see each image `critic_steps` times in it. So they are 31,500 steps for CelebA's 201,599 images, and three days of
  the paper's GPU.
- The weights α_1, α_2 and β of Eq. 10 and 11 are those of Eq. 5 and 6: alpha, beta and eta.
"""

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from inpaint_cli.losses import gradient_penalty, wasserstein_loss
from inpaint_cli.method import AT_COMPLETION, Batch, Defaults, ImageShape, Player, Turn
from inpaint_cli.networks.halvings import LEAST, check_size, halvings, widths
from inpaint_cli.networks.residual import PlaceNorm, ResidualDown, ResidualUp, layer_norm
from inpaint_cli.searching.descent import Plan
from inpaint_cli.searching.energy import Contextual, Energy, weights_around_hole, weights_in_hole
from inpaint_cli.searching.model import LatentModel, SearchSettings
from inpaint_cli.searching.search import edited, sample_rows, search


@dataclass(frozen=True)
class Settings(SearchSettings):
    size: int | None = Field(
        None,
        ge=LEAST,
        json_schema_extra=AT_COMPLETION,
        description="pixels of a side; unset: the data's; section 4 has 64, figure 10 more",
    )
    width: int = Field(64, ge=2, description="channels at full size, as Gulrajani et al. 2017; not in the paper")
    z_size: int = Field(128, ge=1, description="section 4.1")
    patch_blocks: int = Field(
        3, ge=1, description="halvings of the patch critic, as Isola et al. 2017; not in the paper"
    )
    patch_norm: Literal["image", "place"] = Field(
        "image",
        description="what the patch critic's layer norm is over: all of an image, Ba et al. 2016, or each place",
    )
    penalty: float = Field(10.0, ge=0, description="λ of Eq. 4, as Gulrajani et al. 2017; not in the paper")
    penalty_share: float = Field(1.0, gt=0, le=1, description="of a batch, that the penalty looks at; 1 in the paper")
    critic_steps: int = Field(5, ge=1, description="for each of the generator, as Gulrajani et al. 2017")
    learning_rate: float = Field(1e-4, gt=0, description="section 4")
    beta1: float = Field(0.0, ge=0, lt=1, description="section 4")
    beta2: float = Field(0.9, ge=0, lt=1, description="section 4")
    ema: float = Field(0.0, ge=0, lt=1, description="not in the paper; 0.999 generates with averaged weights")
    alpha: float = Field(
        0.1, ge=0, json_schema_extra=AT_COMPLETION, description="of the colours, Eq. 6; table 2's best"
    )
    beta: float = Field(
        0.9, ge=0, json_schema_extra=AT_COMPLETION, description="of the gradients, Eq. 6; table 2's best"
    )
    eta: float = Field(0.5, ge=0, json_schema_extra=AT_COMPLETION, description="of the prior, Eq. 5; table 2's best")
    reference_gradient: float = Field(
        0.9, ge=0, json_schema_extra=AT_COMPLETION, description="α_3 of Eq. 12; not in the paper, as beta"
    )


class Generator(nn.Module):
    """G, figure 6: a linear layer, residual blocks, tanh. z [B, Z] -> [B, C, H, W] in [-1, 1]."""

    def __init__(self, z_size: int, shape: ImageShape, levels: int, width: int):
        super().__init__()
        outputs = widths(width, levels)[::-1]  # 512, 256, 128, 64 at 64×64
        self.bottom = (outputs[0], shape.height >> levels, shape.width >> levels)
        self.project = nn.Linear(z_size, self.bottom[0] * self.bottom[1] * self.bottom[2])
        self.blocks = nn.Sequential(*(ResidualUp(i, o) for i, o in itertools.pairwise([outputs[0], *outputs])))
        self.to_image = nn.Sequential(
            nn.BatchNorm2d(outputs[-1]), nn.ReLU(), nn.Conv2d(outputs[-1], shape.channels, 3, padding=1)
        )

    def forward(self, z: Tensor) -> Tensor:
        x = self.blocks(self.project(z).unflatten(1, self.bottom).contiguous(memory_format=torch.channels_last))
        return torch.tanh(self.to_image(x).float())  # bf16 has too few bits for 256 levels


NORMS: dict[str, Callable[[int], nn.Module]] = {"image": layer_norm, "place": PlaceNorm}


def critic_layers(
    channels: int, width: int, levels: int, norm: Callable[[int], nn.Module] = layer_norm
) -> tuple[nn.Sequential, int]:
    """The layers that both critics begin with, figure 5, and the channels of their last maps."""
    sizes = widths(width, levels + 1)  # 64, 128, 256, 512, 512 at 64×64
    blocks = [ResidualDown(i, o, norm) for i, o in itertools.pairwise(sizes)]
    return nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), *blocks, nn.ReLU()), sizes[-1]


def float32_scores(maps: Tensor, weight: Tensor) -> Tensor:
    """A critic's last, linear layer, [B, C, ...] -> [B, ...]: the scores' level drifts, bf16 would round them alike."""
    return (maps.float() * weight).sum(dim=1)


class GlobalCritic(nn.Module):
    """D, figure 5 above: one score for the whole image. [B, C, H, W] -> [B]"""

    def __init__(self, shape: ImageShape, levels: int, width: int):
        super().__init__()
        self.layers, channels = critic_layers(shape.channels, width, levels)
        flat = channels * (shape.height >> levels) * (shape.width >> levels)
        self.head = nn.Linear(flat, 1, bias=False)  # only differences of scores count

    def forward(self, image: Tensor) -> Tensor:
        return float32_scores(self.layers(image).flatten(1), self.head.weight)


class PatchCritic(nn.Module):
    """D^patch, figure 5 below: a score for each patch, and their mean. [B, C, H, W] -> [B]"""

    def __init__(self, shape: ImageShape, levels: int, width: int, norm: Callable[[int], nn.Module] = layer_norm):
        super().__init__()
        self.layers, channels = critic_layers(shape.channels, width, levels, norm)
        self.head = nn.Conv2d(channels, 1, 1, bias=False)

    def scores(self, image: Tensor) -> Tensor:
        """[B, C, H, W] -> each patch's, [B, h, w]."""
        return float32_scores(self.layers(image), self.head.weight)

    def forward(self, image: Tensor) -> Tensor:
        return self.scores(image).mean(dim=(1, 2))


class Semantic(LatentModel):
    settings: Settings
    generator: Generator
    Settings = Settings
    title = "Semantic completion by an improved WGAN"
    paper = "semantic"
    defaults = Defaults(masks="center:32", batch=64, steps=31_500, recipe="celeba-64")  # 10 epochs
    completes_with = ("generator",)
    consults = ("critics",)
    takes_reference = True

    def __init__(self, settings, shape, masks):
        super().__init__(settings, shape, masks)
        check_size("semantic", settings.size, shape.height, shape.width)
        levels = halvings("semantic", shape.height, shape.width)
        self.z_size, self.ema_decay = settings.z_size, settings.ema
        self.generator = Generator(settings.z_size, shape, levels, settings.width)
        self.critics = nn.ModuleDict(
            {
                "global": GlobalCritic(shape, levels, settings.width),
                "patch": PatchCritic(
                    shape, min(settings.patch_blocks, levels), settings.width, NORMS[settings.patch_norm]
                ),
            }
        )
        optimizer = partial(
            torch.optim.Adam, lr=settings.learning_rate, betas=(settings.beta1, settings.beta2), fused=True
        )
        self.players["critics"] = Player((self.critics,), optimizer)
        self.players["generator"] = Player((self.generator,), optimizer)

    def turns(self):
        return Turn("critics", self.critic_turn, self.settings.critic_steps), Turn("generator", self.generator_turn)

    def preview(self, observed, mask):
        return sample_rows(self, len(observed))

    def draw(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """z ~ N(0, 1), [count, Z]."""
        device = self.generator.project.weight.device
        return torch.randn(count, self.z_size, generator=generator, device=device)

    def critic_turn(self, batch: Batch) -> dict[str, Tensor]:
        """Eq. 4 for both critics; each term is a loss, so the sign is turned."""
        with torch.no_grad():
            fake = self.generator(self.draw(len(batch.image)))
        both = torch.cat([batch.image, fake])  # at once: each image has its own norm
        some = slice(math.ceil(self.settings.penalty_share * len(fake)))
        terms = {}
        for name, critic in self.critics.items():
            terms[name] = wasserstein_loss(*critic(both).chunk(2))
            penalty = gradient_penalty(critic, batch.image[some], fake[some])
            terms[f"{name}_penalty"] = self.settings.penalty * penalty
        return terms

    def generator_turn(self, batch: Batch) -> dict[str, Tensor]:
        """-E[D(G(z))] of Eq. 3 for both critics."""
        return {"generator": self.prior(self.generator(self.draw(len(batch.image)))).mean()}

    def prior(self, image: Tensor) -> Tensor:
        """-D(x) - D^patch(x), Eq. 8: [B, C, H, W] -> [B]."""
        return -sum(critic(image) for critic in self.critics.values())

    def global_prior(self, image: Tensor) -> Tensor:
        """-D(x), Eq. 13: [B, C, H, W] -> [B]."""
        return -self.critics["global"](image)

    def complete(self, observed, mask, *, samples=1, generator=None, reference=None):
        """The images that the search finds, edited into what is known (Eq. 9): the one of least energy first.

        reference: [B, C, H, W], whose features are taken over inside the hole.
        """
        energy = self.energy(observed, mask) if reference is None else self.merging(observed, mask, reference)
        found = search(self, energy, mask, Plan.of(self.settings), self.draw, samples=samples, generator=generator)
        return edited(found.images, observed, mask, self.settings.editing)

    def energy(self, observed: Tensor, mask: Tensor) -> Energy:
        """L_c + η L_p, Eq. 5 with Eq. 6-8."""
        settings = self.settings
        known = Contextual(observed, mask, weights_around_hole(mask), settings.alpha, settings.beta)
        return Energy([known], Semantic.prior, settings.eta)

    def merging(self, observed: Tensor, mask: Tensor, reference: Tensor) -> Energy:
        """L_c1 + L_c2 + η L̃_p, Eq. 10 with Eq. 11-13: colours of the one face, gradients of both."""
        settings = self.settings
        known = Contextual(observed, mask, weights_around_hole(mask), settings.alpha, settings.beta)
        resembled = Contextual(reference, 1 - mask, weights_in_hole(mask), 0.0, settings.reference_gradient)
        return Energy([known, resembled], Semantic.global_prior, settings.eta)


METHOD = Semantic
