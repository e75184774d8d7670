"""What `prepare --masks` stores with each image."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from inpaint_cli.data.masking import Masker, MaskTree
from inpaint_cli.data.trees import tree_at
from inpaint_cli.engine.randomness import derive_seed
from inpaint_cli.errors import InputError, UsageError, printable
from inpaint_cli.jobs.audience import Audience
from inpaint_cli.jobs.mask_files import masks_of
from inpaint_cli.masks import MASK_ENDING, MaskProcess, parse_masks
from inpaint_cli.masks.drawing import draw_for_images


def masker_from(spec: str, audience: Audience, observe: bool = False) -> Masker:
    """Masks of a specification: one drawn for each row, as a function of its name alone, or the one of its name.

    observe: what they hide is removed from the images.
    """
    process = parse_masks(spec)
    paired = [folder for folder in process.folders if folder.paired]
    if process.per_channel or "stored" in process.kinds or (paired and len(process.parts) > 1):
        why = "hides single channels" if process.per_channel else "is not one that `prepare` can store"
        option = "--observe" if observe else "--masks"
        raise UsageError(f"{option} {process.spec} {why}: folder:PATH, folder:PATH,paired, strokes:0.1-0.4, …")
    if paired:
        tree = tree_at(Path(paired[0].path))
        if not tree.names():
            raise InputError(f"{printable(tree.path)}: no masks in it or in folders below it")
        return Masker(process.spec, by_name=MaskTree(tree, MASK_ENDING, paired[0].invert), observe=observe)
    return Masker(process.spec, partial(_drawn, masks_of(spec, audience)), observe=observe)


def _drawn(process: MaskProcess, names: Sequence[str], columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """The masks of a few rows, uint8 [N, H, W], white is the hole."""
    height, width, channels = columns["images"].shape[1:]
    points = columns.get("landmarks")
    landmarks = None if points is None else torch.from_numpy(np.asarray(points, np.float32))
    seeds = [derive_seed(0, f"mask of {name!r}") for name in names]
    known = draw_for_images(process, (channels, height, width), seeds, landmarks=landmarks)
    return np.where(known[:, 0].numpy() > 0, 0, 255).astype(np.uint8)
