"""Landmarks as heatmaps and back; weights for what is small in a map."""

import pytest
import torch

from inpaint_cli.networks.heatmaps import LEAST, balanced_squared_error, balancing_weights, heatmaps, peaks


def test_points_come_back_with_sub_pixel_precision():
    points = torch.rand(40, 5, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([50.0, 30.0]) + 5
    assert torch.allclose(peaks(heatmaps(points, 42, 62, sigma=2.0)), points, atol=0.01)


def test_a_map_is_a_gaussian_about_its_point():
    (map_,) = heatmaps(torch.tensor([[[7.0, 4.0]]]), 16, 20, sigma=1.5)[0]
    assert map_[4, 7] == 1 and map_.argmax() == 4 * 20 + 7
    assert torch.isclose(map_[6, 8], torch.tensor(5.0 / (2 * 1.5**2)).neg().exp())


def test_points_outside_the_image_leave_finite_maps_and_peaks_at_the_edge():
    points = torch.tensor([[[-3.0, 8.0], [25.0, 30.0], [500.0, -500.0]]])
    maps = heatmaps(points, 16, 16, sigma=2.0)
    found = peaks(maps)
    assert torch.isfinite(maps).all() and torch.isfinite(found).all()
    assert torch.allclose(found[0, 0], torch.tensor([0.0, 8.0]), atol=0.5)
    assert not maps[0, 2].any()


def test_flat_and_noisy_maps_give_points_of_the_image():
    for maps in (torch.zeros(2, 3, 8, 8), torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))):
        found = peaks(maps)
        assert torch.isfinite(found).all() and found.min() >= -0.5 and found.max() <= 7.5


# ---- weights ---------------------------------------------------------------------------------------------------------


def binary(side, foreground):
    """A map of side² elements of which the first `foreground` are 1: [1, 1, side, side]."""
    return (torch.arange(side * side) < foreground).float().view(1, 1, side, side)


@pytest.mark.parametrize(("balance", "above", "below"), [(0.0, 1, 1), (0.5, 2, 1 / 1.75**0.5), (1.0, 4, 1 / 1.75)])
def test_an_eighth_of_a_map_weighs_as_the_closed_form_says(balance, above, below):
    """s = 1/8: (2s)^-b = 4^b on the foreground, (2 - 2s)^-b = 1.75^-b on the background."""
    target = binary(16, 32)
    weights = balancing_weights(target, balance)
    torch.testing.assert_close(weights, torch.where(target > 0, float(above), float(below)))
    missed = balanced_squared_error(0 * target, target, balance)
    invented = balanced_squared_error(torch.ones_like(target), target, balance)
    assert missed.item() == pytest.approx(above / 8) and invented.item() == pytest.approx(below * 7 / 8)


def test_at_balance_1_missing_all_of_a_part_costs_as_much_as_inventing_it_everywhere():
    for foreground in (1, 40, 128, 250):
        target = binary(16, foreground)
        for answer in (torch.zeros_like(target), torch.ones_like(target)):
            assert balanced_squared_error(answer, target, 1.0).item() == pytest.approx(0.5, rel=1e-4)
            plain = (answer - target).square().mean().item()
            assert balanced_squared_error(answer, target, 0.0).item() == pytest.approx(plain, rel=1e-5)


def test_values_between_are_between():
    """A heatmap's flanks: w is linear in y."""
    target = torch.tensor([0.5, 0.25, 0.0, 0.0]).view(1, 1, 2, 2)
    share = 0.75 / 4
    high, low = (2 * share) ** -0.5, (2 - 2 * share) ** -0.5
    expected = torch.tensor([(high + low) / 2, (high + 3 * low) / 4, low, low]).view(1, 1, 2, 2)
    torch.testing.assert_close(balancing_weights(target, 0.5), expected)


def test_empty_and_full_maps_have_finite_weights():
    for target in (torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)):
        own = (2 - 2 * LEAST) ** -0.5
        torch.testing.assert_close(balancing_weights(target, 0.5), torch.full_like(target, own))
    rare = binary(64, 1)  # 1 of 4096 elements is less than the least share
    assert balancing_weights(rare, 1.0).max().item() == pytest.approx(1 / (2 * LEAST))


def test_weights_are_of_each_image_and_map_alone():
    maps = torch.cat([torch.cat([binary(8, 3), binary(8, 50)], 1), torch.cat([binary(8, 20), binary(8, 0)], 1)])
    together = balancing_weights(maps, 0.5)
    alone = [balancing_weights(maps[b : b + 1, k : k + 1], 0.5) for b in range(2) for k in range(2)]
    assert torch.equal(together.flatten(0, 1), torch.cat(alone)[:, 0])
