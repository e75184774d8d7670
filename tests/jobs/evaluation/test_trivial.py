"""The trivial completions: a flat image stays flat, a linear one is continued, nothing known changes."""

import numpy as np
import pytest

from inpaint_cli.jobs.evaluation.trivial import WAYS, ridge, rim_mean, square, write

SIDE = 4


def linear_images(count, seed):
    """Planes of random slope and colour, [N, 16, 16, 3]."""
    slopes = np.random.default_rng(seed).uniform(-0.02, 0.02, (count, 1, 1, 3, 2))
    rows, columns = np.meshgrid(np.arange(16) - 7.5, np.arange(16) - 7.5, indexing="ij")
    return 0.5 + rows[None, ..., None] * slopes[..., 0] + columns[None, ..., None] * slopes[..., 1]


def test_the_rim_is_what_touches_the_hole():
    hole, rim = square(np.zeros((1, 16, 16, 3)), SIDE, 1)
    assert hole.sum() == 16 and rim.sum() == 20 and not (hole & rim).any()
    assert square(np.zeros((1, 16, 16, 3)), SIDE, 2).rim.sum() == 48


@pytest.mark.parametrize("way", WAYS.values())
def test_known_pixels_stay(way):
    learned, images = linear_images(300, 0), linear_images(5, 1)
    hole = square(np.zeros((1, 16, 16, 3)), SIDE, 1).hole
    hidden = np.where(hole[..., None], 9.0, images)
    completed = way(learned, hidden, SIDE)
    assert np.array_equal(completed[:, ~hole], images[:, ~hole]) and completed.max() <= 1


def test_a_linear_image_is_continued_by_the_regression_and_flattened_by_the_rim():
    learned, images = linear_images(300, 0), linear_images(5, 1)
    hole = square(np.zeros((1, 16, 16, 3)), SIDE, 1).hole
    assert np.abs(ridge(learned, images, SIDE) - images).max() < 1e-3
    flat = rim_mean(learned, images, SIDE)[:, hole]
    np.testing.assert_allclose(flat, np.broadcast_to(images[:, hole].mean(axis=1, keepdims=True), flat.shape))


def test_they_are_written_as_evaluate_takes_them(prepared, tmp_path):
    write(prepared, 8, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"rim-mean", "ridge"}
    assert sorted(path.name for path in (tmp_path / "ridge").iterdir())[0] == "000000.png"
