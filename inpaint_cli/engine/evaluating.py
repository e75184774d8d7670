"""Completed images of a prepared split -> metrics per image."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.feeding import spread, to_signed, to_uint8
from inpaint_cli.engine.randomness import derive_seed, generator_for, seed_default_generators
from inpaint_cli.errors import InputError
from inpaint_cli.masks import MaskProcess, draw_for_images
from inpaint_cli.method import Method
from inpaint_cli.metrics import Completions, choose, joined, measure

EXAMPLES = 8  # images kept for the grid, spread over the split


def evaluate(
    method: Method,
    split: Any,
    masks: MaskProcess,
    hardware: Hardware,
    *,
    seed: int = 0,
    limit: int | None = None,
    batch: int = 32,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Metrics per image, float64 [N] by name, and a few examples: original, observed, completed, uint8.

    An image's mask is a function of (seed, its index) alone, so that methods are compared on the same holes.
    """
    count = min(len(split), limit or len(split))
    if not count:
        raise InputError(f"the split '{split.name}' has no images to evaluate on")
    method.eval()
    parts, examples, wanted = [], [], spread(count, EXAMPLES)
    for start in range(0, count, batch):
        indices = range(start, min(start + batch, count))
        original = np.array(split.images[indices.start : indices.stop])
        completed, mask = complete_rows(method, split, original, indices, masks, hardware, seed)
        shown = np.broadcast_to(mask.permute(0, 2, 3, 1).cpu().numpy() > 0, original.shape)
        parts.append(measure(Completions(original, completed, ~shown), choose()))
        kept = wanted[(wanted >= indices.start) & (wanted < indices.stop)] - indices.start
        examples.append([stack[kept] for stack in (original, np.where(shown, original, np.uint8(128)), completed)])
        progress(indices.stop)
    names = ("original", "observed", "completed")
    return joined(parts), {
        n: np.concatenate(stacks) for n, stacks in zip(names, zip(*examples, strict=True), strict=True)
    }


def complete_rows(
    method: Method, split: Any, original: np.ndarray, indices: range, masks: MaskProcess, hardware: Hardware, seed: int
) -> tuple[np.ndarray, torch.Tensor]:
    """Complete uint8 [B, H, W, C] behind each image's own mask -> uint8 [B, H, W, C] and masks [B, 1 or C, H, W]."""
    image = to_signed(torch.from_numpy(original).to(hardware.device))
    landmarks = split.labels.get("landmarks")
    if landmarks is not None:
        landmarks = torch.from_numpy(np.array(landmarks[indices.start : indices.stop]))
    seeds = [derive_seed(seed, "evaluate", index) for index in indices]
    mask = draw_for_images(masks, tuple(image.shape[1:]), seeds, device=hardware.device, landmarks=landmarks)
    observed = torch.where(mask > 0, image, 0.0)
    seed_default_generators(seed, "evaluate", indices.start)
    generator = generator_for(hardware.device, seed, "evaluate", indices.start)
    with torch.no_grad(), hardware.autocast():
        completed = method.complete(observed, mask, generator=generator)[:, 0]
    return to_uint8(completed), mask
