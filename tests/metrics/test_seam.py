"""The seam measure against closed forms."""

import numpy as np
import pytest

from inpaint_cli import metrics
from inpaint_cli.metrics import Completions, choose

HOLE = np.zeros((2, 12, 12), dtype=bool)
HOLE[:, 4:8, 3:9] = True


def seam(completed, hole=HOLE, original=None):
    rows = metrics.measure(Completions(completed if original is None else original, completed, hole), choose(["seam"]))
    return metrics.summarise(rows, choose(["seam"]))


def ramp(step=5):
    """Neighbours to the right differ by `step`, neighbours below do not."""
    return np.broadcast_to((step * np.arange(12, dtype=np.uint8))[None, None, :, None], (2, 12, 12, 3)).copy()


def test_on_a_ramp_the_pairs_are_counted():
    found = seam(ramp())
    # Across: 6 columns above and below that differ by 0, 4 rows left and right that differ by 5.
    assert found["seam_across"] == pytest.approx(5 * 8 / (12 + 8))
    # Inside: 4 rows of 5 pairs that differ by 5, 3 of 6 pairs that do not.
    assert found["seam_inside"] == pytest.approx(5 * 20 / (20 + 18))
    assert found["seam"] == found["seam_original"] == pytest.approx((40 / 20) / (100 / 38))


def test_a_completion_that_is_off_by_d_shows_d_across_and_nothing_inside():
    original = ramp()
    completed = original.copy()
    completed[:, 4:8, 3:9] += 60
    found, honest = seam(completed, original=original), seam(original)
    assert found["seam_inside"] == honest["seam_inside"]
    # Above and below 60 instead of 0; left 5 + 60, right |5 - 60|.
    assert found["seam_across"] == pytest.approx((12 * 60 + 4 * 65 + 4 * 55) / 20)
    assert found["seam"] > found["seam_original"] == honest["seam"]


def test_differences_do_not_wrap_around():
    completed = np.zeros((2, 12, 12, 1), dtype=np.uint8)
    completed[:, 4:8, 3:9] = 255
    assert seam(completed)["seam_across"] == 255


def test_a_flat_hole_and_no_hole_have_no_ratio():
    flat = np.full((2, 12, 12, 3), 7, dtype=np.uint8)
    assert seam(flat)["seam"] is None and seam(flat)["seam_across"] == 0
    nothing = seam(ramp(), np.zeros_like(HOLE))
    assert nothing["seam"] is nothing["seam_across"] is None
    everything = seam(ramp(), np.ones_like(HOLE))
    assert everything["seam_across"] is None and everything["seam_inside"] > 0


def test_channels_have_borders_of_their_own():
    completed, hole = np.zeros((2, 12, 12, 3), dtype=np.uint8), np.zeros((2, 12, 12, 3), dtype=bool)
    hole[..., 4:8, 3:9, 1] = True
    completed[..., 0] = np.arange(12, dtype=np.uint8)[:, None] * 20
    completed[..., 4:8, 3:9, 1] = 30
    assert seam(completed, hole)["seam_across"] == 30


def test_the_ratio_is_of_averages_over_images():
    completed = np.concatenate([ramp(5)[:1], ramp(15)[:1]])
    completed[1, 4:8, 3:9] += 60
    rows = metrics.measure(Completions(completed, completed, HOLE), choose(["seam"]))
    across, inside = rows["seam_across"].mean(), rows["seam_inside"].mean()
    assert seam(completed)["seam"] == pytest.approx(across / inside)
    assert (rows["seam_across"] / rows["seam_inside"]).mean() != pytest.approx(across / inside)
