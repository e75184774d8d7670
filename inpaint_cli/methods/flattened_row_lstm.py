"""Flattened Row LSTM: completion by the probability of each value given one state that has read all before it.

Burlin, Le Calonnec, Duperier: Deep Image Inpainting, Stanford 2017, sections 6.1, 6.3 and 7.3.

    6.1, first equation   PixelModel (autoregressive)        p(x) = Π p(x_i | x_1 … x_{i-1}), filled greedily
    6.1, second equation  FlattenedRowLSTM.symbols           p(R | before) p(G | before, R) p(B | before, R, G)
    6.2, L_softmax        bits_per_dimension (networks)      the softmax cross-entropy of 7.3, in bits per dimension
    figure 10             Network                            one-hot values, an LSTM, a fully connected layer, softmax

The image is one sequence of its values, row by row, R, G and B of a pixel in turn; each is read as a one-hot vector
of 256 numbers, and the first distribution comes from a vector of zeros. `layers` takes several LSTMs on top of one
another, which section 7.3 expects more of. The paper has one fully connected layer for all three channels.

Where the paper is silent: gradients run back through all 3,072 values of an image and are clipped to a norm of 1, and
an LSTM begins by remembering, its forget gates at a bias of 1.
"""

from functools import partial

import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from inpaint_cli.autoregressive.model import ChoiceSettings, PixelModel
from inpaint_cli.method import Defaults, Player, Turn, polynomial
from inpaint_cli.networks.pixels import LEVELS, to_levels
from inpaint_cli.networks.scanning import places, settled

START = LEVELS  # the symbol before the first value


@dataclass(frozen=True)
class Settings(ChoiceSettings):
    hidden: int = Field(64, ge=1, description="section 6.3, 'cross-validated'")
    layers: int = Field(1, ge=1, description="figure 10; 'several LSTM networks' might do better, section 7.3")
    learning_rate: float = Field(3e-3, gt=0, description="Adam; not in the paper for this model")
    annealing_power: float = Field(1.0, ge=0, description="not in the paper; 0 is a constant learning rate")
    ema: float = Field(0.0, ge=0, lt=1, description="not in the paper for this model; 0.999 completes with averages")


class Network(nn.Module):
    """Figure 10. Sequences lie time first: [T, B]."""

    def __init__(self, hidden: int, layers: int):
        super().__init__()
        self.lstm = nn.LSTM(LEVELS, hidden, layers)
        for layer in range(layers):
            for name, value in (("bias_ih", 1.0), ("bias_hh", 0.0)):  # the two are added
                getattr(self.lstm, f"{name}_l{layer}").data[hidden : 2 * hidden] = value
        self.to_logits = nn.Linear(hidden, LEVELS)

    def read(self, symbols: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """0 … 256, long [T, B] -> hidden vectors [T, B, hidden], each after its symbol, and the last state."""
        ones = F.one_hot(symbols, LEVELS + 1)[..., :LEVELS].to(self.to_logits.weight.dtype)
        return self.lstm(ones, state)

    def forward(self, symbols: Tensor) -> Tensor:
        """The logits of what follows each symbol: [T, B] -> [T, B, 256]."""
        return self.to_logits(self.read(symbols)[0])


class FlattenedRowLSTM(PixelModel):
    settings: Settings
    Settings = Settings
    title = "Flattened Row LSTM"
    paper = "deep"
    defaults = Defaults(
        masks="center:8", batch=32, steps=50_000, recipe="cifar10-32", clip_gradients=1.0
    )  # its length is not in the paper
    completes_with = ("network",)

    def __init__(self, settings, shape, masks):
        super().__init__(settings, shape, masks)
        self.ema_decay = settings.ema
        self.network = Network(settings.hidden, settings.layers)
        optimizer = partial(torch.optim.Adam, lr=settings.learning_rate, fused=True)
        self.players["network"] = Player((self.network,), optimizer, polynomial(settings.annealing_power))

    def turns(self):
        return (Turn("network", self.likelihood),)

    @staticmethod
    def symbols(image: Tensor) -> Tensor:
        """START and all values in scan order, R, G and B in turn: [B, C, H, W] -> [1 + H · W · C, B]."""
        return F.pad(to_levels(image).permute(2, 3, 1, 0).flatten(0, 2), (0, 0, 1, 0), value=START)

    def logits(self, image):
        logits = self.network(self.symbols(image)[:-1])
        by_place = logits.unflatten(0, (*image.shape[2:], image.shape[1]))  # [H, W, C, B, 256]
        return [each.permute(2, 0, 1, 3) for each in by_place.unbind(2)]

    def plan(self, missing, device):
        return places(missing, device)

    def fill(self, canvas, draws, plan):
        """One state goes through the image; it reads what lies between two missing values in one go, and stops at the
        last of them."""
        network, (_, channels, _, width) = self.network, canvas.shape
        canvas, symbols, state, read = canvas.clone(), self.symbols(canvas), None, 0
        for row, column, missing in plan:
            for channel, where in missing.items():
                position = (row * width + column) * channels + channel  # its symbol is the one after
                hidden, state = network.read(symbols[read : position + 1], state)
                drawn = None if draws is None else draws[:, channel, row, column]
                value = canvas[:, channel, row, column]
                value.copy_(settled(value, where, network.to_logits(hidden[-1]), drawn, self.settings.temperature))
                symbols[position + 1], read = to_levels(value), position + 1
        return canvas


METHOD = FlattenedRowLSTM
