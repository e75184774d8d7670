"""The picture of where completions differ."""

import numpy as np

from inpaint_cli.reports.uncertainty import deviation, uncertainty_drawn


def test_the_deviation_is_that_over_samples_and_the_mean_over_channels():
    samples = np.zeros((2, 1, 2, 3), np.uint8)
    samples[1, 0, 1] = (10, 20, 60)
    assert np.array_equal(deviation(samples), [[0.0, (5 + 10 + 30) / 3]])


def test_samples_that_differ_in_one_place_are_bright_there_alone():
    samples = np.full((4, 30, 40, 3), 100, np.uint8)
    samples[::2, 10:20, 5:15] = 200
    drawn = np.asarray(uncertainty_drawn(samples)).astype(int)
    dark, bright = (68, 1, 84), (253, 231, 37)  # the ends of the colours
    assert (drawn == dark).all(axis=2).sum() >= 30 * 40 - 100 and (drawn == bright).all(axis=2).sum() >= 100
    same = np.asarray(uncertainty_drawn(np.full((4, 30, 40, 3), 100, np.uint8)))
    assert (same == dark).all(axis=2).sum() >= 30 * 40, "nothing differs"
