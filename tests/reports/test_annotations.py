"""Landmarks drawn on photos, a layer's maps side by side."""

import numpy as np

from inpaint_cli.reports.annotations import landmarks_drawn, maps_drawn
from inpaint_cli.reports.grids import GUTTER


def test_every_point_has_a_ring_and_its_middle_stays_visible():
    pixels = np.full((200, 200, 1), 128, np.uint8)
    points = np.array([[50, 60], [150, 60], [100, 100], [70, 150], [130, 150]], float)
    drawn = np.asarray(landmarks_drawn(pixels, points)).astype(int)
    assert drawn.shape == (200, 200, 3)
    coloured = np.ptp(drawn, axis=2) > 60
    for x, y in points.astype(int):
        around = coloured[y - 6 : y + 7, x - 6 : x + 7]
        assert around.any() and not around[6, 6]
    rest = np.ones_like(coloured)
    for x, y in points.astype(int):
        rest[y - 8 : y + 9, x - 8 : x + 9] = False
    assert (drawn[rest] == 128).all()


def test_unknown_points_and_those_far_outside_are_left_out():
    pixels = np.full((50, 50, 3), 128, np.uint8)
    points = np.array([[np.nan, np.nan], [-900, 20], [20, 1e6]])
    assert np.array_equal(np.asarray(landmarks_drawn(pixels, points)), pixels)


def test_each_map_goes_from_black_to_white_and_a_flat_one_is_black():
    ramp = np.linspace(-3, 5, 64 * 64, dtype=np.float32).reshape(64, 64)
    maps = np.stack([ramp, 1000 * ramp, np.full_like(ramp, 7.0)])
    observed = np.full((64, 64, 3), (200, 10, 10), np.uint8)
    picture = np.asarray(maps_drawn(observed, maps)).astype(int)
    expected = np.round(255 * (ramp - ramp.min()) / np.ptp(ramp)).astype(int)
    grey = (np.ptp(picture, axis=2) == 0) * picture[..., 0]
    tiles = [
        (top, left)
        for top in range(picture.shape[0] - 63)
        for left in range(picture.shape[1] - 63)
        if grey[top, left] == 0 and grey[top + 63, left + 63] == 255
        and np.array_equal(grey[top : top + 64, left : left + 64], expected)
    ]  # fmt: skip
    assert len(tiles) == 2 and tiles[1][1] - tiles[0][1] == 64 + GUTTER and tiles[0][0] == tiles[1][0]
    top, left = tiles[0][0] + 64 + GUTTER, tiles[0][1]  # two columns: the third is below the first
    assert not picture[top : top + 64, left : left + 64].any()
    assert (picture == (200, 10, 10)).all(axis=2).sum() == 64 * 64


def test_small_maps_and_images_are_enlarged():
    picture = maps_drawn(np.zeros((16, 16, 1), np.uint8), np.zeros((4, 8, 8), np.float32))
    assert picture.width > 3 * 64 and picture.height > 2 * 64
