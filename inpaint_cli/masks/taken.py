"""Masks that are taken from files, as those of `shapes.py` are drawn."""

import numpy as np
import torch
from torch import Tensor

from inpaint_cli.masks.arguments import MaskFile
from inpaint_cli.masks.folders import MaskFolder
from inpaint_cli.masks.packed import WINDOWS, crop, resize
from inpaint_cli.masks.shapes import Request
from inpaint_cli.masks.stored import Stored, stored_fits


def file(request: Request, mask_file: MaskFile) -> Tensor:
    """The same mask, read from a file, for every image."""
    return torch.from_numpy(mask_file.known).to(request.device).expand(request.count, 1, -1, -1)


def folder(request: Request, masks: MaskFolder) -> Tensor:
    """Each image's own mask, or one drawn for it; in training (`request.moved`) turned over and shifted."""
    kept, size = masks.contents.masks, (request.height, request.width)
    chance = request.uniform(request.count, 5 + 2 * WINDOWS).double().cpu().numpy()
    own = masks.places is not None and request.rows is not None
    places = masks.places[request.rows] if own else (chance[:, 0] * len(kept)).astype(int)  # type: ignore[index]
    cut = crop if masks.fit == "crop" else resize
    holes = [
        cut(kept[place], size, row[1:], request.moved and not own) for place, row in zip(places, chance, strict=True)
    ]
    return torch.from_numpy(~np.stack(holes)).unsqueeze(1).to(request.device)


def stored(request: Request, *held: Stored) -> Tensor:
    """Each image's own mask; without rows, as for a decoy, those of any images."""
    stored_fits(request, *held)
    masks = held[0].masks
    drawn = (request.uniform(request.count).double().cpu().numpy() * len(masks)).astype(int)
    rows = drawn if request.rows is None else request.rows
    return torch.from_numpy(masks[rows] < 128).unsqueeze(1).to(request.device)
