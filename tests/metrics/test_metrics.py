"""Metrics against closed forms and scikit-image."""

import json

import numpy as np
import pytest
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

from inpaint_cli import metrics
from inpaint_cli.errors import InputError
from inpaint_cli.metrics import Completions, choose, definitions


def measure(original, completed, hole):
    return metrics.measure(Completions(original, completed, hole), choose())


def summarise(rows):
    return metrics.summarise(rows, choose())


@pytest.fixture
def images():
    random = np.random.default_rng(0)
    original = random.integers(0, 256, (5, 24, 20, 3), dtype=np.uint8)
    noise = random.integers(-40, 41, original.shape)
    completed = np.clip(original.astype(int) + noise, 0, 255).astype(np.uint8)
    return original, completed


def square_hole(images, size=8):
    hole = np.zeros(images.shape[:3], dtype=bool)
    hole[:, 4 : 4 + size, 6 : 6 + size] = True
    return hole


def test_whole_images_agree_with_scikit_image(images):
    original, completed = images
    values = measure(original, completed, square_hole(original))
    for i in range(len(original)):
        pair = original[i], completed[i]
        assert values["psnr"][i] == pytest.approx(peak_signal_noise_ratio(*pair), rel=1e-12)
        assert values["mse"][i] == pytest.approx(mean_squared_error(*pair), rel=1e-12)
        by_channel = [
            structural_similarity(
                original[i, ..., c],
                completed[i, ..., c],
                win_size=11,
                gaussian_weights=True,
                use_sample_covariance=False,
                data_range=255,
            )
            for c in range(3)
        ]
        assert values["ssim"][i] == pytest.approx(np.mean(by_channel), rel=1e-9)


def test_the_hole_alone_agrees_with_scikit_image_on_the_cut_out_hole(images):
    original, completed = images
    values = measure(original, completed, square_hole(original))
    cut = (slice(None), slice(4, 12), slice(6, 14))
    for i in range(len(original)):
        pair = original[cut][i], completed[cut][i]
        assert values["psnr_hole"][i] == pytest.approx(peak_signal_noise_ratio(*pair), rel=1e-12)
        assert values["mse_hole"][i] == pytest.approx(mean_squared_error(*pair), rel=1e-12)


def test_a_difference_of_d_everywhere_has_the_closed_form():
    original = np.full((2, 16, 16, 1), 250, dtype=np.uint8)
    completed = np.stack([original[0] - 10, original[1] - 250])
    values = measure(original, completed, np.ones((2, 16, 16), dtype=bool))
    np.testing.assert_allclose(values["mse"], [100, 62500])
    np.testing.assert_allclose(values["psnr"], [20 * np.log10(255 / 10), 20 * np.log10(255 / 250)])
    np.testing.assert_allclose(values["psnr_hole"], values["psnr"])
    # Constant images have no variance: only Wang's luminance term is left, with C1 = (0.01 · 255)².
    first = 0.01 * 255
    expected = (2 * 250 * 240 + first**2) / (250**2 + 240**2 + first**2)
    assert values["ssim"][0] == pytest.approx(expected, rel=1e-9)


def test_a_mask_per_channel_counts_the_missing_values_of_each_channel():
    original = np.zeros((1, 16, 16, 3), dtype=np.uint8)
    completed = original + np.array([0, 6, 100], dtype=np.uint8)
    hole = np.zeros(original.shape, dtype=bool)
    hole[..., :8, :, 0] = True  # error 0 over 8 rows
    hole[..., :4, :, 1] = True  # error 36 over 4 rows
    values = measure(original, completed, hole)
    assert values["mse_hole"][0] == pytest.approx(36 * 4 / 12)
    assert values["mse"][0] == pytest.approx((36 + 10000) / 3)


def test_known_pixels_do_not_touch_the_metrics_of_the_hole(images):
    original, completed = images
    hole = square_hole(original)
    vandalised = np.where(hole[..., None], completed, 255 - completed)
    before, after = measure(original, completed, hole), measure(original, vandalised, hole)
    np.testing.assert_array_equal(before["mse_hole"], after["mse_hole"])
    assert (before["mse"] != after["mse"]).all()


def test_identical_images_and_images_without_hole_are_counted_and_not_averaged_in(images):
    original, completed = images
    completed[0] = original[0]
    hole = square_hole(original)
    hole[1] = False
    values = measure(original, completed, hole)
    summary = summarise(values)
    assert values["psnr"][0] == np.inf
    assert np.isnan(values["psnr_hole"][1])
    assert (summary["images"], summary["identical_images"], summary["identical_holes"]) == (5, 1, 1)
    assert summary["images_without_hole"] == 1
    assert summary["psnr"] == pytest.approx(values["psnr"][1:].mean())
    assert summary["psnr_hole"] == pytest.approx(values["psnr_hole"][2:].mean())
    assert summary["mse_hole"] == pytest.approx(values["mse_hole"][[0, 2, 3, 4]].mean())
    assert summary["psnr_pooled"] == pytest.approx(10 * np.log10(255**2 / values["mse"].mean()))


def test_a_perfect_completion_gives_none_and_never_nan(images):
    original, _ = images
    summary = summarise(measure(original, original.copy(), np.zeros(original.shape[:3], dtype=bool)))
    assert summary["psnr"] is None
    assert summary["psnr_hole"] is None
    assert summary["mse"] == 0
    assert summary["ssim"] == pytest.approx(1)
    json.dumps(summary, allow_nan=False)


def test_images_smaller_than_the_window_are_refused():
    small = np.zeros((1, 10, 30, 3), dtype=np.uint8)
    with pytest.raises(InputError, match="11×11"):
        measure(small, small, np.ones((1, 10, 30), dtype=bool))


def test_every_metric_has_its_definition():
    said = definitions(metrics.METRICS.values())
    assert set(said) == set(metrics.METRICS)
    assert "0-255" in said["mse"] and "identical" in said["psnr"] and "1.5" in said["ssim"]
