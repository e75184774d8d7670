"""How each kind draws: coordinates compared over the whole batch at once, no loop over images or pixels.

Every function takes a `Request` and the kind's arguments and returns {0, 1} or bool, [count, 1 or C, H, W], 1 = known.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from inpaint_cli.masks.arguments import MaskFile

BORDER = 4  # pixels that `patches` leaves out, "to keep the background consistent" (Pajot et al., section 5)

# The paper prints no coordinates. Its baseline's squared error falls from 872.9 (centred square, taken as a quarter of
# the image) to 622.1 with three squares, so they hide about 18 %; three of a quarter of the side hide 18.75 %.
SQUARE_SIDE = 1 / 4
SQUARE_CENTRES = ((0.27, 0.30), (0.73, 0.30), (0.50, 0.72))  # (x, y), fractions: about the eyes and the mouth of a face

PATTERN_CELLS = 8  # across the shorter side; the paper's patterns are blobs of about an eighth of the image


class Request(NamedTuple):
    """How many masks, for images of which shape, from which generator."""

    count: int
    channels: int
    height: int
    width: int
    generator: torch.Generator | None = None
    landmarks: Tensor | None = None  # [count, 5, 2], (x, y) in pixels

    @property
    def device(self) -> torch.device:
        return self.generator.device

    def uniform(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1)."""
        return torch.rand(shape, generator=self.generator, device=self.device)

    def integers(self, low: int, high: Tensor | int, *shape: int) -> Tensor:
        """Integers from `low` to `high`, both included; `high` may be a tensor of that shape."""
        drawn = low + (self.uniform(*shape) * (high - low + 1)).floor()
        return torch.minimum(drawn, torch.as_tensor(high, dtype=drawn.dtype, device=self.device))

    def per_image(self, values: list[tuple[float, float, float, float]]) -> Tensor:
        """The same boxes for every image: [count, len(values), 4]."""
        return torch.tensor(values, device=self.device).expand(self.count, -1, -1)


def in_boxes(request: Request, boxes: Tensor) -> Tensor:
    """Pixels that lie in any of n boxes; (left, top, width, height) in pixels. [B, n, 4] -> bool [B, H, W]

    A box is an outer product of its rows and its columns, so their union is one batched product of matrices.
    """
    left, top, width, height = boxes.unsqueeze(-1).unbind(2)  # [B, n, 1] each
    x = torch.arange(request.width, device=boxes.device) + 0.5
    y = torch.arange(request.height, device=boxes.device) + 0.5
    columns = ((x > left) & (x < left + width)).float()  # [B, n, W]
    rows = ((y > top) & (y < top + height)).float()  # [B, n, H]
    return rows.transpose(1, 2) @ columns > 0.5


def random_rectangles(request: Request, area: float, channels: int) -> Tensor:
    """One rectangle per channel that covers `area` of the image: uniform width, then uniform place. [B, channels, 4]"""
    size = (request.count, channels)
    narrowest = math.ceil(area * request.width - 1e-9)  # narrower ones would be higher than the image
    width = request.integers(max(narrowest, 1), request.width, *size)
    height = (area * request.width * request.height / width).round().clamp(1, request.height)
    left = request.integers(0, request.width - width, *size)
    top = request.integers(0, request.height - height, *size)
    return torch.stack((left, top, width, height), dim=-1)


def centred_box(request: Request, width: int, height: int) -> Tensor:
    """One box in the middle of every image. [B, 1, 4]"""
    return request.per_image([((request.width - width) // 2, (request.height - height) // 2, width, height)])


def center(request: Request, size: int) -> Tensor:
    """One centred square is missing."""
    return ~in_boxes(request, centred_box(request, size, size)).unsqueeze(1)


def reverse(request: Request, area: float) -> Tensor:
    """A centred rectangle of the image's own aspect is known; its area is S·W·H."""
    side = math.sqrt(area)
    width, height = (max(1, round(side * length)) for length in (request.width, request.height))
    return in_boxes(request, centred_box(request, width, height)).unsqueeze(1)


def inpaint(request: Request, area: float) -> Tensor:
    """`reverse` with known and missing exchanged."""
    return ~reverse(request, area)


def rec(request: Request, area: float) -> Tensor:
    """Each channel knows a random rectangle of its own. [B, C, H, W]"""
    boxes = random_rectangles(request, area, request.channels).reshape(-1, 1, 4)
    return in_boxes(request, boxes).unflatten(0, (request.count, request.channels))


def extrapolate(request: Request, area: float) -> Tensor:
    """All channels know the same random rectangle."""
    return rec(request._replace(channels=1), area)


def colorize(request: Request, missing: int) -> Tensor:
    """`missing` channels are hidden whole; a random order of the channels says which. [B, C, H, W]"""
    place_in_order = request.uniform(request.count, request.channels).argsort(dim=1)
    known = place_in_order >= missing
    return known[:, :, None, None].expand(-1, -1, request.height, request.width)


def block(request: Request, size: int) -> Tensor:
    """One square is missing at a uniform place."""
    left = request.integers(0, request.width - size, request.count, 1)
    top = request.integers(0, request.height - size, request.count, 1)
    boxes = torch.stack((left, top, torch.full_like(left, size), torch.full_like(left, size)), dim=-1)
    return ~in_boxes(request, boxes).unsqueeze(1)


def none(request: Request) -> Tensor:
    """Nothing is missing."""
    return torch.ones(request.count, 1, request.height, request.width, dtype=torch.bool, device=request.device)


def pattern(request: Request, missing: float) -> Tensor:
    """The lowest `missing` part of a smooth Gaussian field: irregular blobs that hide the same share of every image."""
    cell = min(request.height, request.width) / PATTERN_CELLS
    cells = [max(2, round(length / cell)) for length in (request.height, request.width)]
    noise = torch.randn((request.count, 1, *cells), generator=request.generator, device=request.device)
    field = functional.interpolate(noise, (request.height, request.width), mode="bicubic", align_corners=False)
    values = field.flatten(1).sort(dim=1).values  # [B, H·W]
    hidden = min(max(round(missing * values.shape[1]), 1), values.shape[1] - 1)
    return field > values[:, hidden - 1, None, None, None]


def noise(request: Request, missing: float) -> Tensor:
    """Each pixel is missing with probability P, in all channels at once."""
    return request.uniform(request.count, 1, request.height, request.width) >= missing


def patches(request: Request, number: int, size: int) -> Tensor:
    """`number` squares are known; their top left corners are uniform inside the border. They may overlap."""
    left = request.integers(BORDER, request.width - BORDER - size, request.count, number)
    top = request.integers(BORDER, request.height - BORDER - size, request.count, number)
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


def file(request: Request, mask_file: MaskFile) -> Tensor:
    """The same mask, read from a file, for every image."""
    return mask_file.known.to(request.device).expand(request.count, 1, -1, -1)
