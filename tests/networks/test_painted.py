"""The part of an image that a decoder paints, and the weights of what counts there."""

import pytest
import torch

from inpaint_cli.masks import parse_masks
from inpaint_cli.networks.painted import Region, centred, dilate, hole_boxes, share_of_box


def test_a_region_and_its_place():
    region = centred(16, 32, 48)
    assert region == Region(8, 16, 16, 16)
    image = torch.rand(1, 3, 32, 48)
    black = torch.zeros_like(image)
    assert torch.equal(region.of(region.onto(region.of(image), black)), region.of(image))
    assert region.onto(region.of(black + 1), black).sum() == 3 * 256
    assert torch.equal(region.onto(region.of(image), image), image) and black.sum() == 0
    assert centred(40, 32, 48) == Region(0, 4, 32, 40)


def test_a_region_covers_holes_within_it():
    region, mask = Region(1, 2, 3, 4), torch.ones(2, 1, 8, 8)
    assert region.covers(mask)
    mask[0, :, 1:4, 2:6] = 0
    assert region.covers(mask)
    mask[1, :, 0, 2] = 0
    assert not region.covers(mask)


@pytest.mark.parametrize("reach", [0, 1, 7, 12])
def test_dilation_reaches_so_many_pixels_in_all_directions(reach):
    missing = (torch.rand(2, 1, 9, 20, generator=torch.Generator().manual_seed(0)) < 0.02).float()
    by_pixel = torch.zeros_like(missing)
    for image, _, row, column in missing.nonzero().tolist():
        by_pixel[image, 0, max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1] = 1
    assert torch.equal(dilate(missing, reach), by_pixel)


def test_boxes_hold_the_missing_pixels():
    mask = torch.ones(3, 1, 8, 16)
    mask[0, 0, 2:5, 3:10] = 0
    mask[1, 0, 7, 0] = mask[1, 0, 1, 15] = 0  # two stray pixels
    expected = [[3, 2, 10, 5], [0, 1, 16, 8], [0, 0, 16, 8]]  # the last image lacks nothing: all of it
    assert hole_boxes(mask).tolist() == expected


@pytest.mark.parametrize(
    ("masks", "least", "most"),
    [
        ("block:7", 1, 1),
        ("face:mouth", 1, 1),
        ("noise:0.8", 0.75, 0.85),
        ("pattern:0.25", 0.2, 0.45),
        ("extrapolate:0.25", 0.7, 0.8),
    ],
)
def test_the_share_of_its_box_tells_solid_holes_from_patterns(masks, least, most):
    drawn = parse_masks(masks).draw(40, (3, 64, 64), generator=torch.Generator().manual_seed(0))
    shares = share_of_box(drawn)
    assert shares.shape == (40,) and shares.min() >= least and shares.max() <= most


def test_the_share_of_its_box_by_hand():
    mask = torch.ones(3, 1, 8, 8)
    mask[0, 0, 2, 1:5], mask[0, 0, 3, 1] = 0, 0  # 5 of 2×4
    mask[1] = 0
    assert share_of_box(mask).tolist() == [5 / 8, 1, 0]  # the last image lacks nothing
