"""Free-form masks: how much they hide, and that they look like strokes of a brush."""

import itertools
import math

import numpy as np
import pytest
import torch
from drawing import draw, hidden_shares
from scipy import ndimage

from inpaint_cli.masks.strokes import squared_distances


@pytest.mark.parametrize("shape", [(1, 64, 64), (1, 128, 128), (3, 40, 250), (3, 218, 178)])
@pytest.mark.parametrize("missing", [0.02, 0.1, 0.3, 0.6, 0.9])
def test_every_image_hides_about_the_stated_part(shape, missing):
    shares = hidden_shares(draw(f"strokes:{missing}", 60, shape))
    assert shares.mean() == pytest.approx(missing, rel=0.03)
    assert (shares - missing).abs().max() < 0.03


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 8, 200)])
@pytest.mark.parametrize("missing", ["0.001", "0.05", "0.95", "0.999", "0.001-0.999"])
def test_something_is_hidden_and_something_known_of_the_smallest_images(shape, missing):
    shares = hidden_shares(draw(f"strokes:{missing}", 200, shape))
    assert (shares > 0).all() and (shares < 1).all()


def test_strokes_lie_anywhere_and_in_any_direction():
    """Their middle lines lie inside the image, so that less of them reaches its border, as long as it is narrow."""
    chance = (draw("strokes:0.2", 4000, (1, 64, 64)) == 0)[:, 0].double().mean(dim=0)
    for turned in (chance.flip(0), chance.flip(1), chance.T):
        assert (turned - chance).abs().max() < 0.05
    inside = chance[6:-6, 6:-6]
    assert inside.min() > 0.15 and inside.max() < 0.28 and chance.min() > 0.04


def test_there_are_few_strokes_of_round_brushes_and_of_many_widths():
    hidden = (draw("strokes:0.2", 150, (1, 128, 128)) == 0)[:, 0].numpy()
    pieces, widths, areas = [], [], []
    for mask in hidden:
        labelled, number = ndimage.label(np.pad(mask, 1))
        pieces.append(number)
        within = ndimage.distance_transform_edt(labelled > 0)
        widths.append(2 * within.max() / 128)
        opened = ndimage.binary_opening(mask, structure=disc(2))
        areas.append(opened.sum() / mask.sum())
    assert min(pieces) >= 1 and max(pieces) <= 6 and 1.5 < np.mean(pieces) < 4
    assert np.quantile(widths, 0.9) > 1.8 * np.quantile(widths, 0.1)
    assert np.mean(areas) > 0.95  # discs of 5 pixels fit nearly everywhere


def disc(radius):
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return x * x + y * y <= radius * radius


def test_strokes_are_longer_than_blobs():
    """The box around a compact piece of area A has sides of about √A; strokes reach further."""
    reach = []
    for mask in (draw("strokes:0.05", 100, (1, 96, 96)) == 0)[:, 0]:
        rows, columns = mask.any(dim=1).nonzero(), mask.any(dim=0).nonzero()
        longest = max((rows[-1] - rows[0]).item(), (columns[-1] - columns[0]).item()) + 1
        reach.append(longest / math.sqrt(mask.sum().item()))
    assert np.median(reach) > 1.5


def test_a_seed_paints_the_same_strokes_at_every_size():
    small = draw("strokes:0.3", 40, (1, 64, 64)) == 0
    large = draw("strokes:0.3", 40, (3, 256, 256)) == 0
    shrunk = torch.nn.functional.avg_pool2d(large.float(), 4) > 0.5
    assert ((small & shrunk).sum() / (small | shrunk).sum()) > 0.93


def test_distances_are_those_of_the_nearest_point_on_the_lines_in_their_radii():
    generator = torch.Generator().manual_seed(0)
    corners, radius = torch.rand(2, 3, 4, 2, generator=generator), torch.tensor([[0.1, 0.3, 0.2], [0.2, 0.1, 0.1]])
    corners[1, 2, 1] = corners[1, 2, 2]  # a stretch without length
    x, y = torch.linspace(0, 1.2, 13), torch.linspace(0, 1, 11)
    found = squared_distances(corners, radius, x, y)
    share = torch.linspace(0, 1, 2001)[:, None]
    pixels = torch.cartesian_prod(y, x).flip(1)  # (x, y), row by row
    for lines, radii, own in zip(corners, radius, found, strict=True):
        expected = []
        for line, thickness in zip(lines, radii, strict=True):
            points = torch.cat([start + share * (end - start) for start, end in itertools.pairwise(line)])
            expected.append(torch.cdist(pixels, points).amin(dim=1).view(11, 13) / thickness)
        torch.testing.assert_close(own, torch.stack(expected).amin(dim=0).square(), atol=1e-3, rtol=1e-3)
