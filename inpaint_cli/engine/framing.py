"""Methods of a fixed size on photos of any size: windows around the hole, shrunk to the method's size, pasted back.

A compact hole is seen as a whole, in one window with context around it. Where that window would have to be shrunk more
than the hole's thickness asks for (a long scratch) or so much that detail is lost (a very large hole), overlapping
windows at a finer scale cover the hole from its rim inwards: each layer is completed from what is known by then.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from inpaint_cli.blending.blends import BLENDS
from inpaint_cli.engine.windows import Box, Part, Window, side_around, smooth_weights, window_around, windows_over
from inpaint_cli.errors import UsageError, unknown
from inpaint_cli.method import Method

MOST_SHRUNK = 3  # photo pixels to one of the method's: beyond that a window shows too little detail to be pasted back
WORTHWHILE = 0.75  # of the side of the one window: smaller windows are worth their number
WINDOWS_AT_ONCE = 16


@dataclass(frozen=True)
class Framing:
    """How windows are laid and pasted back."""

    context: float = 2.0  # a window's side, in sides of the hole: at most a quarter of it is missing
    blend: str = "poisson"
    whole: bool = False  # one window shows each part of the hole, whatever detail is lost: where it knows the scale

    def __post_init__(self) -> None:
        if self.context < 1:
            raise UsageError(f"--context {self.context:g}: a window cannot be smaller than its hole; give 1 or more")
        if self.blend not in BLENDS:
            raise UsageError(unknown("blend", self.blend, BLENDS))


@dataclass(frozen=True)
class Plan:
    """The side of the windows and the depth of a layer of the hole, in photo pixels along the method's shorter side."""

    side: float
    depth: float  # infinite: one window shows all

    @property
    def whole(self) -> bool:
        return self.depth == float("inf")


def plan_of(part: Part, size: tuple[int, int], native: tuple[int, int], framing: Framing) -> Plan:
    """One window, unless smaller ones show distinctly more detail."""
    side, unit = side_around(part.box, size, native, framing.context), min(native)
    thickness = 2 * ndimage.distance_transform_edt(np.pad(part.pixels, 1)).max()
    finer = min(max(framing.context * thickness, unit), MOST_SHRUNK * unit)
    if framing.whole or finer >= WORTHWHILE * side:
        return Plan(side, float("inf"))
    return Plan(finer, max(finer / (2 * framing.context), 1))


def region_of(part: Part, size: tuple[int, int], native: tuple[int, int], plan: Plan) -> Box:
    """What of the photo the windows of a part lie in."""
    if plan.whole:
        return window_around(part.box, size, native, plan.side).box(size)
    return part.box.with_margin(int(plan.side * max(native) / min(native)) + 1, size)


def complete_in_windows(
    method: Method,
    observed: Tensor,
    mask: Tensor,
    part: Part,
    plan: Plan,
    blend: str,
    samples: int,
    generator: torch.Generator,
    reference: Tensor | None = None,
) -> Tensor:
    """Complete one part within its region: [1, C, h, w] and [1, 1 or C, h, w] -> [samples, C, h, w].

    part: in the region's coordinates. Only its pixels mean anything in the result.
    reference: [1, C, h, w], whom to resemble, seen through the same windows.
    """
    native, (height, width) = method.shape[1:], observed.shape[-2:]
    canvas, known = observed, mask
    remaining = part.within(Box(0, 0, height, width))
    whole = remaining.sum()
    while remaining.any():
        layer = remaining if plan.whole else remaining & (ndimage.distance_transform_edt(remaining) <= plan.depth)
        if plan.whole:
            windows = [window_around(part.box, (height, width), native, plan.side)]
        else:
            windows = windows_over(layer, (height, width), native, plan.side)
        with telling_of(method, 1 - remaining.sum() / whole, layer.sum() / whole):
            imagined = imagine(method, canvas, known, windows, samples, generator, reference)
        canvas = canvas.expand(samples, -1, -1, -1)
        filled = torch.from_numpy(layer).to(canvas.device)
        canvas = torch.where(filled, BLENDS[blend](imagined, canvas, known), canvas)
        known = torch.where(filled, 1.0, known)
        remaining = remaining & ~layer
    return canvas


def imagine(
    method: Method,
    canvas: Tensor,
    known: Tensor,
    windows: list[Window],
    samples: int,
    generator: torch.Generator,
    reference: Tensor | None = None,
) -> Tensor:
    """What the method completes in all windows together, averaged smoothly where they overlap: [samples, C, h, w].

    canvas: [1 or samples, C, h, w]. The result goes on beyond the hole with the colours at its rim, so that a blend
    finds no step there: the known pixels of a completion are the photo's own and say nothing about it.
    """
    total = canvas.new_zeros(samples, *canvas.shape[1:])
    weights = canvas.new_zeros(1, 1, *canvas.shape[-2:])
    weight = smooth_weights(windows[0].height, windows[0].width).to(canvas.device)
    for start in range(0, len(windows), WINDOWS_AT_ONCE):
        chosen = windows[start : start + WINDOWS_AT_ONCE]
        with telling_of(method, start / len(windows), len(chosen) / len(windows)):
            patches = _complete_windows(method, canvas, known, chosen, samples, generator, reference)
        for window, patch in zip(chosen, patches, strict=True):
            window.add(patch * weight, total)
            window.add(weight[None, None], weights)
    reached = weights > 0
    return extended(total[None] / weights.clamp(min=1e-30), reached)[0]


@contextmanager
def telling_of(method: Method, before: float, size: float) -> Iterator[None]:
    """What the method tells meanwhile is of a part of the work, of this size, after what was `before`."""
    tell = method.tell
    method.tell = lambda share: tell(before + share * size)
    try:
        method.tell(0.0)
        yield
    finally:
        method.tell = tell


def _complete_windows(
    method: Method,
    canvas: Tensor,
    known: Tensor,
    windows: list[Window],
    samples: int,
    generator: torch.Generator,
    reference: Tensor | None,
) -> Tensor:
    """[1 or samples, C, h, w] -> [windows, samples, C, height, width]"""
    versions = len(canvas)
    views = torch.cat([window.cut(canvas) for window in windows])
    masks = torch.cat([window.cut(known).expand(versions, -1, -1, -1) for window in windows])
    small, small_masks = shrink(views, masks, method.shape[1:])
    resembled = None if reference is None else _views(reference, windows, versions, method.shape[1:])
    outputs = complete_channels(method, small, small_masks, samples // versions, generator, resembled)
    outputs = extended(outputs, small_masks == 0).flatten(0, 1)
    size = windows[0].height, windows[0].width
    return F.interpolate(outputs, size=size, mode="bicubic", antialias=True).unflatten(0, (len(windows), samples))


def _views(reference: Tensor, windows: list[Window], versions: int, size: tuple[int, int]) -> Tensor:
    """[1, C, h, w] -> what is seen of it in each window, as often as there are versions of the canvas."""
    views = torch.cat([window.cut(reference).expand(versions, -1, -1, -1) for window in windows])
    return F.interpolate(views, size=tuple(size), mode="bilinear", antialias=True)


def shrink(image: Tensor, mask: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Resize so that no missing pixel leaks into a known one: colours are means of known pixels alone, and a pixel is
    known only where everything under it is."""
    resized = partial(F.interpolate, size=tuple(size), mode="bilinear", antialias=True)
    share = resized(mask)
    known = (share > 1 - 1e-4).float()
    colours = resized(image * mask) / share.clamp(min=1e-6)
    return torch.where(known > 0, colours, 0.0), known


def complete_channels(
    method: Method,
    observed: Tensor,
    mask: Tensor,
    samples: int,
    generator: torch.Generator,
    reference: Tensor | None = None,
) -> Tensor:
    """[B, C, h, w] -> [B, samples, C, h, w], whatever the method's own number of channels.

    A colour method completes a grey photo as a colour photo; a grey method completes each channel by itself.
    """
    images = [observed] if reference is None else [observed, reference]
    channels, own = observed.shape[1], method.shape.channels
    if channels == own:
        return _complete(method, images, mask, samples, generator)
    if channels == 1:
        colours = [image.expand(-1, own, -1, -1) for image in images]
        return _complete(method, colours, mask, samples, generator).mean(dim=2, keepdim=True)
    *planes, mask = (image.expand(-1, channels, -1, -1).flatten(0, 1)[:, None] for image in [*images, mask])
    completed = _complete(method, planes, mask, samples, generator)  # [B * C, samples, 1, h, w]
    return completed[:, :, 0].unflatten(0, (len(observed), channels)).transpose(1, 2)


def _complete(method: Method, images: list[Tensor], mask: Tensor, samples: int, generator: torch.Generator) -> Tensor:
    """images: what is observed and, where one is given, the reference."""
    observed, *others = images
    options = dict(zip(["reference"], others, strict=False))
    return method.complete(observed, mask, samples=samples, generator=generator, **options).float()


def extended(images: Tensor, where: Tensor) -> Tensor:
    """Images as they are where `where` is true, elsewhere as the nearest such pixel is.

    images: [B, S, C, h, w]; where: bool [B, 1 or C, h, w]. Planes where nothing or everything is true stay as they are.
    """
    result = images.clone()
    for row, plane in np.ndindex(*where.shape[:2]):
        given = where[row, plane].cpu().numpy()
        if given.all() or not given.any():
            continue
        nearest = ndimage.distance_transform_edt(~given, return_distances=False, return_indices=True)
        places = torch.from_numpy(np.ravel_multi_index(nearest, given.shape)).to(images.device)
        channels = slice(None) if where.shape[1] == 1 else slice(plane, plane + 1)
        result[row, :, channels] = images[row, :, channels].flatten(-2)[..., places]
    return result
