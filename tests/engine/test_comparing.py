"""Paired differences of all systems at once: those of each pair by itself."""

import numpy as np
import pytest

from inpaint_cli.engine.comparing import paired_differences
from inpaint_cli.metrics import paired_difference


def test_all_pairs_at_once_are_each_pair_by_itself():
    random = np.random.default_rng(0)
    systems = {name: {"psnr": random.normal(size=80), "mse": random.normal(size=80)} for name in "abc"}
    found = paired_differences(systems, seed=3)
    assert [*found] == [("a", "b"), ("a", "c"), ("b", "c")]
    for (first, second), differences in found.items():
        for name, difference in differences.items():
            mean, interval, images = paired_difference(systems[first][name], systems[second][name], seed=3)
            assert difference["mean"] == pytest.approx(mean) and difference["interval"] == pytest.approx(interval)
            assert difference["images"] == images == 80


def test_images_without_both_values_are_left_out():
    one = {"psnr": np.array([np.inf, 2.0, 5.0, np.nan])}
    other = {"psnr": np.array([np.inf, 1.0, 3.0, 7.0]), "fid": np.ones(4)}
    (difference,) = paired_differences({"one": one, "other": other}, 0).values()
    assert difference["psnr"]["mean"] == 1.5 and difference["psnr"]["images"] == 2 and [*difference] == ["psnr"]
    assert 1 <= difference["psnr"]["interval"][0] <= difference["psnr"]["interval"][1] <= 2


def test_nothing_to_compare_is_none_never_nan():
    same = {"psnr": np.full(3, np.inf)}
    (difference,) = paired_differences({"one": same, "other": same}, 0).values()
    assert difference["psnr"] == {"mean": None, "interval": None, "images": 0}
    assert paired_differences({"one": same}, 0) == {}
