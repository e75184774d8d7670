"""LOW-HIGH in place of a number: drawn for each image, all values as likely."""

import math

import pytest
import torch
from drawing import draw, hidden_shares, rectangles

from inpaint_cli.masks import parse_masks
from inpaint_cli.masks.faces import REGIONS

LARGE = (1, 100, 120)


def uniform(values, low, high, slack=0.01):
    """Whether values lie between both ends, with the mean and the spread of a uniform distribution."""
    values = torch.as_tensor(values, dtype=torch.float64)
    spread = (high - low) / math.sqrt(12)
    assert low - slack <= values.min() and values.max() <= high + slack
    assert values.mean() == pytest.approx((low + high) / 2, abs=5 * spread / math.sqrt(len(values)))
    assert values.std() == pytest.approx(spread, rel=0.05)


@pytest.mark.parametrize("spec", ["block:11-30", "center:11-30"])
def test_squares_have_every_size_equally_often(spec):
    left, top, width, height = rectangles(draw(spec, 4000, LARGE)[:, 0] == 0)
    assert torch.equal(width, height)
    counts = torch.bincount(width)
    assert counts[:11].sum() == 0 and len(counts) == 31
    assert (counts[11:] - 200).abs().max() < 5 * math.sqrt(200)
    if spec.startswith("block"):
        assert (left / (120 - width)).mean() == pytest.approx(0.5, abs=0.03)
        assert (top / (100 - height)).mean() == pytest.approx(0.5, abs=0.03)
    else:
        assert torch.equal(left, (120 - width) // 2) and torch.equal(top, (100 - height) // 2)


@pytest.mark.parametrize("kind", ["inpaint", "pattern", "strokes", "noise"])
def test_hidden_parts_are_uniform(kind):
    slack = 0.03 if kind == "strokes" else 0.01
    uniform(hidden_shares(draw(f"{kind}:0.1-0.5", 2000, LARGE)), 0.1, 0.5, slack)


@pytest.mark.parametrize("kind", ["reverse", "extrapolate", "rec"])
def test_known_areas_are_uniform(kind):
    uniform(1 - hidden_shares(draw(f"{kind}:0.1-0.5", 2000, LARGE)), 0.1, 0.5)


def test_the_channels_of_an_image_share_its_area():
    known = draw("rec:0.1-0.9", 200, (3, 100, 120)).mean(dim=(2, 3))
    assert (known.amax(dim=1) - known.amin(dim=1)).max() < 0.02 < known[:, 0].std()


@pytest.mark.parametrize("kind", ["center", "inpaint", "reverse", "face", "block"])
def test_a_range_makes_every_process_vary(kind):
    fixed = {"center": ("8", "8-9"), "face": ("mouth", "any"), "block": ("8", "8-9")}.get(kind, ("0.2", "0.2-0.3"))
    one, several = (parse_masks(f"{kind}:{argument}") for argument in fixed)
    assert one.varies is (kind == "block") and several.varies


def test_any_region_of_a_face_is_as_likely():
    known = {draw(f"face:{region}", 1, (1, 96, 96)).numpy().tobytes(): region for region in REGIONS}
    drawn = [known[mask.numpy().tobytes()] for mask in draw("face:any", 1600, (1, 96, 96))]
    assert len(known) == len(REGIONS) == 8
    assert all(abs(drawn.count(region) - 200) < 5 * math.sqrt(200) for region in REGIONS)
