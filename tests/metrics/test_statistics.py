"""Intervals cover what they say, see what the means see, and compare methods on the same images."""

import numpy as np
import pytest

from inpaint_cli.metrics import Completions, choose, intervals, measure, paired_difference, summarise
from inpaint_cli.metrics import statistics as statistics_module
from inpaint_cli.metrics.statistics import bootstrap, finite_mean, intervals_of, resampled


def interval_of(values, seed=0, **options):
    return bootstrap({"value": np.asarray(values, float)}, lambda means: {}, seed, **options)["value"]


def test_ninety_five_percent_of_intervals_hold_the_true_mean():
    random = np.random.default_rng(1)
    intervals = [interval_of(random.exponential(3.0, 80), seed, resamples=300) for seed in range(300)]
    covered = np.mean([low <= 3.0 <= high for low, high in intervals])
    assert 0.88 < covered < 0.98  # the percentile bootstrap of 80 skewed values is known to cover a little less


def test_the_width_is_that_of_the_central_limit_theorem():
    values = np.random.default_rng(2).normal(5, 2, 4000)
    low, high = interval_of(values)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(4000), rel=0.08)
    assert low < values.mean() < high


def test_the_seed_decides():
    values = np.random.default_rng(3).normal(size=50)
    assert interval_of(values, 4) == interval_of(values, 4) != interval_of(values, 5)


def test_blocks_of_resamples_change_nothing_but_the_memory(monkeypatch):
    values = np.random.default_rng(3).normal(size=500)
    low, high = interval_of(values)
    monkeypatch.setattr(statistics_module, "AT_ONCE", 7000)
    assert interval_of(values) == pytest.approx((low, high), rel=1e-12)


@pytest.mark.parametrize("values", [[1.0], [np.nan, np.nan], [np.inf, 2.0]], ids=str)
def test_fewer_than_two_values_have_no_interval(values):
    assert interval_of(values) is None


def test_values_that_the_mean_leaves_out_are_left_out_of_the_interval():
    values = np.random.default_rng(3).normal(40, 1, 100)
    low, high = interval_of([*values, np.inf, np.nan])
    assert 39 < low < values.mean() < high < 41


def test_means_of_nothing_are_nan_and_warn_of_nothing(recwarn):
    assert np.isnan(finite_mean(np.array([[np.nan, np.inf]]), axis=1)).all()
    assert not recwarn.list


def test_derived_columns_have_intervals_around_them():
    random = np.random.default_rng(0)
    original = random.integers(0, 256, (60, 12, 12, 1), dtype=np.uint8)
    noise = random.normal(0, 1, original.shape) * random.uniform(5, 40, (60, 1, 1, 1))
    completed = np.clip(original + noise, 0, 255).astype(np.uint8)
    chosen = choose(["psnr"])
    rows = measure(Completions(original, completed, np.ones(original.shape, bool)), chosen)
    summary, found = summarise(rows, chosen), intervals(rows, chosen, seed=1)
    for name in ("psnr", "psnr_pooled", "psnr_hole", "psnr_hole_pooled"):
        low, high = found[name]
        assert low < summary[name] < high


def test_each_figure_of_a_list_has_the_interval_that_it_has_alone():
    values = np.random.default_rng(4).normal([0, 5, 9], [1, 2, 3], (50, 3))
    values[1:, 1] = np.nan  # known of one image
    found = intervals_of(resampled({"value": values}, lambda means: {}, 0)["value"])
    assert found[1] is None and found[2][0] < 9 < found[2][1]
    assert found[::2] == [pytest.approx(interval_of(values[:, place])) for place in (0, 2)]


def test_a_difference_is_paired():
    random = np.random.default_rng(5)
    hard = random.normal(25, 8, 200)  # images differ much more than methods do
    first, second = hard + random.normal(0.5, 0.3, 200), hard
    difference = paired_difference(first, second)
    assert difference.mean == pytest.approx((first - second).mean())
    assert difference.interval[0] < 0.5 < difference.interval[1] and difference.clear
    assert difference.interval[1] - difference.interval[0] < 0.2
    assert not paired_difference(first, first + random.normal(0, 1, 200)).clear


def test_a_difference_counts_images_that_both_have():
    difference = paired_difference(np.array([1.0, np.inf, 3.0, 4.0]), np.array([0.5, 2.0, np.nan, 3.0]))
    assert (difference.images, difference.mean) == (2, 0.75)
    nothing = paired_difference(np.array([np.inf]), np.array([1.0]))
    assert nothing == (None, None, 0) and not nothing.clear
    with pytest.raises(ValueError, match="same images"):
        paired_difference(np.zeros(3), np.zeros(4))
