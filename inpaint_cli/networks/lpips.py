"""Learned perceptual image patch similarity (Zhang et al. 2018), version 0.1, on AlexNet."""

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models import alexnet

from inpaint_cli.networks.frozen import Outputs, as_colour, in_blocks

BLOCK = 16  # images at once
ENDS = (2, 5, 8, 10, 12)  # of torchvision's `features`: after each of the five activations
CHANNELS = (64, 192, 384, 256, 256)
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of values in [-1, 1]: the authors' scaling layer


class LPIPS(nn.Module):
    """Two stacks [B, 3, H, W] in [-1, 1] -> distances [B]: 0 for identical images.

    trunk: torchvision's AlexNet state; linear: the authors' weights of channels, `linN.model.1.weight` [1, C, 1, 1].
    None = random, the same at every call.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, trunk: dict[str, Tensor] | None, linear: dict[str, Tensor] | None):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            features = alexnet(weights=None).features
            linear = linear or {f"lin{i}.model.1.weight": torch.rand(c) for i, c in enumerate(CHANNELS)}
        if trunk is not None:
            features.load_state_dict(
                {k.removeprefix("features."): v for k, v in trunk.items() if k.startswith("features.")}
            )
        for layer in features:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False  # outputs of stages are kept
        starts = (0, *ENDS[:-1])
        self.stages = nn.ModuleList(features[start:end] for start, end in zip(starts, ENDS, strict=True))
        for index, channels in enumerate(CHANNELS):
            weights = linear[f"lin{index}.model.1.weight"].flatten()
            if len(weights) != channels:
                raise ValueError(f"lin{index} has {len(weights)} weights, not {channels}")
            self.register_buffer(f"linear{index}", weights.view(1, channels, 1, 1))
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(SCALE).view(1, 3, 1, 1))
        self.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """d = Σ_l 1/(H_l W_l) Σ_hw |w_l ⊙ (x̂ - ŷ)|², Eq. 1 (with w for the paper's squared one, as in its program)."""
        x, y = ((image - self.shift) / self.scale for image in (first, second))
        distance = torch.zeros(len(x), device=x.device)
        for index, stage in enumerate(self.stages):
            x, y = stage(x), stage(y)
            squared = (_unit(x) - _unit(y)) ** 2
            distance = distance + (getattr(self, f"linear{index}") * squared).sum(dim=1).mean(dim=(1, 2))
        return distance

    def describe(self, first: np.ndarray, second: np.ndarray) -> Outputs:
        """uint8 [N, H, W, 1 or 3] twice -> `distance`, float32 [N]."""

        def compute(*blocks: np.ndarray) -> dict[str, Tensor]:
            return {"distance": self(*(2 * as_colour(block, self.shift.device) - 1 for block in blocks))}

        return in_blocks(compute, BLOCK, first, second)


def _unit(features: Tensor) -> Tensor:
    """Unit length along the channels at every place."""
    return features / (features.norm(dim=1, keepdim=True) + 1e-10)
