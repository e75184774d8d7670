"""Landmarks as heatmaps and back."""

import torch

from inpaint_cli.networks.heatmaps import heatmaps, peaks


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
