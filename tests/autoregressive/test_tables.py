"""Lookup tables: what they say of images whose distribution is known."""

import numpy as np
import pytest

from inpaint_cli.autoregressive.tables import TABLES, bits_of_tables

ANY, LEFT, CHANGE = TABLES


def drawn(count, *shape, seed=0, levels=256):
    return np.random.default_rng(seed).integers(0, levels, (count, *shape), dtype=np.uint8)


def test_values_of_two_levels_take_a_bit_each():
    learned, images = drawn(400, 8, 8, 3, levels=2), drawn(50, 8, 8, 3, seed=1, levels=2)
    found = bits_of_tables(learned, images)
    assert found[ANY] == pytest.approx(1, abs=0.1) and found[LEFT] == pytest.approx(1, abs=0.1)


def test_what_repeats_the_pixel_to_the_left_costs_its_first_column_alone():
    learned, images = (np.repeat(100 + drawn(2000, 8, 1, 3, seed=seed, levels=4), 8, axis=2) for seed in (0, 1))
    found = bits_of_tables(learned, images)
    assert found[LEFT] == pytest.approx(2 / 8, abs=0.1) and found[ANY] == pytest.approx(2, abs=0.1)


def test_channels_that_change_alike_are_known_from_the_first():
    grey = [drawn(1000, 8, 8, 1, seed=seed, levels=16) for seed in (0, 1)]
    learned, images = (np.concatenate([each, each + 100, each + 200], axis=3) for each in grey)
    found = bits_of_tables(learned, images)
    assert found[CHANGE] < 0.6 * found[LEFT], "R alone is open"


def test_a_grey_image_has_one_channel():
    assert set(bits_of_tables(drawn(9, 8, 8, 1), drawn(2, 8, 8, 1))) == set(TABLES)
