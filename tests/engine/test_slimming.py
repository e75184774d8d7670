"""Rounded weights are kept where their answers are near the exact ones', and judged by the right distance."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.slimming import (
    CHANGES,
    Trial,
    in_fewer_bits,
    mean_difference,
    mean_distance,
    rounded,
    share_changed,
    significant,
)
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape, Method

HARDWARE = choose_hardware("cpu", "fp32")


class Painter(Method):
    """Paints one colour into the hole: the product of its two weights."""

    def __init__(self):
        super().__init__(None, ImageShape(1, 8, 8), None)
        self.first, self.second = (nn.Parameter(torch.ones(1, 1)) for _ in range(2))

    def complete(self, observed, mask, *, samples=1, generator=None):
        painted = torch.where(mask > 0, observed, self.first[0, 0] * self.second[0, 0])
        return painted[:, None].expand(-1, samples, -1, -1, -1)


class Photographs:
    name, labels = "validation", {}

    def __init__(self, count):
        self.images = np.zeros((count, 8, 8, 1), np.uint8)

    def __len__(self):
        return len(self.images)


def try_out(first, second, masks="center:4", count=11):
    method, told = Painter().eval(), []
    weights = {"first": torch.tensor([[first]]), "second": torch.tensor([[second]])}
    method.load_state_dict(weights)
    trial = Trial(Photographs(count), count, parse_masks(masks), HARDWARE, 0)
    return rounded(method, weights, trial, lambda done, total: told.append((done, total))), told


def test_what_changes_nothing_is_kept_in_16_bits():
    found, told = try_out(0.5, 0.5)
    assert found.kind == "float16" and found.changes == {"float16": {"completion": 0.0}}
    assert {weight.dtype for weight in found.weights.values()} == {torch.float16}
    assert told == [(8, 33), (11, 33), (19, 33), (22, 33)], "one kind was enough"


def test_weights_beyond_float16_are_kept_in_bfloat16():
    found, _ = try_out(2.0**17, 2.0**-18)
    assert found.kind == "bfloat16" and {weight.dtype for weight in found.weights.values()} == {torch.bfloat16}
    assert found.changes == {"float16": {"completion": None}, "bfloat16": {"completion": 0.0}}


def test_what_can_be_seen_stays_exact():
    """Too large for float16; in bfloat16 each is 0.4 % smaller, and 192 becomes 191."""
    lost = 1 + 0.99 / 256
    found, _ = try_out(2.0**17 * lost, 2.0**-18 * lost)
    assert found.kind == "float32" and {weight.dtype for weight in found.weights.values()} == {torch.float32}
    assert found.changes == {"float16": {"completion": None}, "bfloat16": {"completion": 1.0}}


def test_without_a_hole_nothing_is_known_and_all_stays_exact():
    found, _ = try_out(0.5, 0.5, masks="none")
    assert found.kind == "float32" and found.changes["bfloat16"] == {"completion": None}


def test_statistics_biases_and_counters_stay_exact():
    assert in_fewer_bits(torch.ones(3, 3), torch.float16).dtype == torch.float16
    assert in_fewer_bits(torch.ones(3), torch.float16).dtype == torch.float32
    assert in_fewer_bits(torch.ones(3, 3, dtype=torch.int64), torch.float16).dtype == torch.int64


def test_distances_are_in_grey_levels_shares_and_pixels():
    assert mean_difference(np.array([0, 255, 9], np.uint8), np.array([255, 0, 12], np.uint8)) == pytest.approx(171)
    assert math.isnan(mean_difference(np.zeros(0, np.uint8), np.zeros(0, np.uint8)))
    assert share_changed(np.array([[1, 2], [3, 4]]), np.array([[1, 2], [3, 0]])) == 0.25
    assert mean_distance(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[3.0, 4.0], [1.0, 1.0]])) == 2.5
    assert {kind: change.limit for kind, change in CHANGES.items()} == {
        "completion": 0.5,
        "parsing": 0.001,
        "landmarks": 0.1,
        "attributes": 0.001,
        "labels": 0.001,
    }
    assert significant(0.0123456) == 0.0123 and significant(math.nan) is None
