"""Photos of any size through a method, one connected part of the hole after the other.

A method that takes any size sees the part with a margin; others see a window of their own aspect around it, at their
own size. Other parts are missing while one is completed, and only its own pixels are pasted.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.feeding import to_signed, to_uint8
from inpaint_cli.engine.randomness import generator_for, seed_default_generators
from inpaint_cli.method import Method

CONTEXT = 2.0  # the window's side, in sides of the hole: at most a quarter of it is missing
MARGIN = 8  # pixels around a part of the hole that a method for any size sees; parts closer than two of them are one


@dataclass(frozen=True)
class Window:
    """A rectangle of the photo; it may reach beyond the photo's edges."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, image: Tensor) -> Tensor:
        """[..., H, W] -> [..., height, width]; beyond the edges 0."""
        below, right = self.top + self.height - image.shape[-2], self.left + self.width - image.shape[-1]
        return F.pad(image, (-self.left, right, -self.top, below))

    def paste(self, patch: Tensor, image: Tensor, where: Tensor) -> None:
        """Write what of `patch` lies inside `image` and, there, `where` (bool [H, W]) is true."""
        top, left = max(self.top, 0), max(self.left, 0)
        bottom, right = min(self.top + self.height, image.shape[-2]), min(self.left + self.width, image.shape[-1])
        inside = patch[..., top - self.top : bottom - self.top, left - self.left : right - self.left]
        place = image[..., top:bottom, left:right]
        place.copy_(torch.where(where[top:bottom, left:right], inside, place))


def complete_photo(
    method: Method, pixels: np.ndarray, hole: np.ndarray, hardware: Hardware, *, samples: int = 1, seed: int = 0
) -> np.ndarray:
    """Complete one photo.

    pixels: uint8 [H, W, C]; hole: bool [H, W], true = missing, at least one and not all.
    Returns uint8 [samples, H, W, C]; known pixels are those of `pixels`, unchanged.
    """
    image = to_signed(torch.from_numpy(np.ascontiguousarray(pixels))[None]).to(hardware.device)  # [1, C, H, W]
    mask = torch.from_numpy(~hole).to(hardware.device).float()[None, None]  # [1, 1, H, W]
    observed = torch.where(mask > 0, image, 0.0)
    generator = generator_for(hardware.device, seed, "complete")
    seed_default_generators(seed, "complete")
    completed = observed.repeat(samples, 1, 1, 1)  # [samples, C, H, W]
    frame, complete = (margin_around, _as_it_is) if method.any_size else (window_around, _at_own_size)
    method.eval()
    with torch.no_grad(), hardware.autocast():
        for part, box in parts_of(hole):
            window = frame(box, hole.shape, method.shape[1:])
            patches = complete(method, window.cut(observed), window.cut(mask), samples, generator)
            window.paste(patches.float(), completed, torch.from_numpy(part).to(hardware.device))
    return np.where(hole[None, :, :, None], to_uint8(completed), pixels[None])


Box = tuple[int, int, int, int]  # top, left, bottom, right (the last two exclusive)


def parts_of(hole: np.ndarray) -> Iterator[tuple[np.ndarray, Box]]:
    """The parts of the hole that lie apart from each other: their pixels, bool [H, W], and the box around them."""
    labels, _ = ndimage.label(ndimage.binary_dilation(hole, np.ones((3, 3)), iterations=MARGIN))
    labels[~hole] = 0
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        yield labels == number, (rows.start, columns.start, rows.stop, columns.stop)


def margin_around(box: Box, size: tuple[int, int], native: tuple[int, int]) -> Window:
    """The box with a margin, cut off at the photo's edges; `native` does not matter to a method for any size."""
    top, left, bottom, right = box
    top, left = max(top - MARGIN, 0), max(left - MARGIN, 0)
    return Window(top, left, min(bottom + MARGIN, size[0]) - top, min(right + MARGIN, size[1]) - left)


def _as_it_is(method: Method, observed: Tensor, mask: Tensor, samples: int, generator: torch.Generator) -> Tensor:
    return method.complete(observed, mask, samples=samples, generator=generator)[0]


def _at_own_size(method: Method, observed: Tensor, mask: Tensor, samples: int, generator: torch.Generator) -> Tensor:
    small, small_mask = shrink(observed, mask, method.shape[1:])
    outputs = complete_channels(method, small, small_mask, samples, generator)  # [samples, C, h, w]
    return F.interpolate(outputs, size=observed.shape[-2:], mode="bicubic", antialias=True)


def window_around(box: Box, size: tuple[int, int], native: tuple[int, int]) -> Window:
    """A window of the method's aspect with the hole in its middle and context around it, inside the photo if it fits.

    It is at least the method's own size, so that nothing is enlarged without need, where the photo is that large.
    """
    top, left, bottom, right = box
    unit = min(native)
    needed = max((bottom - top) * unit / native[0], (right - left) * unit / native[1])
    room = min(size[0] * unit / native[0], size[1] * unit / native[1])
    side = max(needed, min(max(CONTEXT * needed, unit), room))
    height, width = (int(-(-side * length // unit)) for length in native)
    return Window(_place(top, bottom, height, size[0]), _place(left, right, width, size[1]), height, width)


def _place(first: int, last: int, length: int, available: int) -> int:
    """Where a stretch of `length` begins so that first … last lies in its middle, moved inside what is available."""
    if length >= available:
        return (available - length) // 2
    return min(max((first + last - length) // 2, 0), available - length)


def shrink(image: Tensor, mask: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Resize so that no missing pixel leaks into a known one: colours are means of known pixels alone, and a pixel is
    known only where everything under it is."""
    options = {"size": tuple(size), "mode": "bilinear", "antialias": True}
    share = F.interpolate(mask, **options)
    known = (share > 1 - 1e-4).float()
    colours = F.interpolate(image * mask, **options) / share.clamp(min=1e-6)
    return torch.where(known > 0, colours, 0.0), known


def complete_channels(
    method: Method, observed: Tensor, mask: Tensor, samples: int, generator: torch.Generator
) -> Tensor:
    """[1, C, h, w] -> [samples, C, h, w], whatever the method's own number of channels.

    A colour method completes a grey photo as a colour photo; a grey method completes each channel by itself.
    """
    channels, own = observed.shape[1], method.shape.channels
    if channels == own:
        return method.complete(observed, mask, samples=samples, generator=generator)[0].float()
    if channels == 1:
        completed = method.complete(observed.expand(-1, own, -1, -1), mask, samples=samples, generator=generator)
        return completed[0].float().mean(dim=1, keepdim=True)
    planes = observed.transpose(0, 1)  # [C, 1, h, w]
    completed = method.complete(planes, mask.expand(channels, -1, -1, -1), samples=samples, generator=generator)
    return completed[:, :, 0].transpose(0, 1).float()
