"""Networks that no longer learn, made ready to be evaluated many times: frozen, folded, in the hardware's format."""

import copy
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from inpaint_cli.networks.residual import DownConvolution, UpConvolution

Network = TypeVar("Network", bound=nn.Module)


def frozen_copy(network: Network, dtype: torch.dtype = torch.float32) -> Network:
    """A copy in evaluation mode that no gradient reaches, batch norms folded, of type `dtype`, channels-last."""
    frozen = copy.deepcopy(network).eval().requires_grad_(False)
    fold_batch_norms(frozen)
    fix_kernels(frozen)
    return frozen.to(dtype=dtype).to(memory_format=torch.channels_last)


def fold_batch_norms(network: nn.Module) -> None:
    """Where in a `Sequential` a batch norm follows a layer, the layer takes over its scale and shift, in place.

    In evaluation mode a batch norm is a fixed map of each channel: the outputs stay what they were, up to rounding.
    """
    for sequence in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        for place in range(len(sequence) - 1):
            layer, norm = sequence[place], sequence[place + 1]
            folded = _folded(layer, norm) if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d) else None
            if folded is not None:
                sequence[place], sequence[place + 1] = folded, nn.Identity()


def _folded(layer: nn.Module, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> nn.Module | None:
    if norm.running_mean is None:
        return None  # it normalises with the batch's own statistics
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        return fuse_conv_bn_eval(layer, norm, transpose=isinstance(layer, nn.ConvTranspose2d))
    if isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
        return fuse_linear_bn_eval(layer, norm)
    return None


def fix_kernels(network: nn.Module) -> None:
    """Layers that make their kernel from their weights in each call get it made once, in place."""
    for parent in list(network.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, UpConvolution | DownConvolution):
                setattr(parent, name, _with_kernel(layer))


def _with_kernel(layer: UpConvolution | DownConvolution) -> nn.Module:
    kernel = layer.kernel()
    kind = nn.ConvTranspose2d if isinstance(layer, UpConvolution) else nn.Conv2d
    side = kernel.shape[-1]
    fixed = kind(layer.in_channels, layer.out_channels, side, 2, side // 2 - 1, bias=layer.bias is not None)
    fixed.weight, fixed.bias = nn.Parameter(kernel, requires_grad=False), layer.bias
    return fixed
