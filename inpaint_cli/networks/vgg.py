"""VGG-16's five convolutional blocks as a measure of perceptual distance (Johnson, Alahi, Fei-Fei 2016)."""

import torch
from torch import Tensor, nn
from torchvision.models import vgg16

BLOCK_ENDS = (4, 9, 16, 23, 30)  # the poolings of torchvision's `features`: a block's output comes before its pooling
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class VGG16Blocks(nn.Module):
    """[B, 1 or 3, H, W] in [0, 1] -> the outputs of the five blocks; frozen, ImageNet normalisation inside.

    `state` is torchvision's VGG-16 state (classifier included or not); None leaves the weights random.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, state: dict[str, Tensor] | None):
        super().__init__()
        features = vgg16().features
        if state is not None:
            features.load_state_dict(
                {k.removeprefix("features."): v for k, v in state.items() if k.startswith("features.")}
            )
        for layer in features:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False  # block outputs are kept
        starts = (0, *BLOCK_ENDS[:-1])
        self.blocks = nn.ModuleList(features[start:end] for start, end in zip(starts, BLOCK_ENDS, strict=True))
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))
        self.eval().requires_grad_(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        x = (image.expand(-1, 3, -1, -1) - self.mean) / self.std
        outputs = []
        for block in self.blocks:
            x = block(x)
            outputs.append(x)
        return outputs
