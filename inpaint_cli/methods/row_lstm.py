"""Row LSTM: completion by the probability of each value given the triangle above it.

van den Oord, Kalchbrenner, Kavukcuoglu: Pixel Recurrent Neural Networks, ICML 2016, sections 3.1, 3.3 and 3.4, which
Burlin, Le Calonnec, Duperier: Deep Image Inpainting, Stanford 2017, section 6.2, implemented again.

    Eq. 1 and 2          PixelModel (autoregressive)        p(x) = Π p(x_i | x_1 … x_{i-1}), R, then G, then B
    Eq. 3                RowLayer, recurrence (networks)    a row's gates from its input and the state of the row above
    figure 4, mask B     RowLayer.taps                      k = 3 masked: the pixel and its left neighbour
    section 3.4, mask A  PixelRNN.window_mask (networks)    the first layer, 7×7
    section 3.3          Layer.to_residual (networks)       residual connections around each layer
    table 1              PixelRNN                           two 1×1 layers and a softmax over 256 for each channel

The input-to-state maps of all rows are one product; then the rows follow one another, each as one step. Beyond the
paper: the first layer sees which pixels lie inside the image, and Adam with annealing replaces RMSProp by hand.
"""

from dataclasses import field
from functools import partial
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from inpaint_cli.autoregressive.model import ChoiceSettings, PixelModel
from inpaint_cli.method import Defaults, Player, Turn, polynomial
from inpaint_cli.networks.pixel_rnn import GATES, Layer, PixelRNN, recurrence
from inpaint_cli.networks.scanning import places


@dataclass(frozen=True)
class Settings(ChoiceSettings):
    hidden: int = Field(128, ge=1, description="units h of each layer, section 5.2 for CIFAR-10; features are 2h")
    layers: int = Field(12, ge=1, description="section 5.2, for CIFAR-10")
    head: int = Field(1024, ge=3, description="features of the first of the last two layers, table 1 for CIFAR-10")
    learning_rate: float = Field(1e-3, gt=0, description="Adam; the paper's RMSProp rates were 'manually set'")
    annealing_power: float = Field(1.0, ge=0, description="not in the paper; 0 is a constant learning rate")
    ema: float = Field(0.0, ge=0, lt=1, description="not in the paper; 0.999 completes with averaged weights")


def beside(states: Tensor) -> Tensor:
    """Each column's left neighbour, itself and right neighbour: [B, W, h] -> [B, W, 3h], zero beyond the edges."""
    padded = F.pad(states, (0, 0, 1, 1))
    return torch.cat([padded[:, :-2], states, padded[:, 2:]], dim=-1)


@dataclass(config={"arbitrary_types_allowed": True})
class RowState:
    """The hidden state and cell of the row above, [R, W, h], and of the row in hand as far as it is passed."""

    hidden: Tensor
    cell: Tensor
    from_above: Tensor | None = field(default=None)  # [R, W, 4h]
    new_hidden: Tensor | None = field(default=None)
    new_cell: Tensor | None = field(default=None)


class RowLayer(Layer):
    """Eq. 3: [o, f, i, g] = K^ss ⊛ h_{i-1} + K^is ⊛ x_i, both along the row with k = 3, the latter masked."""

    taps = 2

    def __init__(self, hidden: int, channels: int):
        super().__init__(hidden, channels)
        self.state_to_state = nn.Linear(3 * hidden, GATES * hidden, bias=False)

    def from_input(self, x: Tensor) -> Tensor:
        """K^is ⊛ x: [..., W, 2h] -> [..., W, 4h]"""
        left = F.pad(x, (0, 0, 1, 0))[..., :-1, :]
        return self.input_to_state[0](torch.cat([left, x], dim=-1))

    def forward(self, x):
        gates = self.from_input(x)
        hidden = cell = x.new_zeros(len(x), x.shape[2], self.hidden, dtype=torch.float32)
        rows = []
        for row in gates.unbind(1):
            hidden, cell = recurrence(row + self.state_to_state(beside(hidden)), cell)
            rows.append(hidden)
        if not rows:
            return x, RowState(hidden, cell)
        return x + self.to_residual(torch.stack(rows, dim=1)), RowState(hidden, cell)

    def open_row(self, state):
        state.from_above = self.state_to_state(beside(state.hidden))
        state.new_hidden, state.new_cell = torch.zeros_like(state.hidden), torch.zeros_like(state.cell)

    def advance(self, state, x, start, stop):
        seen = max(start - 1, 0)
        gates = self.from_input(x[:, seen:stop])[:, start - seen :] + state.from_above[:, start:stop]
        hidden, cell = recurrence(gates, state.cell[:, start:stop])
        state.new_hidden[:, start:stop], state.new_cell[:, start:stop] = hidden, cell
        return x[:, start:stop] + self.to_residual(hidden)

    def close_row(self, state, x):
        state.hidden, state.cell = state.new_hidden, state.new_cell


class RowLSTM(PixelModel):
    settings: Settings
    Settings = Settings
    title = "Row LSTM"
    paper = "deep"
    layer: ClassVar[type[Layer]] = RowLayer
    defaults = Defaults(masks="center:8", batch=16, steps=100_000, recipe="cifar10-32")  # batch: section 5; no length
    completes_with = ("network",)

    def __init__(self, settings, shape, masks):
        super().__init__(settings, shape, masks)
        self.ema_decay = settings.ema
        layers = [self.layer(settings.hidden, shape.channels) for _ in range(settings.layers)]
        self.network = PixelRNN(shape.channels, layers, settings.hidden, settings.head)
        optimizer = partial(torch.optim.Adam, lr=settings.learning_rate, fused=True)
        self.players["network"] = Player((self.network,), optimizer, polynomial(settings.annealing_power))

    def turns(self):
        return (Turn("network", self.likelihood),)

    def logits(self, image):
        return self.network(image)

    def plan(self, missing, device):
        return places(missing, device)

    def fill(self, canvas, draws, plan):
        return self.network.fill(canvas, draws, plan, self.settings.temperature)


METHOD = RowLSTM
