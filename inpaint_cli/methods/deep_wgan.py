"""Deep Image Inpainting: the autoencoder with a Wasserstein critic, trained well at every step.

Burlin, Le Calonnec, Duperier; Stanford University, CS231n, 2017. Its equations have no numbers; the autoencoder, L_rec
and the overlap trick are deep_l2.py's, the critic's networks and what it sees deep_gan.py's.

    section 5.3           critic_turn              E[D(Ŷ)] - E[D(Y)]: a score without a sigmoid, 10 updates a step
                          (losses.wasserstein_loss)
    section 5.3           weight_limit             "gradient clipping", for a Lipschitz D
    section 5.1, L        autoencoder_turn         L = α L_rec + (1 - α) L_disc, now with L_disc = -E[D(Ŷ)]

Departures: what the text calls gradient clipping is taken to be the clipping of weights in the paper that it cites
(Arjovsky, Chintala, Bottou 2017, algorithm 1), whose limit and learning rate stand in for those that are not printed.
Its optimiser, RMSProp, is Adam with β1 = 0. The critic's batch norms have no scale and shift: clipped to 0.01, they
extinguished the signal layer by layer.
"""

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from inpaint_cli.losses import wasserstein_loss
from inpaint_cli.method import Batch, Player, Turn
from inpaint_cli.methods.deep_gan import Adversarial, AdversarialSettings


@dataclass(frozen=True)
class Settings(AdversarialSettings):
    discriminator_learning_rate: float = Field(5e-5, gt=0, description="Arjovsky et al. 2017, algorithm 1")
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

    def discriminator_turns(self):
        return (Turn("discriminator", self.critic_turn, times=self.settings.critic_steps),)

    def critic_turn(self, batch: Batch) -> dict[str, Tensor]:
        """Real and fake images pass through the critic as two pure batches, section 5.2."""
        fake = self.completed(batch).detach()
        return {"critic": wasserstein_loss(self.score(batch.image), self.score(fake))}

    def adversarial(self, scores: Tensor) -> Tensor:
        """-E[D(Ŷ)]"""
        return -scores.mean()


METHOD = DeepWGAN
