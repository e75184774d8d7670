"""Total-variation inpainting: what it must restore, and that it is the minimum of its functional."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from inpaint_cli.blending import poisson
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape
from inpaint_cli.methods import tv
from inpaint_cli.methods.tv import METHOD, Region, Settings, bregman_iteration


def complete(image, mask, samples=1, **settings):
    """[B, C, H, W] completed by `tv`, the first sample."""
    method = METHOD(METHOD.Settings(**settings), ImageShape(*image.shape[1:]), None)
    observed = torch.where(mask > 0, image, 0.0)
    return method.complete(observed, mask, samples=samples)[:, 0]


def total_variation(image):
    """Σ over pixels of the length of the gradient, all channels together; written apart from the method."""
    image = np.asarray(image, dtype=np.float64)  # [C, H, W]
    right, down = np.zeros_like(image), np.zeros_like(image)
    right[..., :-1] = np.diff(image, axis=2)
    down[:, :-1] = np.diff(image, axis=1)
    return np.sqrt((right**2 + down**2).sum(axis=0)).sum()


def forward_differences(image):
    """To the right and downwards, 0 at the last column and row. [B, C, H, W] -> [B, 2, C, H, W]"""
    right, down = torch.zeros_like(image), torch.zeros_like(image)
    right[..., :-1] = image[..., 1:] - image[..., :-1]
    down[..., :-1, :] = image[..., 1:, :] - image[..., :-1, :]
    return torch.stack((right, down), dim=1)


def hole(height, width, rows, columns):
    mask = torch.ones(1, 1, height, width)
    mask[..., rows, columns] = 0
    return mask


def smooth_images(count, channels, size, seed=0):
    """Images with edges and slopes: smooth noise, partly thresholded."""
    noise = torch.randn(count, channels, 6, 6, generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.interpolate(noise, (size, size), mode="bicubic").clamp(-1, 1)
    return torch.where(smooth > 0.3, 0.8, smooth * 0.5)


@pytest.mark.parametrize("level", [-1.0, 0.0, 0.37, 1.0])
def test_a_constant_image_stays_constant(level):
    image = torch.full((1, 3, 40, 33), level)
    completed = complete(image, hole(40, 33, slice(5, 35), slice(8, 30)))
    torch.testing.assert_close(completed, image, atol=1e-4, rtol=0)


def test_a_straight_edge_is_continued_through_a_narrow_hole():
    image = torch.full((1, 1, 48, 48), -0.6)
    image[..., 24:] = 0.7
    completed = complete(image, hole(48, 48, slice(21, 27), slice(12, 36)), tolerance=1e-5, iterations=2000)
    assert (completed - image).abs().max() < 0.02


def test_the_energy_is_close_to_that_of_a_much_longer_run():
    images = smooth_images(4, 3, 48)
    mask = parse_masks("extrapolate:0.25").draw(4, (3, 48, 48), generator=torch.Generator().manual_seed(1))
    usual = complete(images, mask)
    longer = complete(images, mask, tolerance=1e-9, iterations=1000)
    for first, second in zip(usual, longer, strict=True):
        assert total_variation(first) < 1.01 * total_variation(second)
        assert total_variation(second) < 1.001 * total_variation(first)


@pytest.mark.parametrize("spec", ["center:6", "rec:0.25", "noise:0.5"])
def test_it_finds_the_minimum_that_an_independent_minimiser_finds(spec):
    image = smooth_images(1, 2, 14, seed=3)
    mask = parse_masks(spec).draw(1, (2, 14, 14), generator=torch.Generator().manual_seed(2))
    completed = complete(image, mask, tolerance=1e-8, iterations=5000)
    known = (mask > 0).expand_as(image)[0].numpy()

    def smoothed(values):
        candidate = image[0].double().clone()
        missing = torch.tensor(values, requires_grad=True)
        candidate[torch.from_numpy(~known)] = missing
        energy = (forward_differences(candidate[None]).square().sum(dim=(1, 2)) + 1e-8).sqrt().sum()
        energy.backward()
        return energy.item(), missing.grad.numpy()

    found = minimize(smoothed, np.zeros((~known).sum()), jac=True, method="L-BFGS-B", options={"maxiter": 5000})
    reference = image[0].double().numpy().copy()
    reference[~known] = found.x
    assert total_variation(completed[0]) == pytest.approx(total_variation(reference), rel=2e-3)


def test_known_values_come_back_to_the_bit_and_hidden_ones_are_never_looked_at():
    image = smooth_images(3, 3, 40)
    mask = parse_masks("rec:0.3").draw(3, (3, 40, 40), generator=torch.Generator().manual_seed(4))
    completed = complete(image, mask)
    assert torch.equal(completed[mask > 0], image[mask > 0])
    method = METHOD(Settings(), ImageShape(3, 40, 40), None)
    poisoned = method.complete(torch.where(mask > 0, image, torch.nan), mask)[:, 0]
    assert torch.equal(poisoned, completed)


def test_an_image_does_not_depend_on_the_others_in_its_batch():
    images = smooth_images(5, 1, 48)
    images[1] *= 0.01  # at rest long before the others
    mask = parse_masks("extrapolate:0.2").draw(5, (1, 48, 48), generator=torch.Generator().manual_seed(5))
    together = complete(images, mask)
    for i in range(5):
        alone = complete(images[i : i + 1], mask[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, atol=2e-3, rtol=0)


def test_samples_are_the_same_image():
    image = smooth_images(2, 3, 24)
    method = METHOD(Settings(), ImageShape(3, 24, 24), None)
    samples = method.complete(image, hole(24, 24, slice(4, 12), slice(4, 12)).expand(2, -1, -1, -1), samples=3)
    assert samples.shape == (2, 3, 3, 24, 24)
    assert torch.equal(samples[:, 0], samples[:, 2])


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (7, 5), (33, 50), (96, 17)])
def test_any_size_is_completed(size):
    image = torch.rand(2, 4, *size, generator=torch.Generator().manual_seed(6)) * 2 - 1
    mask = (torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(7)) > 0.5).float()
    completed = complete(image, mask)
    assert completed.shape == image.shape
    assert completed.isfinite().all() and completed.abs().max() <= 1


def test_nothing_known_gives_grey_and_everything_known_gives_the_image():
    image = smooth_images(1, 3, 32)
    assert torch.equal(complete(image, torch.ones(1, 1, 32, 32)), image)
    assert complete(image, torch.zeros(1, 1, 32, 32)).abs().max() < 1e-6


def test_a_channel_that_is_missing_whole_becomes_the_mean_of_what_is_known():
    image = smooth_images(1, 3, 32)
    mask = torch.ones(1, 3, 32, 32)
    mask[:, 1] = 0
    completed = complete(image, mask)[0, 1]
    torch.testing.assert_close(completed, image[:, [0, 2]].mean().expand(32, 32), atol=1e-3, rtol=0)


def random_region(channels, mask_channels, seed=8):
    """A third of the pixels missing, single ones and at the borders too, and an image."""
    random = torch.Generator().manual_seed(seed)
    missing = torch.rand(mask_channels, 20, 13, generator=random) < 0.35
    missing[:, 4:12, 5:] = True
    return Region(missing, channels), torch.randn(channels, 20, 13, generator=random)


@pytest.mark.parametrize("mask_channels", [1, 3])
def test_the_image_subproblem_is_solved_exactly(mask_channels):
    region, image = random_region(3, mask_channels)
    state = bregman_iteration(region, bregman_iteration(region, region.start(image, None), 0.2), 0.2)
    left = region.divergence(region.differences(state.values) - state.gradient + state.error)
    hidden = region.missing.expand(3, -1, -1).flatten(1)[:, region.hole]
    assert left[hidden].abs().max() < 1e-9
    assert torch.equal(state.values[:, ~torch.isin(region.values, region.hole)], known_values(region, image))


def known_values(region, image):
    return image.flatten(1)[:, region.values[~torch.isin(region.values, region.hole)]].double()


def test_a_regions_differences_are_those_of_the_image():
    region, image = random_region(2, 1)
    wanted = forward_differences(image[None].double())[0].flatten(2)[..., region.gradients]
    found = region.differences(region.start(image, None).values)
    torch.testing.assert_close(found[..., :-1], wanted)
    assert not found[..., -1].any()
    outside = torch.ones(20 * 13, dtype=torch.bool)
    outside[region.gradients] = False
    inside_only = torch.where(region.missing, image, 0.0)
    assert not forward_differences(inside_only[None])[0].flatten(2)[..., outside].any()  # none is left out


def test_divergence_is_minus_the_transpose_of_the_differences():
    region, _ = random_region(2, 1)
    random = torch.Generator().manual_seed(9)
    hidden = torch.isin(region.values, region.hole)
    values = torch.randn(2, len(region.values), generator=random, dtype=torch.float64) * hidden
    other = torch.randn(2, len(region.values), generator=random, dtype=torch.float64)
    gradient = region.differences(other)
    left = (region.differences(values) * gradient).sum()
    right = -(values[:, region.unknown] * region.divergence(gradient)).sum()
    assert left.item() == pytest.approx(right.item())


def test_channels_with_holes_of_their_own_are_solved_together():
    """REC masks: the gradients of known channels count where another is missing."""
    image = smooth_images(1, 3, 14, seed=5)
    mask = parse_masks("rec:0.3").draw(1, (3, 14, 14), generator=torch.Generator().manual_seed(3))
    assert len({plane.numpy().tobytes() for plane in mask[0]}) == 3
    completed = complete(image, mask)
    longer = complete(image, mask, tolerance=1e-8, iterations=5000)
    assert total_variation(completed[0]) < 1.001 * total_variation(longer[0])
    alone = torch.cat([complete(image[:, c : c + 1], mask[:, c : c + 1]) for c in range(3)], dim=1)
    assert total_variation(completed[0]) < total_variation(alone[0])


def test_what_lies_far_from_the_hole_changes_nothing():
    image = smooth_images(1, 3, 64, seed=4)
    whole = complete(image, hole(64, 64, slice(20, 40), slice(22, 41)), tolerance=1e-6, iterations=3000)
    part = image[..., 12:48, 12:50]
    window = complete(part, hole(36, 38, slice(8, 28), slice(10, 29)), tolerance=1e-6, iterations=3000)
    assert total_variation(whole[0, :, 12:48, 12:50]) == pytest.approx(total_variation(window[0]), rel=1e-4)


def test_very_large_holes_reach_the_same_minimum_without_a_factorisation(monkeypatch):
    image = smooth_images(1, 3, 64, seed=6)
    mask = parse_masks("pattern:0.4").draw(1, (3, 64, 64), generator=torch.Generator().manual_seed(4))
    factorised = complete(image, mask)
    monkeypatch.setattr(poisson, "FACTORISED_PIXELS", 0)
    monkeypatch.setattr(poisson, "COARSEST", 30)
    monkeypatch.setattr(tv, "HOLES", poisson.HoleCache())
    iterated = complete(image, mask)
    assert total_variation(iterated[0]) == pytest.approx(total_variation(factorised[0]), rel=1e-3)
    assert (iterated - factorised).abs().mean() * 127.5 < 0.5
