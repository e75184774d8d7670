"""Levels, likelihood, choices and the order of completion, which the pixel-by-pixel models share."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass

from inpaint_cli.autoregressive.fronts import fronts, waves
from inpaint_cli.autoregressive.model import KEPT_PLANS, ChoiceSettings, PixelModel
from inpaint_cli.autoregressive.replay import Replay
from inpaint_cli.engine.completing import quantised, signed
from inpaint_cli.method import ImageShape
from inpaint_cli.networks.pixels import LEVELS, bits_per_dimension, choose, to_levels, to_pixels

CPU = torch.device("cpu")


def left_of(missing):
    """Each pixel depends on its left neighbour."""
    return torch.nn.functional.pad(missing, (1, 0))[..., :-1]


def earlier(missing):
    """Each pixel depends on everything before it in scan order."""
    flat = missing.flatten(1).int()
    return (flat.cumsum(1) - flat > 0).view_as(missing)


@dataclass(frozen=True)
class CountingSettings(ChoiceSettings):
    rise: int = Field(1, description="levels")


class Counting(PixelModel):
    """Each value is most probably its left neighbour's plus `rise`; twice as likely as what is one below."""

    Settings = CountingSettings
    title, paper = "Counting", "deep"

    def __init__(self, settings, shape):
        super().__init__(settings, shape, None)
        self.offset = torch.nn.Parameter(torch.zeros(()))
        self.planned = 0

    def distribution(self, left):
        target = (to_levels(left) + self.settings.rise).clamp(max=LEVELS - 1)
        logits = torch.full((*left.shape, LEVELS), -40.0)
        logits.scatter_(-1, (target - 1)[..., None], 0.0)
        return logits.scatter_(-1, target[..., None], math.log(2)) + self.offset

    def logits(self, image):
        left = torch.nn.functional.pad(image, (1, 0), value=-1.0)[..., :-1]
        return [self.distribution(channel) for channel in left.unbind(1)]

    def plan(self, missing, device):
        self.planned += 1
        return fronts(missing, left_of, device)

    def fill(self, canvas, draws, plan):
        cells = canvas.permute(0, 2, 3, 1).flatten(0, 2).clone()
        draws = None if draws is None else draws.permute(0, 2, 3, 1).flatten(0, 2)
        width = canvas.shape[-1]
        for front in plan:
            for channel, where in front.channels.items():
                pixels = front.pixels[where]
                left = torch.where(pixels % width > 0, cells[pixels - 1, channel], -1.0)
                drawn = None if draws is None else draws[pixels, channel]
                cells[pixels, channel] = to_pixels(choose(self.distribution(left), drawn, self.settings.temperature))
        return cells.unflatten(0, (len(canvas), -1, width)).permute(0, 3, 1, 2)


def counting(channels=3, **settings):
    return Counting(CountingSettings(**settings), ImageShape(channels, 4, 8))


def test_levels_are_those_of_photos():
    levels = torch.arange(LEVELS)
    assert torch.equal(to_levels(to_pixels(levels)), levels)
    photo = np.arange(LEVELS, dtype=np.uint8).reshape(1, -1, 1)
    assert torch.equal(to_pixels(levels), torch.from_numpy(signed(photo)).flatten())
    assert np.array_equal(quantised(to_pixels(levels).view(1, 1, -1), np.dtype(np.uint8)), photo)
    assert to_levels(torch.tensor([-1.2, 0.001, 1.2])).tolist() == [0, 128, 255]


def test_bits_per_dimension_of_known_distributions():
    image = to_pixels(torch.randint(0, LEVELS, (2, 3, 4, 5), generator=torch.Generator().manual_seed(0)))
    level = [each.unsqueeze(-1) for each in to_levels(image).unbind(1)]
    flat = [torch.zeros(2, 4, 5, LEVELS) for _ in range(3)]
    certain = [each.scatter(-1, which, 100.0) for each, which in zip(flat, level, strict=True)]
    quarter = [each.scatter(-1, which, math.log(85)) for each, which in zip(flat, level, strict=True)]  # 85 of 85 + 255
    for logits, bits in [(flat, 8), (certain, 0), (quarter, 2), ([certain[0], flat[1], quarter[2]], 10 / 3)]:
        assert bits_per_dimension(logits, image).tolist() == pytest.approx([bits, bits], abs=1e-4)
    one_image = [torch.cat([a[:1], b[1:]]) for a, b in zip(flat, certain, strict=True)]
    assert bits_per_dimension(one_image, image).tolist() == pytest.approx([8, 0], abs=1e-4)


def test_the_greedy_choice_is_the_most_probable_level():
    logits = torch.randn(7, LEVELS, generator=torch.Generator().manual_seed(0))
    assert torch.equal(choose(logits, None), logits.argmax(-1))
    assert torch.equal(choose(logits, torch.full((7,), -1.0)), logits.argmax(-1))


@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
def test_drawn_levels_have_their_probabilities(temperature):
    logits = torch.full((LEVELS,), -math.inf)
    logits[[3, 77, 255]] = torch.tensor([0.2, 0.5, 0.3]).log()
    draws = (torch.arange(4000) + 0.5) / 4000
    levels = choose(logits.expand(4000, -1), draws, temperature)
    shares = torch.bincount(levels, minlength=LEVELS) / 4000
    expected = torch.tensor([0.2, 0.5, 0.3]) ** (1 / temperature)
    torch.testing.assert_close(shares[[3, 77, 255]], expected / expected.sum(), atol=1e-3, rtol=0)
    assert shares[[3, 77, 255]].sum() == pytest.approx(1)  # what is impossible is never drawn


def test_draws_at_both_ends_are_levels():
    flat = torch.zeros(2, LEVELS)
    assert choose(flat, torch.tensor([0.0, 1 - 2**-24])).tolist() == [0, 255]


def test_waves_follow_what_pixels_depend_on():
    missing = torch.zeros(2, 3, 6, dtype=torch.bool)
    missing[0, 1, 2:5] = missing[1, 0, 1] = missing[1, 2, 5] = True
    rows = waves(missing, left_of)
    assert rows[0, 1].tolist() == [0, 0, 1, 2, 3, 0] and rows[1, 0, 1] == rows[1, 2, 5] == 1
    assert torch.equal(rows > 0, missing)
    assert waves(missing, earlier)[1].flatten().nonzero().flatten().tolist() == [1, 17]
    assert waves(missing, earlier)[1, 2, 5] == 2
    same = missing[:1].expand(4, -1, -1)
    assert torch.equal(waves(same, left_of), rows[:1].expand(4, -1, -1))


def test_fronts_hold_every_missing_value_once():
    missing = torch.rand(3, 2, 5, 7, generator=torch.Generator().manual_seed(0)) < 0.4
    found, seen = fronts(missing, left_of, CPU), torch.zeros(3 * 5 * 7, 2, dtype=torch.long)
    for front in found:
        assert list(front.channels) == sorted(front.channels) and front.channels
        for channel, where in front.channels.items():
            seen[front.pixels[where], channel] += 1
    assert torch.equal(seen.view(3, 5, 7, 2).permute(0, 3, 1, 2), missing.long())
    whole = fronts(torch.ones(1, 2, 1, 3, dtype=torch.bool), left_of, CPU)
    assert [(front.pixels.tolist(), front.channels) for front in whole] == [
        ([place], {0: slice(None), 1: slice(None)}) for place in range(3)
    ]
    assert fronts(torch.zeros(2, 3, 4, 4, dtype=torch.bool), left_of, CPU) == []


def test_first_sample_is_greedy_and_others_are_drawn():
    model, mask = counting(), torch.ones(2, 1, 4, 8)
    mask[..., 3:] = 0
    observed = to_pixels(torch.full((2, 3, 4, 8), 10)) * mask
    completed = to_levels(model.complete(observed, mask, samples=40, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(completed[:, 0, :, :, 3:], torch.arange(11, 16).expand(2, 3, 4, 5))
    steps = completed[:, 1:, ..., 3:] - completed[:, 1:, ..., 2:-1]
    assert steps.unique().tolist() == [0, 1]
    assert (steps == 1).float().mean().item() == pytest.approx(2 / 3, abs=0.02)
    drawn = counting(first_sample="drawn").complete(observed, mask, generator=torch.Generator().manual_seed(0))
    assert not torch.equal(to_levels(drawn[:, 0]), completed[:, 0])
    cold = counting(temperature=0.0).complete(observed, mask, samples=3)
    assert all(torch.equal(to_levels(sample), completed[:, 0]) for sample in cold.unbind(1))


def test_known_values_stay_as_they_are_and_hidden_ones_are_not_read():
    mask = (torch.rand(2, 3, 4, 8, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    observed = torch.rand(2, 3, 4, 8) * 2 - 1  # between the levels of 8 bits
    poisoned = torch.where(mask > 0, observed, float("nan"))
    completed = counting().complete(poisoned, mask)
    assert torch.equal(completed[:, 0][mask > 0], observed[mask > 0]) and torch.isfinite(completed).all()
    assert torch.equal(completed, counting().complete(observed * mask, mask))


def test_whole_images_and_nothing_can_be_missing():
    observed = torch.rand(1, 3, 4, 8) * 2 - 1
    assert torch.equal(counting().complete(observed, torch.ones(1, 1, 4, 8))[:, 0], observed)
    made = counting().complete(torch.zeros(1, 3, 4, 8), torch.zeros(1, 1, 4, 8))
    assert torch.equal(to_levels(made[0, 0]), torch.arange(1, 9).expand(3, 4, 8))


def test_a_mask_is_planned_once():
    model, mask = counting(), torch.ones(2, 1, 4, 8)
    observed = torch.zeros(2, 3, 4, 8)
    for _ in range(3):
        model.complete(observed, mask)
    assert model.planned == 1
    for column in range(KEPT_PLANS + 1):
        other = mask.clone()
        other[1, 0, 0, column] = 0
        model.complete(observed, other)
    assert model.planned == KEPT_PLANS + 2 and len(model._known) == KEPT_PLANS
    model.complete(observed, other, samples=2)
    model.settings = replace(model.settings, temperature=0.3)
    model.complete(observed, other, samples=2)
    assert model.planned == KEPT_PLANS + 4  # more rows, then another way to choose, which a graph would not know of


def test_images_of_other_numbers_of_channels():
    mask = torch.ones(2, 1, 4, 8)
    mask[..., 3:] = 0
    grey = to_pixels(torch.tensor([10, 50]).view(2, 1, 1, 1).expand(2, 1, 4, 8)) * mask
    completed = counting().complete(grey, mask, samples=2)
    assert completed.shape == (2, 2, 1, 4, 8) and torch.equal(completed[:, 0, :, :, :3], grey[..., :3])
    assert to_levels(completed[:, 0, 0, 0, -1]).tolist() == [15, 55]
    colours = to_pixels(torch.tensor([10, 50, 90]).view(1, 3, 1, 1).expand(2, 3, 4, 8)) * mask
    each = counting(channels=1).complete(colours, mask)
    assert each.shape == (2, 1, 3, 4, 8) and to_levels(each[1, 0, :, 2, -1]).tolist() == [15, 55, 95]
    one_channel = torch.ones(2, 3, 4, 8)
    one_channel[:, 1] = mask[:, 0]
    assert torch.equal(counting(channels=1).complete(colours, one_channel)[:, 0, 0], colours[:, 0])


def test_probabilities_of_a_pixel():
    image = to_pixels(torch.full((2, 3, 4, 8), 20))
    shares = counting().probabilities(image, 2, 5)
    assert shares.shape == (2, 3, LEVELS)
    torch.testing.assert_close(shares[..., [20, 21]], torch.tensor([1 / 3, 2 / 3]).expand(2, 3, 2))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need a GPU")
def test_a_graph_gives_what_its_function_gives():
    def function(values, shift):
        return (values + shift).cumsum(0)

    values = torch.rand(50, 3, device="cuda")
    replay = Replay(function, [values, values])
    for factor in (1, 2, -3):
        inputs = [values * factor, values + factor]
        assert torch.equal(replay(inputs), function(*inputs))
