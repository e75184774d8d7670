"""PixelRNN: a masked window, recurrent layers with residual connections, a softmax over 256 levels for each channel.

van den Oord, Kalchbrenner, Kavukcuoglu: Pixel Recurrent Neural Networks, ICML 2016, table 1. Images lie as
[B, H, W, C]. Each layer can be run over whole images, or go on row by row and column by column from kept states.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

from inpaint_cli.networks.masked import ALWAYS, channel_groups, mask_a, mask_b, masked_linear
from inpaint_cli.networks.pixels import LEVELS
from inpaint_cli.networks.scanning import Place, settled

REACH = 3  # the first layer's window is 7×7
SIDE = 2 * REACH + 1
GATES = 4  # input, forget, output, content


def gate_groups(hidden: int, channels: int) -> Tensor:
    return channel_groups(hidden, channels).repeat(GATES)


def recurrence(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """One step of an LSTM, Eq. 3: gates [..., 4h] and cell [..., h] -> hidden state and cell, [..., h], float32."""
    into, forget, out, content = gates.float().chunk(GATES, dim=-1)
    cell = torch.sigmoid(forget) * cell + torch.sigmoid(into) * torch.tanh(content)
    return torch.sigmoid(out) * torch.tanh(cell), cell


class Layer(nn.Module):
    """Input-to-state map, recurrence, and the map of its hidden state that is added to the input, figure 5.

    A subclass has `taps` pixels of its row under the input-to-state window, the last of them the pixel itself.
    """

    taps: int

    def __init__(self, hidden: int, channels: int, directions: int = 1):
        super().__init__()
        self.hidden, features = hidden, channel_groups(2 * hidden, channels)
        before = torch.ones(GATES * hidden, 2 * hidden * (self.taps - 1), dtype=torch.bool)
        mask = torch.cat([before, mask_b(features, gate_groups(hidden, channels))], dim=1)
        maps = [masked_linear(mask) for _ in range(directions)]
        for each in maps:
            each.bias.data[hidden : 2 * hidden] = 1.0  # remember at first
        self.input_to_state = nn.ModuleList(maps)
        self.to_residual = masked_linear(mask_b(channel_groups(hidden, channels), features))

    def forward(self, x: Tensor) -> tuple[Tensor, Any]:
        """Whole rows from the top: [B, H, W, 2h] -> the same, and the state that the next row starts from."""
        raise NotImplementedError

    def open_row(self, state: Any) -> None:
        """Make ready for the next row, given what the one above left."""
        raise NotImplementedError

    def advance(self, state: Any, x: Tensor, start: int, stop: int) -> Tensor:
        """x: [R, W, 2h], the row's input as far as `stop` -> output at columns start … stop, [R, n, 2h]."""
        raise NotImplementedError

    def close_row(self, state: Any, x: Tensor) -> None:
        """Keep what the next row needs; x is complete."""
        raise NotImplementedError


class PixelRNN(nn.Module):
    """[B, C, H, W] -> for each channel [B, H, W, 256]."""

    def __init__(self, channels: int, layers: Sequence[Layer], hidden: int, head: int):
        super().__init__()
        self.channels = channels
        features, heads = channel_groups(2 * hidden, channels), channel_groups(head, channels)
        self.first = masked_linear(self.window_mask(features))
        self.layers = nn.ModuleList(layers)
        self.join = masked_linear(mask_b(features, heads))
        self.to_logits = masked_linear(mask_b(heads, channel_groups(channels * LEVELS, channels)))

    def window_mask(self, outputs: Tensor) -> Tensor:
        """Mask A over the upper half of a 7×7 window of C + 1 numbers a pixel: bool [outputs, (C + 1) · 4 · 7]."""
        inputs = torch.cat([torch.arange(self.channels), torch.tensor([ALWAYS])])
        mask = torch.ones(len(outputs), len(inputs), REACH + 1, SIDE, dtype=torch.bool)
        mask[:, :, REACH, REACH + 1 :] = False
        mask[:, :, REACH, REACH] = mask_a(inputs, outputs)
        return mask.flatten(1)

    @staticmethod
    def cells(image: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, H + 3, W + 6, C + 1]: a 1 tells pixels from what lies beyond the edges, all 0."""
        return F.pad(F.pad(image.permute(0, 2, 3, 1), (0, 1), value=1.0), (0, 0, REACH, REACH, REACH, 0))

    @staticmethod
    def windows(cells: Tensor) -> Tensor:
        """What lies in the upper half of each pixel's 7×7 window: a view [B, H, W, C + 1, 4, 7]."""
        return cells.unfold(1, REACH + 1, 1).unfold(2, SIDE, 1)

    def levels(self, features: Tensor) -> Tensor:
        """[..., 2h] -> logits [..., C, 256]"""
        return self.to_logits(F.relu(self.join(F.relu(features)))).unflatten(-1, (self.channels, LEVELS))

    def forward(self, image: Tensor) -> list[Tensor]:
        x = self.first(self.windows(self.cells(image)).flatten(3))
        for layer in self.layers:
            x, _ = layer(x)
        return list(self.levels(x).unbind(3))

    def fill(self, canvas: Tensor, draws: Tensor | None, plan: list[Place], temperature: float) -> Tensor:
        """Fill the places of the canvas, [R, C, H, W], one after the other; draws: [R, C, H, W], as in `choose`.

        The rows above the first place are passed once, all together. From there on, each column is passed when what
        it sees is settled, and columns between two places all together; what lies after the last place is never passed.
        """
        if not plan:
            return canvas
        with parametrize.cached():
            walk = Walk(self, canvas, plan[0].row)
            for place in plan:
                walk.reach(place.row, place.column)
                for channel, where in place.channels.items():
                    drawn = None if draws is None else draws[:, channel, place.row, place.column]
                    walk.settle(channel, where, drawn, temperature)
            return walk.image()


class Walk:
    """A forward pass in scan order that is ahead of nothing: it stands at a column whose values may still change."""

    def __init__(self, network: PixelRNN, canvas: Tensor, row: int):
        self.network, self.width = network, canvas.shape[-1]
        self.layers = cast(list[Layer], list(network.layers))  # a ModuleList forgets of what kind they are
        self.cells = network.cells(canvas)
        self.windows, self.states = network.windows(self.cells), []
        x = network.first(self.windows[:, :row].flatten(3))
        for layer in self.layers:
            x, state = layer(x)
            self.states.append(state)
        self.row, self.column = row, 0  # the columns before this one are passed
        self._open_row()

    def _open_row(self) -> None:
        hidden = self.network.first.out_features
        self.inputs = [self.cells.new_zeros(len(self.cells), self.width, hidden) for _ in self.states]
        for layer, state in zip(self.layers, self.states, strict=True):
            layer.open_row(state)

    def _pass(self, start: int, stop: int) -> Tensor:
        """Columns of this row through all layers: [R, n, 2h]."""
        x = self.network.first(self.windows[:, self.row, start:stop].flatten(2))
        for layer, state, inputs in zip(self.layers, self.states, self.inputs, strict=True):
            inputs[:, start:stop] = x
            x = layer.advance(state, inputs, start, stop)
        return x

    def reach(self, row: int, column: int) -> None:
        """Pass what lies before this pixel in scan order."""
        while self.row < row:
            self._pass_to(self.width)
            for layer, state, inputs in zip(self.layers, self.states, self.inputs, strict=True):
                layer.close_row(state, inputs)
            self.row, self.column = self.row + 1, 0
            self._open_row()
        self._pass_to(column)

    def _pass_to(self, column: int) -> None:
        if self.column < column:
            self._pass(self.column, column)
            self.column = column

    def settle(self, channel: int, where: Tensor | None, draws: Tensor | None, temperature: float) -> None:
        """Write a channel of the pixel reached, `where` it is missing, as `settled` chooses it."""
        row, column = self.row, self.column
        logits = self.network.levels(self._pass(column, column + 1)[:, 0])[:, channel]
        value = self.cells[:, row + REACH, column + REACH, channel]
        value.copy_(settled(value, where, logits, draws, temperature))

    def image(self) -> Tensor:
        """[R, C, H, W]"""
        return self.cells[:, REACH:, REACH:-REACH, :-1].permute(0, 3, 1, 2)
