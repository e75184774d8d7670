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
from inpaint_cli.masks.shapes import Request, highest_of_lowest

# A usual stroke, in units of the square root of the image's area. The published masks, of 256×256 pixels, have one to
# three strokes of 4 to 12 stretches, 45 pixels long on average, with brushes 12 to 40 pixels wide.
RADIUS = (0.025, 0.075)
STRETCHES, LONGEST = 6, 0.45
TURN = (48, 96)  # degrees from a stroke's own direction to its stretches, on one side and the other in turn
AREA = 0.125  # that it covers
MOST = 16  # strokes; with more to hide they are larger
CELL = 0.035  # of the grid on which distances are computed: about the radius of the thinnest usual brush


def strokes(request: Request, missing: Number) -> Tensor:
    """From one stroke to twice as many as hide the part P if they are usual; sizes follow, so that all hide it."""
    share = request.each(missing)
    usual = usual_strokes(share.float())
    most = min(math.ceil(2 * usual_strokes(torch.tensor(largest(missing))).item()), MOST)
    number = (1 + 2 * usual * request.uniform(request.count)).floor().clamp(max=most)
    size = (usual / number).sqrt()  # as areas, sizes of strokes add up
    field = distances(request, number, size, most, grid(request, smallest(missing)))
    threshold = highest_of_lowest(field, missing, share)
    field = functional.interpolate(field, (request.height, request.width), mode="bilinear", align_corners=False)
    nearest, farthest = (end(field.flatten(1), dim=1)[:, None, None, None] for end in (torch.amin, torch.amax))
    return field > threshold.maximum(nearest).minimum(0.999999 * farthest)  # something is hidden, something known


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
    painted = torch.arange(most, device=request.device) < number.unsqueeze(1)
    y, x = (
        (torch.arange(cells, device=request.device) + 0.5) * side / cells
        for cells, side in zip(shape, reversed(sides), strict=True)
    )
    far = 1e3  # where no image is
    return squared_distances(corners.where(painted[:, :, None, None], far), radius, x, y).sqrt().unsqueeze(1)


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


def squared_distances(corners: Tensor, radius: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """From the nearest of m broken lines, in its radii: [B, m, n + 1, 2], [B, m], x [w], y [h] -> [B, h, w].

    From a stretch's beginning d leads to the pixel, and u of the length |s| of the stretch lies beside it: the nearest
    point is v = u on the way, kept within [0, |s|], and the squared distance from it |d|² + v (v - 2 u). Both d and u
    are sums of a term for the pixel's column and one for its row.
    """
    corners = corners / radius[:, :, None, None]
    start, step = corners[:, :, :-1], corners.diff(dim=2)  # [B, m, n, 2]
    length = step.norm(dim=3, keepdim=True).clamp(min=1e-6)  # [B, m, n, 1]
    right, down = (
        (places / radius.unsqueeze(2)).unsqueeze(2) - start[..., axis, None] for axis, places in enumerate((x, y))
    )  # d, [B, m, n, w] and [B, m, n, h]
    ahead = step / length
    beside_x, beside_y = (right * ahead[..., :1]).unsqueeze(3), (down * ahead[..., 1:]).unsqueeze(4)
    square_x, square_y = right.square().unsqueeze(3), down.square().unsqueeze(4)
    # In memory that is used again: finding so much of it for each line takes longer than computing.
    beside, along, squared = torch.empty(3, len(corners), step.shape[2], len(y), len(x), device=x.device)
    nearest = torch.full((len(corners), len(y), len(x)), torch.inf, device=x.device)
    for line in range(radius.shape[1]):
        torch.add(beside_x[:, line], beside_y[:, line], out=beside)
        torch.clamp(beside, min=0, out=along)
        torch.minimum(along, length[:, line, :, :, None], out=along)
        torch.add(square_x[:, line], square_y[:, line], out=squared)
        squared.addcmul_(along, torch.sub(along, beside, alpha=2, out=beside))
        torch.minimum(nearest, squared.amin(dim=1), out=nearest)
    return nearest.clamp(min=0)  # rounding may leave less


def between(ends: tuple[float, float], uniform: Tensor) -> Tensor:
    """Numbers in [0, 1) -> between both ends."""
    return ends[0] + (ends[1] - ends[0]) * uniform
