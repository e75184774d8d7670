"""What the tests of masks share: drawing, and reading rectangles off masks."""

import numpy as np
import torch
from PIL import Image

from inpaint_cli.masks import parse_masks


def draw(spec, count=200, shape=(3, 48, 40), seed=0, **landmarks):
    return parse_masks(spec).draw(count, shape, generator=torch.Generator().manual_seed(seed), **landmarks)


def extents(lines):
    """bool [n, L], each one run of True -> first index and length."""
    return lines.float().argmax(dim=1), lines.sum(dim=1)


def rectangles(known):
    """bool [n, H, W], each one rectangle -> left, top, width, height; fails on any other shape."""
    left, width = extents(known.any(dim=1))
    top, height = extents(known.any(dim=2))
    assert torch.equal(known.sum(dim=(1, 2)), width * height)
    return left, top, width, height


def hidden_shares(masks):
    """[n, C, H, W] -> the part of each that is missing, float64 [n]."""
    return (masks == 0).double().mean(dim=(1, 2, 3))


def write_mask(path):
    """White in rows 2 to 4 of columns 10 to 13; 30×20 pixels. The path again."""
    levels = np.zeros((20, 30), dtype=np.uint8)
    levels[2:5, 10:14] = 255
    Image.fromarray(levels).save(path)
    return path
