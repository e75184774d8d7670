"""From a masking process to masks. This, and what it stands on, imports torch; the grammar does not."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from inpaint_cli.masks import faces, shapes, taken
from inpaint_cli.masks.process import MIXTURE, MaskProcess, Part
from inpaint_cli.masks.shapes import Request
from inpaint_cli.masks.strokes import strokes


def drawn(process: MaskProcess, request: Request) -> Tensor:
    """Its masks, {0, 1} or bool, [count, 1 or C, H, W]."""
    return DRAWN_BY[process.kind.name](request, *process.arguments)


def as_floats(masks: Tensor) -> Tensor:
    """{0, 1} or bool -> float32, in one piece of memory. Bytes become floats seven times as quickly as bool does."""
    return (masks.view(torch.uint8) if masks.dtype == torch.bool else masks).float().contiguous()


def mixed(request: Request, *parts: Part) -> Tensor:
    """Each image takes the mask of one part. All parts are drawn for all images, so that no image waits for another's.

    [B, C, H, W] where a part's masks differ from channel to channel, else [B, 1, H, W].
    """
    weights = torch.tensor([part.weight for part in parts], dtype=torch.float64)
    weights /= weights.max()  # so that the sum is finite
    ends = (weights.cumsum(0) / weights.sum())[:-1].tolist()  # of the parts, laid along [0, 1)
    place = request.uniform(request.count, 1, 1, 1)
    masks = drawn(parts[0].process, request)
    for end, part in zip(ends, parts[1:], strict=True):
        masks = torch.where(place < end, masks, drawn(part.process, request))
    return masks


DRAWN_BY: dict[str, Callable[..., Tensor]] = {  # by the names of the kinds
    "center": shapes.center,
    "inpaint": shapes.inpaint,
    "reverse": shapes.reverse,
    "extrapolate": shapes.extrapolate,
    "rec": shapes.rec,
    "colorize": shapes.colorize,
    "block": shapes.block,
    "pattern": shapes.pattern,
    "strokes": strokes,
    "noise": shapes.noise,
    "patches": shapes.patches,
    "squares": shapes.squares,
    "face": faces.face,
    "none": shapes.none,
    "file": taken.file,
    "folder": taken.folder,
    "stored": taken.stored,
    MIXTURE.name: mixed,
}


def draw_for_images(
    process: MaskProcess,
    shape: Sequence[int],
    seeds: Sequence[int],
    device: torch.device | str = "cpu",
    landmarks: Tensor | None = None,
    rows: Sequence[int] | None = None,
) -> Tensor:
    """One mask per seed: an image's mask is a function of its seed, landmarks and row alone, whatever batch and device.

    Drawn on the CPU, one generator per image, since a GPU's generator gives other numbers; then moved to `device`.
    landmarks: [N, 5, 2] in pixels or None; rows: of the images in the split that the process is `of`.
    Returns float32 {0, 1}, [N, 1 or C, H, W].
    """
    landmarks = None if landmarks is None else landmarks.cpu()
    if not process.varies:
        return process.draw(len(seeds), shape, generator=torch.Generator(), landmarks=landmarks).to(device)
    masks = [
        process.draw(
            1,
            shape,
            generator=torch.Generator().manual_seed(int(seed)),
            landmarks=None if landmarks is None else landmarks[number : number + 1],
            rows=None if rows is None else np.array(rows[number : number + 1]),
        )
        for number, seed in enumerate(seeds)
    ]
    return torch.cat(masks).to(device)
