"""Residual blocks of the improved WGAN, after Gulrajani et al. 2017: norm, ReLU, convolution, twice, beside a shortcut.

Where a block changes the scale, convolution and resampling are computed as one. Upsampling to the nearest and a 3×3
convolution are a transposed 4×4 convolution of stride 2; a 3×3 convolution and the mean of 2×2 pixels are a 4×4
convolution of stride 2. The 4×4 kernel is made of the nine weights: the same result with 4 products of each 9.
"""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn


def box(kernel: Tensor) -> Tensor:
    """A kernel convolved with the 2×2 box of ones: [..., k, k] -> [..., k + 1, k + 1]."""
    rows = F.pad(kernel, (0, 0, 0, 1)) + F.pad(kernel, (0, 0, 1, 0))
    return F.pad(rows, (0, 1)) + F.pad(rows, (1, 0))


class UpConvolution(nn.Conv2d):
    """Nearest upsampling by 2, then this convolution: [B, i, H, W] -> [B, o, 2H, 2W]. Sides of the kernel are odd."""

    def kernel(self) -> Tensor:
        """That of the transposed convolution, [i, o, k + 1, k + 1]."""
        return box(self.weight.flip(2, 3)).transpose(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.kernel()
        return F.conv_transpose2d(x, kernel, self.bias, stride=2, padding=kernel.shape[-1] // 2 - 1)


class DownConvolution(nn.Conv2d):
    """This convolution, then the mean of each 2×2 pixels: [B, i, H, W] -> [B, o, H/2, W/2]."""

    def kernel(self) -> Tensor:
        """That of the strided convolution, [o, i, k + 1, k + 1]."""
        return box(self.weight) / 4

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.kernel()
        return F.conv2d(x, kernel, self.bias, stride=2, padding=kernel.shape[-1] // 2 - 1)


def layer_norm(channels: int) -> nn.GroupNorm:
    """Over all channels and pixels of one image, with a scale and shift for each channel (Ba et al. 2016)."""
    return nn.GroupNorm(1, channels)


class PlaceNorm(nn.LayerNorm):
    """Over the channels of each place by itself: no place learns of another. [B, C, H, W] -> the same."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class ResidualUp(nn.Module):
    """The generator's block, figure 3: F(x) + x with batch norm, [B, i, H, W] -> [B, o, 2H, 2W].

    No biases: a batch norm takes them out again.
    """

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.residual = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            UpConvolution(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        )
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.residual(x) + F.interpolate(self.shortcut(x), scale_factor=2, mode="nearest")


class ResidualDown(nn.Module):
    """The critics' block, figure 4: F(x) + x with layer norm, [B, i, H, W] -> [B, o, H/2, W/2]."""

    def __init__(self, inputs: int, outputs: int, norm: Callable[[int], nn.Module] = layer_norm):
        super().__init__()
        self.residual = nn.Sequential(
            norm(inputs),
            nn.ReLU(),
            nn.Conv2d(inputs, inputs, 3, padding=1),
            norm(inputs),
            nn.ReLU(),
            DownConvolution(inputs, outputs, 3, padding=1),
        )
        self.shortcut = nn.Conv2d(inputs, outputs, 1)
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.residual(x) + self.shortcut(F.avg_pool2d(x, 2))


def _initialise(block: nn.Module) -> None:
    """He et al. 2015, as Gulrajani et al. do."""
    for module in block.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
