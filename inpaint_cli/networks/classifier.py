"""A classifier of the user's, for inception scores on data that ImageNet's classes say little of, such as faces.

The file is a safetensors file: the state of one of torchvision's classification models, and in its header, under
`classifier`, a JSON object: `architecture` (torchvision's name, such as vgg16), `classes`, `name` (as results name it),
and where they differ from the defaults `size` (pixels; 224), `mean` and `std` (of values in [0, 1], RGB; ImageNet's)
and `order` (RGB or BGR). `save_classifier` writes one. VGG-Face, the mde paper's choice, is vgg16 with 2,622 classes,
order BGR, mean (129.1863, 104.7624, 93.5940) / 255 and std 1 / 255.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision import models
from torchvision.models import get_model, list_models

from inpaint_cli.errors import InputError, unknown
from inpaint_cli.networks.frozen import Outputs, as_colour, in_blocks
from inpaint_cli.networks.vgg import IMAGENET_MEAN, IMAGENET_STD

BLOCK = 16  # images at once
Colour = tuple[float, float, float]


class Description(BaseModel):
    """What the header says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    architecture: str
    classes: int = Field(ge=2)
    name: str = Field(min_length=1)
    size: int = Field(224, ge=16, le=1024)
    mean: Colour = IMAGENET_MEAN
    std: Colour = IMAGENET_STD
    order: Literal["RGB", "BGR"] = "RGB"


class Classifier(nn.Module):
    """[B, 3, H, W] in [0, 1], RGB -> logits [B, classes]; resizing (bilinear, antialiased) and normalisation inside."""

    mean: Tensor
    std: Tensor

    def __init__(self, description: Description, state: Mapping[str, Tensor]):
        super().__init__()
        choices = list_models(module=models)
        if description.architecture not in choices:
            raise InputError(unknown("architecture of torchvision", description.architecture, choices))
        self.description = description
        options = {"aux_logits": False, "init_weights": False} if "inception_v3" in description.architecture else {}
        self.network = get_model(description.architecture, weights=None, num_classes=description.classes, **options)
        self.network.load_state_dict(state)
        self.register_buffer("mean", torch.tensor(description.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(description.std).view(1, 3, 1, 1))
        self.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def forward(self, image: Tensor) -> Tensor:
        size = self.description.size
        resized = interpolate(image, size=(size, size), mode="bilinear", align_corners=False, antialias=True)
        normalised = (resized - self.mean) / self.std
        return self.network(normalised.flip(1) if self.description.order == "BGR" else normalised)

    def describe(self, images: np.ndarray) -> Outputs:
        """uint8 [N, H, W, 1 or 3] -> `logits`, float32 [N, classes]."""
        return in_blocks(lambda block: {"logits": self(as_colour(block, self.mean.device))}, BLOCK, images)


def load_classifier(path: Path) -> Classifier:
    """`InputError` when the file is not a classifier as this module describes one."""
    try:
        with safe_open(path, "pt") as file:
            header = (file.metadata() or {}).get("classifier")
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if header is None:
            raise InputError("its header has no entry 'classifier'")
        return Classifier(Description.model_validate_json(header), state)
    except Exception as error:  # readers of foreign files raise nearly every kind
        reason = (str(error) or type(error).__name__).splitlines()
        raise InputError(f"{path}: not a classifier in a safetensors file ({' '.join(reason[:3])})") from None


def save_classifier(path: Path, state: Mapping[str, Tensor], description: Description) -> None:
    """Write `state`, of torchvision's model, with its description; the result is what `--weights classifier=` takes."""
    contiguous = {name: tensor.contiguous() for name, tensor in state.items()}
    save_file(contiguous, path, {"classifier": json.dumps(description.model_dump())})
