"""Free-form holes: brush strokes, as people paint over what is to disappear.

In the manner of the masks of Yu et al., "Free-Form Image Inpainting with Gated Convolution" (ICCV 2019): a brush of
random width is set down anywhere and rubs to and fro in straight stretches of random length and angle, with round
ends. Theirs hide what they happen to hide. Ours are the lowest part P of a field: a pixel's distance from the nearest
stroke, in that stroke's radii.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from inpaint_cli.masks.arguments import Number, largest, smallest
from inpaint_cli.masks.shapes import Request, lowest_part

# A usual stroke, in units of the square root of the image's area. The published masks, of 256×256 pixels, have one to
# three strokes of 4 to 12 stretches, 45 pixels long on average, with brushes 12 to 40 pixels wide.
RADIUS = (0.025, 0.075)
STRETCHES, LONGEST = 6, 0.45
TURN = (48, 96)  # degrees from a stroke's own direction to its stretches, on one side and the other in turn
AREA = 0.125  # that it covers
MOST = 16  # strokes; with more to hide they are larger
CELL = 0.03  # of the grid on which distances are computed: about the radius of the thinnest usual brush


def strokes(request: Request, missing: Number) -> Tensor:
    """From one stroke to twice as many as hide the part P if they are usual; sizes follow, so that all hide it."""
    share = request.each(missing).float()
    usual = usual_strokes(share)
    most = min(math.ceil(2 * usual_strokes(torch.tensor(largest(missing))).item()), MOST)
    number = (1 + 2 * usual * request.uniform(request.count)).floor().clamp(max=most)
    size = (usual / number).sqrt()  # as areas, sizes of strokes add up
    field = distances(request, number, size, most, grid(request, smallest(missing)))
    threshold = lowest_part(field, share)
    field = functional.interpolate(field, (request.height, request.width), mode="bilinear", align_corners=False)
    nearest, farthest = field.amin(dim=(2, 3), keepdim=True), field.amax(dim=(2, 3), keepdim=True)
    return (field > threshold.maximum(nearest)) | (field == farthest)  # something is hidden, something known


def usual_strokes(share: Tensor) -> Tensor:
    """How many usual strokes hide a share of the image on average: at uniform places they hide 1 - exp(-their area)."""
    return -torch.log1p(-share) / AREA


def grid(request: Request, missing: float) -> tuple[int, int]:
    """Rows and columns on which the field is computed, pixels at most; it is smooth where the strokes' edges lie."""
    size = min(1.0, usual_strokes(torch.tensor(missing)).sqrt().item())
    cell = max(1.0, CELL * size * math.sqrt(request.height * request.width))
    return math.ceil(request.height / cell), math.ceil(request.width / cell)


def distances(request: Request, number: Tensor, size: Tensor, most: int, shape: tuple[int, int]) -> Tensor:
    """From the nearest of each image's first `number` of `most` strokes, in its radii: [B] each -> [B, 1, *shape]."""
    unit = math.sqrt(request.width * request.height)
    sides = [torch.full((1,), length / unit, device=request.device) for length in (request.width, request.height)]
    corners = paths(request, size, most, torch.cat(sides))  # [B, most, STRETCHES + 1, 2]
    radius = size.unsqueeze(1) * between(RADIUS, request.uniform(request.count, most))
    y, x = (
        (torch.arange(cells, device=request.device) + 0.5) * side / cells
        for cells, side in zip(shape, reversed(sides), strict=True)
    )
    nearest = torch.full((request.count, *shape), torch.inf, device=request.device)
    for stroke in range(most):
        squared = squared_distances(corners[:, stroke], x, y) / radius[:, stroke, None, None].square()
        nearest = torch.where((stroke < number)[:, None, None], nearest.minimum(squared), nearest)
    return nearest.clamp(min=0).sqrt().unsqueeze(1)  # rounding may leave less than 0


def paths(request: Request, size: Tensor, most: int, sides: Tensor) -> Tensor:
    """Where each stroke turns, (x, y): [B, most, STRETCHES + 1, 2]. At the image's border it is thrown back."""
    stretches = (request.count, most, STRETCHES)
    start = request.uniform(request.count, most, 1, 2) * sides
    direction = 2 * math.pi * request.uniform(request.count, most, 1)
    sign = 1 - 2 * (torch.arange(STRETCHES, device=request.device) % 2)
    heading = direction + sign * torch.deg2rad(between(TURN, request.uniform(*stretches)))
    length = size[:, None, None] * LONGEST * request.uniform(*stretches)
    steps = length.unsqueeze(-1) * torch.stack((heading.cos(), heading.sin()), dim=-1)
    corners = torch.cat((start, start + steps.cumsum(dim=2)), dim=2)
    return sides - (corners.remainder(2 * sides) - sides).abs()


def squared_distances(corners: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """From the nearest point of a broken line: corners [B, n, 2], x [w], y [h] -> [B, h, w].

    From a stretch's beginning, d leads to the pixel and s to its end; its nearest point is v s, with v = d·s / |s|²
    kept within [0, 1], and |d - v s|² = |d|² + |s|² v (v - 2 d·s / |s|²).
    """
    start, step = corners[:, :-1], corners.diff(dim=1)  # [B, n - 1, 2]
    right = (x - start[:, :, :1]).unsqueeze(2)  # [B, n - 1, 1, w]
    down = (y - start[:, :, 1:]).unsqueeze(3)  # [B, n - 1, h, 1]
    length = step.square().sum(dim=2).clamp(min=1e-12)[:, :, None, None]  # |s|²
    step_x, step_y = (step[:, :, axis, None, None] / length for axis in (0, 1))
    line = right * step_x + down * step_y  # d·s / |s|², [B, n - 1, h, w]
    along = line.clamp(0, 1)
    squared = right.square() + down.square()
    return squared.addcmul_(line.mul_(-2).add_(along), along.mul_(length)).amin(dim=1)


def between(ends: tuple[float, float], uniform: Tensor) -> Tensor:
    """Numbers in [0, 1) -> between both ends."""
    return ends[0] + (ends[1] - ends[0]) * uniform
