"""SSIM against scikit-image: the same numbers for every size, channel count and content."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from inpaint_cli.metrics import Completions, choose, measure, obstacle

RANDOM = np.random.default_rng(0)


def scikit_image(original, completed, **options):
    return structural_similarity(
        original,
        completed,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=-1,
        **options,
    )


def ssim(original, completed, hole=None):
    hole = np.ones(original.shape[:3], bool) if hole is None else hole
    return measure(Completions(original, completed, hole), choose(["ssim"]))


@pytest.mark.parametrize("shape", [(11, 11, 1), (11, 40, 3), (16, 17, 3), (33, 12, 1), (96, 96, 3)], ids=str)
def test_every_size_agrees(shape):
    original = RANDOM.integers(0, 256, (3, *shape), dtype=np.uint8)
    completed = np.clip(original + RANDOM.normal(0, 30, original.shape), 0, 255).astype(np.uint8)
    values = ssim(original, completed)["ssim"]
    np.testing.assert_allclose(values, [scikit_image(*p) for p in zip(original, completed, strict=True)], atol=1e-12)


@pytest.mark.parametrize("levels", [(0, 0), (255, 255), (0, 255), (7, 200)], ids=str)
def test_constant_images_agree_and_are_finite(levels):
    first, second = (np.full((1, 20, 20, 3), level, np.uint8) for level in levels)
    value = ssim(first, second)["ssim"][0]
    assert np.isfinite(value)
    assert value == pytest.approx(scikit_image(first[0], second[0]), abs=1e-9)


def test_black_and_white_halves_agree():
    original = np.zeros((1, 32, 32, 1), np.uint8)
    original[:, :, 16:] = 255
    completed = 255 - original
    assert ssim(original, completed)["ssim"][0] == pytest.approx(scikit_image(original[0], completed[0]), abs=1e-12)


def test_the_hole_is_the_mean_of_the_index_over_its_values_at_the_border_too():
    original = RANDOM.integers(0, 256, (2, 24, 30, 3), dtype=np.uint8)
    completed = RANDOM.integers(0, 256, original.shape, dtype=np.uint8)
    hole = np.zeros(original.shape, bool)
    hole[:, :6, 20:, :2] = True  # in a corner, and not in the third channel
    values = ssim(original, completed, hole)["ssim_hole"]
    for i in range(2):
        _, index = scikit_image(original[i], completed[i], full=True)
        assert values[i] == pytest.approx(index[hole[i]].mean(), abs=1e-12)


def test_small_images_are_known_beforehand():
    metric = choose(["ssim"])[0]
    assert "11×11" in obstacle(metric, images=5, side=10)
    assert obstacle(metric, images=5, side=11) is None
