"""Photos of any size through a method, one part of the hole after the other.

A method that takes any size sees each part with a margin, and answers for its own seams; others see windows around it
at their own size (`framing.py`). Other parts are missing while one is completed, and only its own pixels are pasted.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.framing import Framing, complete_in_windows, plan_of, region_of
from inpaint_cli.engine.randomness import generator_for, seed_default_generators
from inpaint_cli.engine.windows import Box, Part, box_of, merged, parts_of, side_around, window_around
from inpaint_cli.errors import InputError
from inpaint_cli.method import Method

HUNDREDTHS = 100  # in which progress is told
NEAR = 16  # pixels from the hole within which a method that copies does not see what is invisible


class Photo:
    """What is completed, and what of it is shown to a method."""

    def __init__(
        self,
        method: Method,
        pixels: np.ndarray,
        hole: np.ndarray,
        sources: np.ndarray | None,
        invisible: np.ndarray | None,
        reference: np.ndarray | None,
    ):
        self.method, self.pixels, self.sources, self.reference = method, pixels, sources, reference
        self.hole = hole[:, :, None] if hole.ndim == 2 else hole  # [H, W, 1 or C]
        if self.hole.shape[2] > 1 and not method.per_channel:
            raise InputError("the mask hides single channels of pixels, and this method completes pixels as a whole")
        self.size = pixels.shape[:2]
        self.box_of_sources = None if sources is None else box_of(sources)
        self.unseen = self.hole
        if invisible is not None:
            self._hide(invisible)

    def _hide(self, invisible: np.ndarray) -> None:
        """What is invisible is missing too; a method that copies takes nothing of it, and completes none far away."""
        if self.method.takes_sources:
            self.sources = ~invisible if self.sources is None else self.sources & ~invisible
            invisible = invisible & ndimage.maximum_filter(self.hole.any(axis=2), 2 * NEAR + 1)
        self.unseen = self.hole | invisible[:, :, None]

    def parts(self, context: float) -> list[Part]:
        """The parts of the hole that are completed apart from each other."""

        def window(box: Box) -> Box:
            native = self.method.shape[1:]
            return window_around(box, self.size, native, side_around(box, self.size, native, context)).box(self.size)

        return merged(parts_of(np.any(self.hole, axis=2)), self.with_margin if self.method.any_size else window)

    def with_margin(self, box: Box) -> Box:
        """What a method for any size sees: the sources too, where they are chosen."""
        seen = box.with_margin(self.method.margin(box.height, box.width), self.size)
        return seen if self.box_of_sources is None else seen.union(self.box_of_sources)

    def view_of_reference(self, region: Box, device: torch.device) -> Tensor | None:
        """The same region of whom the completion is to resemble, [1, C, h, w]."""
        if self.reference is None:
            return None
        return torch.from_numpy(signed(self.reference[region.slices])).to(device).permute(2, 0, 1)[None].contiguous()

    def view(self, region: Box, device: torch.device) -> tuple[Tensor, Tensor]:
        """Observed pixels [1, C, h, w] and mask [1, 1 or C, h, w] of a region."""
        shown = ~self.unseen[region.slices]
        shown = shown if shown.any() else ~self.hole[region.slices]
        known = torch.from_numpy(shown).to(device).permute(2, 0, 1)[None]
        image = torch.from_numpy(signed(self.pixels[region.slices])).to(device).permute(2, 0, 1)[None]
        return torch.where(known, image, 0.0).contiguous(), known.float().contiguous()


def complete_photo(
    method: Method,
    pixels: np.ndarray,
    hole: np.ndarray,
    hardware: Hardware,
    *,
    samples: int = 1,
    seed: int = 0,
    sources: np.ndarray | None = None,
    invisible: np.ndarray | None = None,
    framing: Framing | None = None,
    reference: np.ndarray | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> np.ndarray:
    """Complete one photo.

    pixels: uint8 or uint16, or float32 in [0, 1], [H, W, C].
    hole: bool [H, W] or [H, W, C], true = missing, at least one and not all.
    sources: bool [H, W], where a method that copies may copy from; invisible: bool [H, W], what is known but has no
        colour, such as transparent pixels; framing: for methods of a fixed size.
    reference: [H, W, C] like `pixels`, for methods that take one: whom the completion is to resemble.
    progress: called with how many hundredths of the work are done, now and then, and with 100. What it raises ends the
        work.
    Returns [samples, H, W, C] of the type of `pixels`; known pixels are unchanged.
    """
    framing = framing or Framing()
    photo = Photo(method, pixels, hole, sources, invisible, reference)
    parts = photo.parts(framing.context)
    generator = generator_for(hardware.device, seed, "complete")
    seed_default_generators(seed, "complete")
    completed = np.repeat(pixels[None], samples, axis=0)
    method.eval()
    with torch.no_grad(), hardware.autocast(), telling(method, parts, progress) as done:
        for part in parts:
            fill = _fill_with_margin if method.any_size else _fill_in_windows
            region, filled = fill(photo, part, framing, samples, generator)
            where = part.within(region)[:, :, None] & photo.hole[region.slices]
            np.copyto(completed[:, *region.slices], quantised(filled, pixels.dtype), where=where)
            done(part)
    return completed


@contextmanager
def telling(
    method: Method, parts: list[Part], progress: Callable[[int, int], None]
) -> Iterator[Callable[[Part], None]]:
    """Makes hundredths of the whole of what a method tells of a part; what is yielded is called when one is done."""
    whole, before, own = sum(int(part.pixels.sum()) for part in parts), 0, iter(parts)
    size, told = int(next(own).pixels.sum()), -1

    def tell(share: float) -> None:
        nonlocal told
        told = max(told, int(HUNDREDTHS * (before + share * size) / whole))
        progress(told, HUNDREDTHS)  # also where it is no further: whoever listens may want an end

    def done(part: Part) -> None:
        nonlocal before, size
        tell(1.0)
        before, size = before + size, int(following.pixels.sum()) if (following := next(own, None)) else 0

    method.tell = tell
    tell(0.0)
    try:
        yield done
    finally:
        del method.tell


def _fill_with_margin(
    photo: Photo, part: Part, framing: Framing, samples: int, generator: torch.Generator
) -> tuple[Box, Tensor]:
    region = photo.with_margin(part.box)
    observed, mask = photo.view(region, generator.device)
    options = {}
    if photo.sources is not None:
        allowed = torch.from_numpy(photo.sources[region.slices]).to(observed)[None, None] * mask.amin(1, keepdim=True)
        if photo.box_of_sources is not None and not allowed.any():
            raise InputError("nothing that may be copied from is known: all of it lies in the hole")
        options["sources"] = allowed
    return region, photo.method.complete(observed, mask, samples=samples, generator=generator, **options)[0]


def _fill_in_windows(
    photo: Photo, part: Part, framing: Framing, samples: int, generator: torch.Generator
) -> tuple[Box, Tensor]:
    native = photo.method.shape[1:]
    plan = plan_of(part, photo.size, native, framing)
    region = region_of(part, photo.size, native, plan)
    observed, mask = photo.view(region, generator.device)
    placed = Part(part.box.seen_from(region), part.pixels)
    reference = photo.view_of_reference(region, generator.device)
    filled = complete_in_windows(
        photo.method, observed, mask, placed, plan, framing.blend, samples, generator, reference
    )
    return region, filled


def signed(pixels: np.ndarray) -> np.ndarray:
    """uint8 or uint16, or float in [0, 1] -> float32 in [-1, 1]."""
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32) * 2 - 1
    return pixels.astype(np.float32) * np.float32(2 / np.iinfo(pixels.dtype).max) - 1


def quantised(image: Tensor, dtype: np.dtype) -> np.ndarray:
    """Float in [-1, 1], [..., C, H, W] -> integers [..., H, W, C], rounded, or float in [0, 1]."""
    if np.dtype(dtype).kind == "f":
        return ((image.float() + 1) / 2).clamp(0, 1).movedim(-3, -1).cpu().numpy().astype(dtype)
    full = np.iinfo(dtype).max
    levels = ((image.float() + 1) * (full / 2)).round().clamp(0, full)
    return levels.movedim(-3, -1).cpu().numpy().astype(dtype)
