"""How each kind draws: coordinates compared over the whole batch at once, no loop over images or pixels.

Every function takes a `Request` and the kind's arguments and returns {0, 1} or bool, [count, 1 or C, H, W], 1 = known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from inpaint_cli.masks.arguments import Number, Range, largest, smallest

# The paper prints no coordinates. Its baseline's squared error falls from 872.9 (centred square, taken as a quarter of
# the image) to 622.1 with three squares, so they hide about 18 %; three of a quarter of the side hide 18.75 %.
SQUARE_SIDE = 1 / 4
SQUARE_CENTRES = ((0.27, 0.30), (0.73, 0.30), (0.50, 0.72))  # (x, y), fractions: about the eyes and the mouth of a face

PATTERN_CELLS = 8  # across the shorter side; the paper's patterns are blobs of about an eighth of the image


@dataclass(frozen=True)
class Request:
    """How many masks, for images of which shape, from which generator."""

    count: int
    channels: int
    height: int
    width: int
    generator: torch.Generator | None = None
    landmarks: Tensor | None = None  # [count, 5, 2], (x, y) in pixels
    rows: np.ndarray | None = None  # of the images in their split, int64 [count]: for masks that belong to images
    moved: bool = False  # masks from files are turned over and shifted, as in training

    @property
    def device(self) -> torch.device:
        assert self.generator is not None  # what is checked alone draws nothing
        return self.generator.device

    def each(self, number: Number) -> Tensor:
        """The number of each image, drawn where it is a range; float64, so that sizes round as Python's. [count]"""
        if not isinstance(number, Range):
            return torch.full((self.count,), number, dtype=torch.float64, device=self.device)
        if number.whole:
            return self.integers(int(number.low), int(number.high), self.count).double()
        return number.low + (number.high - number.low) * self.uniform(self.count).double()

    def uniform(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1)."""
        return torch.rand(shape, generator=self.generator, device=self.device)

    def integers(self, low: int, high: Tensor | int, *shape: int) -> Tensor:
        """Integers from `low` to `high`, both included; `high` may be a tensor of that shape."""
        return (low + (self.uniform(*shape) * (high - low + 1)).floor()).clamp(max=high)

    def per_image(self, values: Sequence[tuple[float, float, float, float]]) -> Tensor:
        """The same boxes for every image: [count, len(values), 4]."""
        return _sent(tuple(values), self.device).expand(self.count, -1, -1)


@lru_cache(maxsize=64)
def _sent(values: tuple[tuple[float, float, float, float], ...], device: torch.device) -> Tensor:
    """To the device once: at each time Python would wait until a GPU has done all else."""
    return torch.tensor(values, device=device)


def in_boxes(request: Request, boxes: Tensor) -> Tensor:
    """Pixels that lie in any of n boxes; (left, top, width, height) in pixels. [B, n, 4] -> bool [B, H, W]

    A box is an outer product of its rows and its columns, so their union is one batched product of matrices.
    """
    left, top, width, height = boxes.float().unsqueeze(-1).unbind(2)  # [B, n, 1] each
    x, y = (_middles(length, boxes.device) for length in (request.width, request.height))
    columns = (x > left) & (x < left + width)  # [B, n, W]
    rows = ((y > top) & (y < top + height)).transpose(1, 2)  # [B, H, n]
    if boxes.shape[1] == 1:
        return (rows.view(torch.uint8) * columns.view(torch.uint8)).view(torch.bool)  # seven times as quick as `&`
    return rows.float() @ columns.float() > 0.5


@lru_cache(maxsize=64)
def _middles(length: int, device: torch.device) -> Tensor:
    """Of pixels, [length]."""
    return torch.arange(length, device=device) + 0.5


def random_rectangles(request: Request, area: Number, channels: int) -> Tensor:
    """One rectangle per channel that covers S of the image, anywhere: [B, channels, 4].

    Its width is W·S^u with u uniform in [0, 1], so that its height, H·S^(1-u), is distributed alike.
    """
    share = request.each(area).unsqueeze(1)  # S, [B, 1]
    size = (request.count, channels)
    width = (request.width * share ** request.uniform(*size)).round()
    narrowest = (share * request.width - 1e-9).ceil()  # narrower ones would be higher than the image
    width = torch.maximum(width, narrowest.clamp(min=1))
    height = (share * request.width * request.height / width).round().clamp(1, request.height)
    left = request.integers(0, request.width - width, *size)
    top = request.integers(0, request.height - height, *size)
    return torch.stack((left, top, width, height), dim=-1)


def centred_box(request: Request, width: Tensor, height: Tensor) -> Tensor:
    """One box in the middle of every image, of its width and height, [B] each -> [B, 1, 4]."""
    left, top = ((request.width - width) / 2).floor(), ((request.height - height) / 2).floor()
    return torch.stack((left, top, width, height), dim=-1).unsqueeze(1)


def center(request: Request, size: Number) -> Tensor:
    """One centred square is missing."""
    side = request.each(size)
    return ~in_boxes(request, centred_box(request, side, side)).unsqueeze(1)


def reverse(request: Request, area: Number) -> Tensor:
    """A centred rectangle of the image's own aspect is known; its area is S·W·H."""
    side = request.each(area).sqrt()
    width, height = ((side * length).round().clamp(min=1) for length in (request.width, request.height))
    return in_boxes(request, centred_box(request, width, height)).unsqueeze(1)


def inpaint(request: Request, area: Number) -> Tensor:
    """`reverse` with known and missing exchanged."""
    return ~reverse(request, area)


def rec(request: Request, area: Number) -> Tensor:
    """Each channel knows a random rectangle of its own. [B, C, H, W]"""
    boxes = random_rectangles(request, area, request.channels).reshape(-1, 1, 4)
    return in_boxes(request, boxes).unflatten(0, (request.count, request.channels))


def extrapolate(request: Request, area: Number) -> Tensor:
    """All channels know the same random rectangle."""
    return rec(replace(request, channels=1), area)


def colorize(request: Request, missing: int) -> Tensor:
    """`missing` channels are hidden whole; a random order of the channels says which. [B, C, H, W]"""
    place_in_order = request.uniform(request.count, request.channels).argsort(dim=1)
    known = place_in_order >= missing
    return known[:, :, None, None].expand(-1, -1, request.height, request.width)


def block(request: Request, size: Number) -> Tensor:
    """One square is missing at a uniform place."""
    side = request.each(size).float().unsqueeze(1)  # [B, 1]
    left = request.integers(0, request.width - side, request.count, 1)
    top = request.integers(0, request.height - side, request.count, 1)
    return ~in_boxes(request, torch.stack((left, top, side, side), dim=-1)).unsqueeze(1)


def none(request: Request) -> Tensor:
    """Nothing is missing."""
    return torch.ones(request.count, 1, request.height, request.width, dtype=torch.bool, device=request.device)


def pattern(request: Request, missing: Number) -> Tensor:
    """The lowest part P of a smooth Gaussian field: irregular blobs that hide as much of every image."""
    share = request.each(missing)
    cell = min(request.height, request.width) / PATTERN_CELLS
    cells = [max(2, round(length / cell)) for length in (request.height, request.width)]
    noise = torch.randn((request.count, 1, *cells), generator=request.generator, device=request.device)
    field = functional.interpolate(noise, (request.height, request.width), mode="bicubic", align_corners=False)
    return field > highest_of_lowest(field, missing, share)


def highest_of_lowest(field: Tensor, missing: Number, share: Tensor) -> Tensor:
    """What the lowest part of each image's values does not exceed: [B, 1, h, w] -> [B, 1, 1, 1].

    share: each image's part, [B], drawn from `missing`. One value at least lies in the part, and one outside it.
    """
    values = field.flatten(1)  # [B, h·w]
    ends = torch.tensor((smallest(missing), largest(missing)), dtype=torch.float64)
    first, last = (int(rank) for rank in _ranks(ends, values.shape[1]))
    before = last - _ranks(share, values.shape[1])  # as many values below all others, and the rank of all is `last`
    below = torch.arange(last - first, device=values.device) < before.unsqueeze(1)
    values = torch.cat((values, torch.where(below, -torch.inf, torch.inf)), dim=1)
    return values.kthvalue(last, dim=1).values[:, None, None, None]


def _ranks(share: Tensor, count: int) -> Tensor:
    """How many of `count` values are a share of them, from 1 to count - 1."""
    return (share * count).round().clamp(1, count - 1).long()


def noise(request: Request, missing: Number) -> Tensor:
    """Each pixel is missing with probability P, in all channels at once."""
    share = request.each(missing).float()[:, None, None, None]
    return request.uniform(request.count, 1, request.height, request.width) >= share


def patches(request: Request, number: int, size: int, border: int) -> Tensor:
    """`number` squares are known; their top left corners are uniform inside the border. They may overlap."""
    left = request.integers(border, request.width - border - size, request.count, number)
    top = request.integers(border, request.height - border - size, request.count, number)
    boxes = torch.stack((left, top, torch.full_like(left, size), torch.full_like(left, size)), dim=-1)
    return in_boxes(request, boxes).unsqueeze(1)


def squares(request: Request, number: int) -> Tensor:
    """Three squares are missing, two above one: see `SQUARE_SIDE` for their size, which the paper does not print."""
    side = round(SQUARE_SIDE * min(request.height, request.width))
    boxes = [
        (round(x * request.width - side / 2), round(y * request.height - side / 2), side, side)
        for x, y in SQUARE_CENTRES[:number]
    ]
    return ~in_boxes(request, request.per_image(boxes)).unsqueeze(1)
