"""Deep Image Inpainting: the autoencoder with a Wasserstein critic, trained well at every step.

Burlin, Le Calonnec, Duperier; Stanford University, CS231n, 2017. Its equations have no numbers; the autoencoder, L_rec
and the overlap trick are deep_l2.py's, the critic's networks and what it sees deep_gan.py's.

    section 5.3           critic_turn              E[D(Ŷ)] - E[D(Y)]: a score without a sigmoid, 10 updates a step
                          (losses.wasserstein_loss)
    section 5.3           weight_limit             "gradient clipping", for a Lipschitz D
    section 5.1, L        autoencoder_turn         L = α L_rec + (1 - α) L_disc, now with L_disc = -E[D(Ŷ)]

Departures: what the text calls gradient clipping is taken to be the clipping of weights in the paper that it cites
(Arjovsky, Chintala, Bottou 2017, algorithm 1), whose limit and learning rate stand in for those that are not printed.
Its optimiser, RMSProp, is Adam with β1 = 0. The critic has norms without scale and shift: clipped to 0.01, they
extinguished the signal layer by layer, and so do weights of 0.01 without any norm, to 1e-9. It normalises each image by
itself: batch norm takes out of a pure batch what all its images have in common, that they are fakes for example. α is
where both gradients on the hole are about alike once the critic has learned for some dozen steps; at the start they are
at 0.05. Both are logged.
"""

from collections.abc import Callable
from typing import Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from inpaint_cli.losses import wasserstein_loss
from inpaint_cli.method import Batch, Player, Turn
from inpaint_cli.methods.deep_gan import Adversarial, AdversarialSettings
from inpaint_cli.networks.autoencoders import image_norm, unscaled_batch_norm

NORMS = {"image": image_norm, "batch": unscaled_batch_norm}


@dataclass(frozen=True)
class Settings(AdversarialSettings):
    discriminator_learning_rate: float = Field(5e-5, gt=0, description="Arjovsky et al. 2017, algorithm 1")
    alpha: float = Field(
        0.4,
        gt=0,
        le=1,
        description="α; not printed: both gradients on the hole are about alike, measured; 1 is no adversary",
    )
    norm: Literal["image", "batch"] = Field(
        "image", json_schema_extra={"before": "batch"}, description="the critic's, over each image or over the batch"
    )
    critic_steps: int = Field(10, ge=1, description="'we train D 10 times at each iteration', section 5.3")
    weight_limit: float = Field(0.01, gt=0, description="Arjovsky et al. 2017, algorithm 1")


class DeepWGAN(Adversarial):
    """The autoencoder against a Wasserstein critic with clipped weights."""

    settings: Settings
    Settings = Settings
    critic = True
    title = "Autoencoder with a Wasserstein critic and the overlap trick, of Deep Image Inpainting"

    def discriminator_player(self) -> Player:
        """Adam with β1 = 0, which is RMSProp with its bias corrected; weights are clipped."""
        settings = self.settings
        return self._player(
            self.discriminator, settings.discriminator_learning_rate, beta1=0.0, weight_limit=settings.weight_limit
        )

    def norm(self) -> Callable[[int], nn.Module]:
        return NORMS[self.settings.norm]

    def discriminator_turns(self):
        return (Turn("discriminator", self.critic_turn, times=self.settings.critic_steps),)

    def critic_turn(self, batch: Batch) -> dict[str, Tensor]:
        """Real and fake images pass through the critic as two pure batches, section 5.2.

        Each repetition has a batch of its own, so that the autoencoder's graph would be built for nothing.
        """
        with torch.no_grad():
            fake = self.composed(self.autoencoder(self.seen(batch.observed, batch.mask)), batch)
        return {"critic": wasserstein_loss(self.score(batch.image), self.score(fake))}

    def adversarial(self, scores: Tensor) -> Tensor:
        """-E[D(Ŷ)]"""
        return -scores.mean()


METHOD = DeepWGAN
