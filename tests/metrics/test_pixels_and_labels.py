"""Pixel errors against torchmetrics and closed forms; diversity, Dice, landmarks and attributes on cases by hand."""

import numpy as np
import pytest
import torch
import torchmetrics.functional as reference
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure
from torchmetrics.functional.segmentation import dice_score

from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.metrics import (
    METRICS,
    Completions,
    choose,
    intervals,
    joined,
    measure,
    obstacle,
    per_image,
    summarise,
    warning,
)

RANDOM = np.random.default_rng(0)


def pair(count=4, size=24, channels=3, noise=40):
    original = RANDOM.integers(0, 256, (count, size, size, channels), dtype=np.uint8)
    completed = np.clip(original + RANDOM.integers(-noise, noise + 1, original.shape), 0, 255).astype(np.uint8)
    return original, completed


def centre_hole(original, size=8):
    start = (original.shape[1] - size) // 2
    hole = np.zeros(original.shape[:3], bool)
    hole[:, start : start + size, start : start + size] = True
    return hole


def values(metric, original, completed, hole, **more):
    return measure(Completions(original, completed, hole, **more), choose([metric]))


def summary_of(metric, **more):
    labels = more["labels"]
    size = labels["parsing"].shape[-1] if "parsing" in labels else 24
    original, completed = pair(count=len(next(iter(labels.values()))), size=size)
    rows = values(metric, original, completed, centre_hole(original), **more)
    return summarise(rows, choose([metric])), rows


def test_torchmetrics_agrees():
    original, completed = pair()
    rows = measure(Completions(original, completed, centre_hole(original)), choose())
    for i in range(len(original)):
        first, second = (
            torch.from_numpy(s[i : i + 1]).permute(0, 3, 1, 2).double().contiguous() for s in (completed, original)
        )
        psnr = peak_signal_noise_ratio(first, second, data_range=255.0)
        assert rows["psnr"][i] == pytest.approx(psnr.item(), rel=1e-6)
        assert rows["mse"][i] == pytest.approx(reference.mean_squared_error(first, second).item(), rel=1e-6)
        signed = (reference.mean_absolute_error(first, second) * 2 / 255).item()
        assert rows["l1"][i] == pytest.approx(3 * signed, rel=1e-6)
        options = {"sigma": 1.5, "data_range": 255.0, "return_full_image": True}
        index = structural_similarity_index_measure(first, second, **options)[1]
        inner = index[..., 5:-5, 5:-5]  # torchmetrics also averages the border, which its mirrors fill otherwise
        assert rows["ssim"][i] == pytest.approx(inner.mean().item(), abs=1e-12)


def test_the_deep_papers_loss_sums_channels_and_averages_the_holes_pixels():
    original = np.full((1, 32, 32, 3), 100, np.uint8)
    completed, hole = original.copy(), centre_hole(original)
    completed[hole] += np.array([0, 51, 102], np.uint8)  # 0, 0.4 and 0.8 in [-1, 1]
    rows = measure(Completions(original, completed, hole), choose(["l1", "l2"]))
    assert rows["l2_hole"][0] == pytest.approx(0.4**2 + 0.8**2)
    assert rows["l1_hole"][0] == pytest.approx(0.4 + 0.8)
    assert rows["l2"][0] == pytest.approx(rows["l2_hole"][0] * 64 / 1024)


def test_the_signed_mse_is_that_of_values_between_minus_one_and_one():
    original, completed = pair()
    rows = values("mse", original, completed, centre_hole(original))
    signed = [stack / 127.5 - 1 for stack in (original, completed)]
    np.testing.assert_allclose(rows["mse_signed"], ((signed[0] - signed[1]) ** 2).mean(axis=(1, 2, 3)))


def test_an_approximate_match_is_within_five_in_all_channels():
    original = np.full((1, 10, 10, 3), 100, np.uint8)
    completed = original.copy()
    completed[0, 0, :5] += np.array([5, 0, 0], np.uint8)
    completed[0, 1, :5] += np.array([6, 0, 0], np.uint8)
    completed[0, 2, :5] -= np.array([0, 0, 6], np.uint8)
    hole = np.zeros((1, 10, 10), bool)
    hole[:, :4, :5] = True
    rows = values("maem", original, completed, hole)
    assert rows["maem"][0] == pytest.approx(90) and rows["maem_hole"][0] == pytest.approx(50)


def test_the_border_has_no_part_in_the_inner_error():
    original = np.full((1, 20, 20, 3), 100, np.uint8)
    completed = original.copy()
    completed[0, :4] = completed[0, :, -4:] = 255
    hole = np.ones((1, 20, 20), bool)
    assert values("inner", original, completed, hole)["mse_signed_inner"][0] == 0
    completed[0, 4, 4] = 151  # 0.4 in [-1, 1], of one of 144 pixels
    assert values("inner", original, completed, hole)["mse_signed_inner"][0] == pytest.approx(0.4**2 / 144)


def test_rows_do_not_depend_on_batches():
    original, completed = pair(7)
    hole = centre_hole(original)
    whole = measure(Completions(original, completed, hole), choose())
    parts = [slice(0, 3), slice(3, 4), slice(4, 7)]
    batches = joined([measure(Completions(original[p], completed[p], hole[p]), choose()) for p in parts])
    for name in whole:
        np.testing.assert_array_equal(whole[name], batches[name])


def test_images_without_hole_are_counted_for_every_metric_of_the_hole():
    original, completed = pair(3)
    hole = centre_hole(original)
    hole[1] = False
    rows = measure(Completions(original, completed, hole), choose())
    summary = summarise(rows, choose())
    assert summary["images_without_hole"] == 1
    for name in ("l1_hole", "l2_hole", "maem_hole", "ssim_hole", "mse_signed_hole"):
        assert np.isnan(rows[name][1]) and np.isfinite(summary[name])


def test_diversity_is_the_deviation_of_samples_over_the_hole():
    original, completed = pair(2)
    hole, samples = centre_hole(original), np.repeat(completed[:, None], 10, axis=1)
    samples[:, :5][:, :, hole[0]] = 100
    samples[:, 5:][:, :, hole[0]] = 151  # half of the ten samples 0.4 apart: a deviation of 0.2 in [-1, 1]
    rows = values("diversity", original, completed, hole, samples=samples)
    np.testing.assert_allclose(rows["diversity"], 0.2, rtol=1e-12)
    with pytest.raises(ValueError, match="at least two"):
        values("diversity", original, completed, hole, samples=samples[:, :1])


def test_dice_agrees_with_torchmetrics():
    true = RANDOM.integers(0, 11, (3, 40, 40))
    said = np.where(RANDOM.random(true.shape) < 0.7, true, RANDOM.integers(0, 11, true.shape))
    summary, rows = summary_of("dice", labels={"parsing": true}, predicted={"parsing": said})
    arguments = {"num_classes": 11, "input_format": "index", "average": "none", "aggregation_level": "samplewise"}
    expected = dice_score(torch.from_numpy(said), torch.from_numpy(true), **arguments)
    np.testing.assert_allclose(rows["dice_by_label"], 100 * expected.numpy(), rtol=1e-5)
    assert summary["dice"] == pytest.approx(100 * expected[:, 1:].mean().item(), rel=1e-5)


def test_labels_that_neither_map_has_are_left_out():
    true, said = np.zeros((2, 4, 4), int), np.zeros((2, 4, 4), int)
    true[0, :2], said[0, :1] = 3, 3  # 8 pixels, 4 of them found: 2·4 / (8 + 4)
    summary, rows = summary_of("dice", labels={"parsing": true}, predicted={"parsing": said})
    assert summary["dice"] == pytest.approx(200 / 3) and np.isnan(rows["dice"][1])
    assert summary["dice_pooled"] == pytest.approx(200 / 3)
    assert summary["dice_by_label"][1] is None and summary["dice_by_label"][3] == pytest.approx(200 / 3)
    with pytest.raises(InputError, match="up to 15"):
        summary_of("dice", labels={"parsing": true + 12}, predicted={"parsing": said})


def test_dice_of_missing_pixels_and_of_the_parts_that_the_paper_lists():
    """The hole is the middle 8×8 of 16×16. All is right but a nose (6) that half of the hole should have, and hair."""
    true = np.zeros((1, 16, 16), int)
    said = np.zeros_like(true)
    true[:, 4:8, 4:12], said[:, 4:6, 4:12] = 6, 6  # within the hole: 32 pixels, 16 of them found
    true[:, 12:], said[:, 12:] = 1, 1  # outside of it: found
    true[:, 0], said[:, 1] = 10, 10  # hair outside of it: not found
    summary, _ = summary_of("dice", labels={"parsing": true}, predicted={"parsing": said})
    nose = 100 * 2 * 16 / (32 + 16)
    assert summary["dice"] == pytest.approx((100 + nose + 0) / 3)
    assert summary["dice_parts"] == pytest.approx((100 + nose) / 2)
    assert summary["dice_hole"] == summary["dice_parts_hole"] == pytest.approx(nose)
    assert summary["dice_hole_by_label"][1] is None and summary["dice_hole_by_label"][10] is None
    true[:, 0, 0], said[:, 4:12, 4:12] = 0, true[:, 4:12, 4:12]
    summary, _ = summary_of("dice", labels={"parsing": true}, predicted={"parsing": said})
    assert summary["dice_hole"] == 100 > summary["dice"]


def test_parts_average_labels_over_images_before_they_average_labels():
    """As table 2 does: a label that one image of two has counts as much as one that both have."""
    true = np.zeros((2, 8, 8), int)
    true[:, :4], true[0, 6:] = 1, 5
    said = np.where(true == 5, 0, true)
    summary, _ = summary_of("dice", labels={"parsing": true}, predicted={"parsing": said})
    assert summary["dice_parts"] == pytest.approx((100 + 0) / 2) and summary["dice"] == pytest.approx((50 + 100) / 2)


def test_landmarks_of_the_hole_are_those_whose_pixel_is_missing():
    true = np.full((2, 5, 2), 1.0, np.float32)  # the hole is the middle 8×8 of 24×24
    true[0, 0], true[0, 1], true[0, 2] = [8, 15], [7.4, 15], [8, 15.6]
    true[1, 0], true[1, 1] = [np.nan, np.nan], [500, -3]
    said = true + np.arange(1, 6, dtype=np.float32)[:, None] * [1, 0]  # point k is k + 1 pixels off
    summary, rows = summary_of("landmarks", labels={"landmarks": true}, predicted={"landmarks": said})
    assert rows["landmark_error_hole"][0] == 1 and np.isnan(rows["landmark_error_hole"][1])
    assert summary["landmark_error_hole"] == 1 and summary["landmark_error_hole_by_point"] == [1, *[None] * 4]
    assert summary["landmark_error"] == pytest.approx(np.mean([3, 3.5]))


def test_landmarks_are_measured_in_pixels_and_unknown_ones_left_out():
    true = np.zeros((2, 5, 2), np.float32)
    said = true + np.array([3, 4], np.float32)
    said[1, 0] = [6, 8]
    true[1, 1] = np.nan
    summary, rows = summary_of("landmarks", labels={"landmarks": true}, predicted={"landmarks": said})
    np.testing.assert_allclose(rows["landmark_error"], [5, (10 + 3 * 5) / 4])
    assert summary["landmark_error_by_point"] == pytest.approx([7.5, 5, 5, 5, 5])


def test_attributes_are_judged_by_their_confusion_matrices():
    true = np.array([[1, 0], [0, 0], [0, 0], [0, 0]])
    said = np.array([[0.1, 0.2], [0.4, 0.7], [0.0, 0.0], [0.3, 0.2]])  # one miss, one false alarm
    labels, predicted = {"attributes": true}, {"attributes": said}
    summary, rows = summary_of("attributes", labels=labels, predicted=predicted)
    assert summary["attribute_error"] == pytest.approx(25)
    assert summary["attribute_error_by_attribute"] == pytest.approx([25, 25])
    assert summary["attribute_error_balanced"] == pytest.approx(50)  # the second attribute is never there
    found = intervals(rows, choose(["attributes"]))
    low, high = found["attribute_error"]
    assert low < 25 < high
    assert all(low < 25 < high for low, high in found["attribute_error_by_attribute"])


def test_perfect_labels_have_no_error():
    labels = {
        "parsing": RANDOM.integers(0, 11, (3, 20, 20)),
        "landmarks": RANDOM.random((3, 5, 2)) * 20,
        "attributes": RANDOM.integers(0, 2, (3, 40)),
    }
    for metric, column, best in (
        ("dice", "dice", 100),
        ("landmarks", "landmark_error", 0),
        ("attributes", "attribute_error", 0),
    ):
        assert summary_of(metric, labels=labels, predicted=labels)[0][column] == best


def test_what_a_metric_lacks_is_said_beforehand():
    enough = {"images": 100, "side": 64, "samples": 10, "labels": ("parsing", "landmarks", "attributes", "labels")}
    networks = ("inception", "classifier", "lpips")
    assert all(obstacle(metric, **enough, networks=networks) is None for metric in METRICS.values())
    for name, lacking, words in (
        ("fid", {"images": 1}, "at least 2 images; there are 1"),
        ("inception-score", {"images": 9}, "at least 10 images"),
        ("diversity", {"samples": 1}, "--samples 10"),
        ("dice", {"labels": ()}, "parsing from both the data and the method"),
        ("lpips", {"networks": ()}, "--weights lpips=FILE"),
        ("ssim", {"side": 8}, "at least 11×11"),
    ):
        assert words in obstacle(METRICS[name], **{**enough, "networks": networks, **lacking})
    assert "10,000" in warning(METRICS["fid"], 9_999) and warning(METRICS["fid"], 10_000) is None
    assert warning(METRICS["psnr"], 1) is None


def test_names_are_checked_and_stacks_must_match():
    with pytest.raises(UsageError, match="did you mean 'psnr'"):
        choose(["pnsr"])
    original, completed = pair()
    for other in (completed[:, :-1], completed.astype(float), completed[..., 0]):
        with pytest.raises(ValueError, match="two uint8 stacks"):
            Completions(original, other, centre_hole(original))
    with pytest.raises(ValueError, match="the hole is bool"):
        Completions(original, completed, centre_hole(original).astype(float))


def test_rows_of_images_are_columns_of_a_table():
    original, completed = pair()
    rows = values("psnr", original, completed, centre_hole(original))
    assert set(per_image(rows)) == {"psnr", "psnr_hole"}
