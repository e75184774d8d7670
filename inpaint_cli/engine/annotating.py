"""What a method says about whole images: label maps, landmarks."""

import numpy as np
import torch

from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.feeding import to_signed
from inpaint_cli.method import Method


def label_maps(method: Method, images: np.ndarray, hardware: Hardware) -> np.ndarray:
    """uint8 [B, H, W, C] of the method's size, nothing missing -> the label of each pixel, int64 [B, H, W]."""
    image = to_signed(torch.from_numpy(images).to(hardware.device))
    method.eval()
    with torch.no_grad(), hardware.autocast():
        return method.annotate(image, image.new_ones(len(image), 1, *image.shape[2:]))["parsing"].long().cpu().numpy()
