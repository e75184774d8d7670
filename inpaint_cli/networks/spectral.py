"""Spectral normalisation (Miyato et al. 2018): a layer's weights are divided by their largest singular value."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FIRST_TURNS = 15  # of the power iteration, before the first step


class Spectral(nn.Module):
    """What a normalised layer is beside its kind: `weight` [o, ...] as it learns, `left` the singular vector, [o]."""

    weight: Tensor
    left: Tensor

    def begin(self) -> None:
        """To be called at the end of `__init__`."""
        self.register_buffer("left", torch.randn(len(self.weight)))
        with torch.no_grad():
            for _ in range(0 if self.weight.is_meta else FIRST_TURNS):  # an outline has no values
                self.left = self._turned(self.weight.flatten(1))[0]

    def _turned(self, matrix: Tensor) -> tuple[Tensor, Tensor]:
        """One turn of the power iteration: the left singular vector, [o], and the right one."""
        right = F.normalize(matrix.T @ self.left, dim=0)
        return F.normalize(matrix @ right, dim=0), right

    def normalised(self) -> Tensor:
        """The weights with a largest singular value of about 1, in float32; in training the estimate gets better."""
        with torch.autocast(self.weight.device.type, enabled=False):
            matrix = self.weight.flatten(1)
            with torch.no_grad():
                left, right = self._turned(matrix)
                if self.training:
                    self.left = left  # not in place: a call's backward may need its own after the next call
            return self.weight / (left @ matrix @ right)


class SpectralConv(Spectral, nn.Conv2d):
    """A convolution of normalised weights."""

    def __init__(self, inputs: int, outputs: int, kernel: int, padding: int = 0, bias: bool = True):
        nn.Conv2d.__init__(self, inputs, outputs, kernel, padding=padding, bias=bias)
        nn.init.orthogonal_(self.weight)
        self.begin()

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.normalised(), self.bias, padding=self.padding)


class SpectralLinear(Spectral, nn.Linear):
    """A linear layer of normalised weights."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True):
        nn.Linear.__init__(self, inputs, outputs, bias)
        nn.init.orthogonal_(self.weight)
        self.begin()

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.normalised(), self.bias)


def conv3(inputs: int, outputs: int, bias: bool = True) -> SpectralConv:
    """3×3, the size stays."""
    return SpectralConv(inputs, outputs, 3, padding=1, bias=bias)
