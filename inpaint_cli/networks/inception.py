"""Inception-v3 as the FID is defined by (Heusel et al. 2017): pytorch-fid's network and weights, arranged to be fast.

Batch normalisation is folded into the convolutions before it and the memory is channels-last: the same function to
float32's rounding, several times faster on CPUs.
"""

import numpy as np
import torch
from PIL import Image
from pytorch_fid import inception as pytorch_fid
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import inception_v3
from torchvision.models.inception import BasicConv2d, Inception3

from inpaint_cli.networks.frozen import Outputs, as_colour, in_blocks

SIZE = 299  # pixels
BLOCK = 16  # images at once
CLASSES = 1008
STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "maxpool2")
MIXED = ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c")
REPLACED = {  # where TensorFlow's network of 2015 differs from torchvision's
    "Mixed_5b": lambda: pytorch_fid.FIDInceptionA(192, pool_features=32),
    "Mixed_5c": lambda: pytorch_fid.FIDInceptionA(256, pool_features=64),
    "Mixed_5d": lambda: pytorch_fid.FIDInceptionA(288, pool_features=64),
    "Mixed_6b": lambda: pytorch_fid.FIDInceptionC(768, channels_7x7=128),
    "Mixed_6c": lambda: pytorch_fid.FIDInceptionC(768, channels_7x7=160),
    "Mixed_6d": lambda: pytorch_fid.FIDInceptionC(768, channels_7x7=160),
    "Mixed_6e": lambda: pytorch_fid.FIDInceptionC(768, channels_7x7=192),
    "Mixed_7b": lambda: pytorch_fid.FIDInceptionE_1(1280),
    "Mixed_7c": lambda: pytorch_fid.FIDInceptionE_2(2048),
}


def bilinear(images: np.ndarray, device: torch.device) -> Tensor:
    """pytorch-fid's preprocessing: bilinear to 299×299 without antialiasing, then [-1, 1]."""
    resized = interpolate(as_colour(images, device), size=(SIZE, SIZE), mode="bilinear", align_corners=False)
    return 2 * resized - 1


def clean(images: np.ndarray, device: torch.device) -> Tensor:
    """clean-fid's (Parmar et al. 2022): Pillow's antialiased bicubic in float, not rounded; TensorFlow's scale."""
    colour = np.broadcast_to(images, (*images.shape[:3], 3))
    resized = np.stack([[_bicubic(image[..., channel]) for channel in range(3)] for image in colour])
    pixels = torch.from_numpy(resized).to(device).contiguous(memory_format=torch.channels_last)
    return (pixels.clamp(0, 255) - 128) / 128


def _bicubic(channel: np.ndarray) -> np.ndarray:
    image = Image.fromarray(np.ascontiguousarray(channel, dtype=np.float32))
    return np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BICUBIC))


PREPROCESSING = {"pytorch-fid": bilinear, "clean": clean}


def random_state() -> dict[str, Tensor]:
    """Weights that keep the size of activations (He et al. 2015), the same at every call: to test the machinery."""
    generator = torch.Generator().manual_seed(0)
    network = _architecture()
    for weight in network.parameters():
        if weight.ndim > 1:
            nn.init.normal_(weight, std=(2 / weight[0].numel()) ** 0.5, generator=generator)
    return network.state_dict()


def _architecture() -> Inception3:
    network = inception_v3(num_classes=CLASSES, aux_logits=False, weights=None, init_weights=False)
    for name, build in REPLACED.items():
        setattr(network, name, build())
    return network.requires_grad_(False)


class Inception(nn.Module):
    """[B, 3, 299, 299] in [-1, 1] -> features [B, 2048], float32; `state` is pytorch-fid's, None = random."""

    to_logits: Tensor

    def __init__(self, state: dict[str, Tensor] | None):
        super().__init__()
        network = _architecture()
        network.load_state_dict(random_state() if state is None else state)
        network.eval()
        for layer in network.modules():
            if isinstance(layer, BasicConv2d):
                layer.conv, layer.bn = fuse_conv_bn_eval(layer.conv, layer.bn), nn.Identity()
        self.layers = nn.Sequential(*(getattr(network, name) for name in (*STEM, *(f"Mixed_{n}" for n in MIXED))))
        self.register_buffer("to_logits", network.fc.weight.detach().clone())
        self.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).mean(dim=(2, 3))

    def describe(self, images: np.ndarray, mode: str = "pytorch-fid") -> Outputs:
        """uint8 [N, H, W, 1 or 3] -> `features` [N, 2048] and `logits` [N, 1008], float32.

        mode: a key of `PREPROCESSING`. The logits are without bias, as in the inception score's own program.
        """

        def compute(block: np.ndarray) -> dict[str, Tensor]:
            features = self(PREPROCESSING[mode](block, self.to_logits.device))
            return {"features": features, "logits": features @ self.to_logits.T}

        return in_blocks(compute, BLOCK, images)
