"""Diagonal BiLSTM: completion by the probability of each value given all values before it.

van den Oord, Kalchbrenner, Kavukcuoglu: Pixel Recurrent Neural Networks, ICML 2016, section 3.2, which Burlin,
Le Calonnec, Duperier: Deep Image Inpainting, Stanford 2017, section 6.2, implemented again. What it shares with the Row
LSTM (Eq. 1 and 2, masks, residual connections, the last layers) is in row_lstm.py and networks/pixel_rnn.py.

    Eq. 3              recurrence (networks)   as in the Row LSTM, but along the diagonals
    figure 3           skew, unskew            row i moves i columns to the right, so that diagonals are columns
    section 3.2        DiagonalLayer           K^ss has two taps, the left and the upper neighbour; K^is is 1×1
    figure 4, right    shifted_down            the direction from the right, moved down a row so that it sees no future

Both directions step together: a diagonal of all images, twice, is one product. In completion a row is passed from the
left as far as it is settled, and from the right when it is complete, since only the rows below it see that.
"""

from dataclasses import field

import torch
import torch.nn.functional as F
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from inpaint_cli.methods.row_lstm import RowLSTM
from inpaint_cli.networks.pixel_rnn import GATES, Layer, recurrence

LEFT, RIGHT = 0, 1  # where a direction comes from


def skew(x: Tensor) -> Tensor:
    """Row i moved i columns to the right: [B, H, W, F] -> [B, H, W + H - 1, F], zero elsewhere, figure 3."""
    height, width = x.shape[1:3]
    padded = F.pad(x, (0, 0, 0, height))  # rows of W + H; without the last H they lie one column further each
    flat = padded.flatten(1, 2)[:, : height * (width + height - 1)]
    return flat.unflatten(1, (height, width + height - 1))


def unskew(x: Tensor) -> Tensor:
    """[B, H, W + H - 1, F] -> [B, H, W, F]: the inverse of `skew`."""
    height, length = x.shape[1:3]
    flat = F.pad(x.flatten(1, 2), (0, 0, 0, height))
    return flat.unflatten(1, (height, length + 1))[:, :, : length - height + 1]


def shifted_down(x: Tensor) -> Tensor:
    """Each row takes what the row above has: [B, H, W, F], the first row zero."""
    return F.pad(x, (0, 0, 0, 0, 1, 0))[:, :-1]


@dataclass(config={"arbitrary_types_allowed": True})
class DiagonalState:
    """The hidden states of the row above, from the left and from the right, [R, W, h], and of the row in hand."""

    left: Tensor
    right: Tensor
    hidden: Tensor | None = field(default=None)  # of the row in hand from the left, column c at c + 1: [R, W + 1, h]
    cell: Tensor | None = field(default=None)


class DiagonalLayer(Layer):
    """Two LSTMs along the diagonals whose states are added, section 3.2."""

    taps = 1

    def __init__(self, hidden: int, channels: int):
        super().__init__(hidden, channels, directions=2)
        bound = (2 * hidden) ** -0.5
        weight = torch.empty(2, 2 * hidden, GATES * hidden).uniform_(-bound, bound)
        self.state_to_state = nn.Parameter(weight)  # of each direction: of the upper neighbour, then of the one before

    def forward(self, x):
        if not x.shape[1]:
            empty = x.new_zeros(len(x), x.shape[2], self.hidden, dtype=torch.float32)
            return x, DiagonalState(empty, empty)
        gates = torch.stack([self.input_to_state[LEFT](x), self.input_to_state[RIGHT](x).flip(2)])
        left, right = self.scan(skew(gates.flatten(0, 1))).unflatten(0, (2, -1)).unbind(0)
        right = right.flip(2)
        return x + self.to_residual(left + shifted_down(right)), DiagonalState(left[:, -1], right[:, -1])

    def scan(self, gates: Tensor) -> Tensor:
        """Skewed gates of the input, both directions, [2B, H, W + H - 1, 4h] -> hidden states [2B, H, W, h]."""
        count, height = gates.shape[:2]
        hidden = cell = gates.new_zeros(count, height, self.hidden, dtype=torch.float32)
        columns = []
        for column in gates.unbind(2):
            near = torch.cat([F.pad(hidden, (0, 0, 1, 0))[:, :-1], hidden], dim=-1)
            from_state = torch.bmm(near.view(2, -1, 2 * self.hidden), self.state_to_state)
            hidden, cell = recurrence(column + from_state.view_as(column), cell)
            columns.append(hidden)
        return unskew(torch.stack(columns, dim=2))

    def open_row(self, state):
        count, width, hidden = state.left.shape
        state.hidden, state.cell = (state.left.new_zeros(count, width + 1, hidden) for _ in range(2))

    def steps(self, direction: int, x: Tensor, above: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """Along a row: inputs [R, n, 2h], states above [R, n, h] and before [R, h] -> states and cells [R, n, h]."""
        upper, before = self.state_to_state[direction].split(self.hidden)
        gates = self.input_to_state[direction](x) + above @ upper
        found = []
        for column in gates.unbind(1):
            hidden, cell = recurrence(torch.addmm(column, hidden, before), cell)
            found.append((hidden, cell))
        hiddens, cells = zip(*found, strict=True)
        return torch.stack(hiddens, dim=1), torch.stack(cells, dim=1)

    def advance(self, state, x, start, stop):
        above, before = state.left[:, start:stop], (state.hidden[:, start], state.cell[:, start])
        hidden, cell = self.steps(LEFT, x[:, start:stop], above, *before)
        state.hidden[:, start + 1 : stop + 1], state.cell[:, start + 1 : stop + 1] = hidden, cell
        return x[:, start:stop] + self.to_residual(hidden + state.right[:, start:stop])

    def close_row(self, state, x):
        nothing = torch.zeros_like(state.left[:, 0])
        right, _ = self.steps(RIGHT, x.flip(1), state.right.flip(1), nothing, nothing)
        state.left, state.right = state.hidden[:, 1:], right.flip(1)


class DiagonalBiLSTM(RowLSTM):
    title = "Diagonal BiLSTM"
    layer = DiagonalLayer


METHOD = DiagonalBiLSTM
