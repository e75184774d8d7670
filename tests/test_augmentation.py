"""Augmentation: labels go where their pixels go, what is drawn is in its range, grey stays grey."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from inpaint_cli.augmentation import LANDMARK_PAIRS, PARSING_PAIRS, Geometric, Photometric
from inpaint_cli.data.label_maps import NUMBERS, PAIRS
from inpaint_cli.data.schema import LANDMARKS

SIZE = 64
FACE = torch.tensor([[20.0, 24.0], [44.0, 25.0], [32.0, 36.0], [24.0, 46.0], [40.0, 46.0]])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def dots(points):
    """A picture with one bright spot at each point, in a channel of its own: [1, K, H, W] in [-1, 1]."""
    y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    distance = (x - points[:, 0, None, None]) ** 2 + (y - points[:, 1, None, None]) ** 2
    return (2 * torch.exp(-distance / 8) - 1)[None]


def middles(image):
    """Where each channel's spot is, [K, 2] of x, y."""
    weights = (image[0] + 1).clamp_min(0.3) - 0.3
    found = [ndimage.center_of_mass(channel.numpy()) for channel in weights]
    return torch.tensor([[x, y] for y, x in found])


@pytest.mark.parametrize("seed", range(6))
def test_landmarks_go_where_their_pixels_go(seed):
    change = Geometric(shift=0.08, scale=0.15, rotation=20, flip=0.5)
    draws = change.draw(1, generator(seed))
    image, labels = change.apply(dots(FACE), {"landmarks": FACE[None]}, draws)
    seen = middles(image)
    if draws[0, 4] < 0:  # the left eye's spot is now the right eye
        seen = seen[[1, 0, 2, 4, 3]]
    assert torch.allclose(labels["landmarks"][0], seen.float(), atol=0.35)


def test_a_mirror_swaps_points_and_parts():
    labels = torch.zeros(1, SIZE, SIZE, dtype=torch.uint8)
    labels[0, 20:28, 16:24], labels[0, 20:28, 40:48] = NUMBERS["left eye"], NUMBERS["right eye"]
    change = Geometric(flip=1.0)
    image = torch.rand(1, 3, SIZE, SIZE, generator=generator()) * 2 - 1
    flipped, moved = change.apply(image, {"parsing": labels, "landmarks": FACE[None]}, change.draw(1, generator()))
    assert torch.allclose(flipped, image.flip(-1), atol=1e-5)
    assert torch.equal(moved["parsing"], labels)  # the parts stand where the other ones stood
    assert moved["landmarks"][0, 0].tolist() == pytest.approx([SIZE - 1 - 44, 25], abs=1e-4)


def test_mirrors_alone_are_the_general_way_without_its_rounding():
    mirrors, general = Geometric(flip=0.5), Geometric(flip=0.5, rotation=20)
    assert mirrors.only_mirrors and not general.only_mirrors
    draws = mirrors.draw(8, generator())
    assert len(set(draws[:, 4].tolist())) == 2
    image = torch.rand(8, 3, SIZE, SIZE - 8, generator=generator()) * 2 - 1
    parts = torch.randint(0, 11, (8, SIZE, SIZE - 8), generator=generator()).to(torch.uint8)
    labels = {"parsing": parts, "landmarks": FACE.expand(8, 5, 2)}
    (one, moved), (other, also_moved) = (change.apply(image, labels, draws) for change in (mirrors, general))
    assert torch.allclose(one, other, atol=1e-4) and torch.equal(one[draws[:, 4] > 0], image[draws[:, 4] > 0])
    assert all(torch.equal(moved[name], also_moved[name]) for name in labels)


def test_bytes_are_mirrored_as_floats_are():
    mirrors = Geometric(flip=0.5)
    pixels = torch.randint(0, 256, (8, 3, SIZE, SIZE - 8), generator=generator(), dtype=torch.uint8)
    draws, before = mirrors.draw(8, generator()), pixels.clone()
    (moved, _), (floats, _) = (mirrors.apply(image, {}, draws) for image in (pixels, pixels.float()))
    assert moved.dtype == torch.uint8 and torch.equal(moved.float(), floats) and torch.equal(pixels, before)
    assert mirrors.takes_bytes and not Geometric(flip=0.5, shift=0.1).takes_bytes and not Photometric().takes_bytes


def test_shifts_alone_are_by_whole_pixels():
    """Each image's middle is a piece of the original as it was; around it the border is seen again, mirrored."""
    change, side = Geometric(shift=2 / SIZE, flip=0.5), SIZE
    draws = change.draw(32, generator())
    image = torch.rand(32, 3, side, side, generator=generator()) * 2 - 1
    moved, labels = change.apply(image, {"landmarks": FACE.expand(32, 5, 2)}, draws)
    right, down = (draws[:, :2] * side).round().int().T
    assert {*right.tolist()} == {*down.tolist()} == {-2, -1, 0, 1, 2}
    for row, (x, y) in enumerate(zip(right.tolist(), down.tolist(), strict=True)):
        source = image[row].flip(-1) if draws[row, 4] < 0 else image[row]
        padded = np.pad(source.numpy(), ((0, 0), (2, 2), (2, 2)), mode="symmetric")
        wanted = padded[:, 2 - y : 2 - y + side, 2 - x : 2 - x + side]
        assert np.allclose(moved[row].numpy(), wanted, atol=1e-4)
        nose = (SIZE - 1 - 32 if draws[row, 4] < 0 else 32) + x, 36 + y
        assert labels["landmarks"][row, 2].tolist() == pytest.approx(nose, abs=1e-4)


def test_pairs_are_those_of_the_data():
    assert {*PARSING_PAIRS} == {tuple(sorted(NUMBERS[name] for name in pair)) for pair in PAIRS}
    for one, other in LANDMARK_PAIRS:
        assert {LANDMARKS[one].replace("left", "right")} == {LANDMARKS[other]}


def test_label_maps_keep_their_labels_and_move_with_the_image():
    """A part's mask, moved as an image, is the moved map's part but for its rim."""
    labels = torch.zeros(1, SIZE, SIZE, dtype=torch.uint8)
    labels[0, 10:40, 20:50] = NUMBERS["nose"]
    change = Geometric(shift=0.1, scale=0.1, rotation=30)
    image, moved = change.apply(
        (labels[:, None] > 0).float() * 2 - 1, {"parsing": labels}, change.draw(1, generator(3))
    )
    assert moved["parsing"].dtype == torch.uint8 and {*moved["parsing"].unique().tolist()} == {0, NUMBERS["nose"]}
    different = (moved["parsing"] > 0) != (image[:, 0] > 0)
    assert different.float().mean() < 0.01 and not torch.equal(moved["parsing"], labels)


def test_nothing_drawn_changes_nothing():
    image = torch.rand(3, 3, SIZE, SIZE, generator=generator()) * 2 - 1
    for change in (Geometric(), Photometric()):
        same, _ = change.apply(image, {}, change.draw(3, generator()))
        assert torch.allclose(same, image, atol=2e-5)


def test_draws_lie_in_their_ranges_and_are_not_all_alike():
    draws = Geometric(shift=0.1, scale=0.25, rotation=15, flip=0.3).draw(4000, generator())
    assert draws[:, :2].abs().max() <= 0.1 and draws[:, 3].abs().max() <= math.radians(15)
    assert 1 / 1.25 <= draws[:, 2].min() < 0.85 < 1.2 < draws[:, 2].max() <= 1.25
    assert (draws[:, 4] < 0).float().mean() == pytest.approx(0.3, abs=0.03)


def test_the_share_of_a_batch_is_what_the_whole_batch_has():
    image = torch.rand(6, 3, SIZE, SIZE, generator=generator()) * 2 - 1
    for change in (Geometric(0.1, 0.1, 10, 0.5), Photometric(0.1, 0.3, 0.3)):
        draws = change.draw(6, generator())
        whole, _ = change.apply(image, {}, draws)
        part, _ = change.apply(image[2:5], {}, draws[2:5])
        assert torch.allclose(part, whole[2:5], atol=1e-6)


def test_saturation_and_hue_leave_brightness_and_grey_alone():
    grey = torch.rand(2, 1, SIZE, SIZE, generator=generator()).expand(-1, 3, -1, -1) * 1.8 - 0.9
    change = Photometric(hue=0.5, saturation=0.9)
    same, _ = change.apply(grey, {}, change.draw(2, generator()))
    assert torch.allclose(same, grey, atol=1e-4)
    red = torch.full((1, 3, SIZE, SIZE), -0.5)
    red[:, 0] = 0.2
    turned, _ = change.apply(red, {}, torch.tensor([[math.pi, 1.0, 1.0, 0.0]]))
    assert turned[0, 0, 0, 0] < turned[0, 1, 0, 0]  # half a turn from red lies cyan
    luma = torch.tensor([0.299, 0.587, 0.114])
    assert torch.allclose((turned[0, :, 0, 0] * luma).sum(), (red[0, :, 0, 0] * luma).sum(), atol=1e-4)


def test_contrast_stretches_about_the_mean():
    image = torch.rand(2, 3, SIZE, SIZE, generator=generator()) - 0.5
    changed, _ = Photometric(contrast=0.5).apply(image, {}, torch.tensor([[0.0, 1.0, 1.5, 0.0], [0.0, 1.0, 0.5, 0.0]]))
    assert changed.std(dim=(1, 2, 3)) / image.std(dim=(1, 2, 3)) == pytest.approx(torch.tensor([1.5, 0.5]), rel=1e-2)


def test_blur_is_the_gaussian_of_scipy():
    image = torch.rand(2, 3, SIZE, SIZE, generator=generator()) * 2 - 1
    sigmas = [0.6, 1.7]
    draws = torch.tensor([[0.0, 1.0, 1.0, sigma] for sigma in sigmas])
    blurred, _ = Photometric(blur=2.0).apply(image, {}, draws)
    for own, original, sigma in zip(blurred.numpy(), image.numpy(), sigmas, strict=True):
        expected = np.stack([ndimage.gaussian_filter(plane, sigma, mode="nearest", radius=6) for plane in original])
        assert np.abs(own - expected).max() < 1e-4


def test_what_happens_to_an_image_does_not_depend_on_those_beside_it():
    """Else a share of a batch would learn from other images than the whole batch in one process."""
    image = torch.rand(4, 3, SIZE, SIZE, generator=generator()) * 2 - 1
    for change in (Photometric(0.1, 0.3, 0.3, 2.0), Geometric(0.1, 0.2, 20.0, 0.5)):
        draws = change.draw(4, generator())
        together, _ = change.apply(image, {}, draws)
        for row in range(4):
            alone, _ = change.apply(image[row : row + 1], {}, draws[row : row + 1])
            assert torch.allclose(alone[0], together[row], atol=1e-6)


def test_grey_sets_stay_grey():
    change = Photometric(hue=0.5, saturation=0.5, contrast=0.3, blur=1.0)
    image = torch.rand(2, 1, 28, 28, generator=generator()) * 2 - 1
    changed, _ = change.apply(image, {}, change.draw(2, generator()))
    assert changed.shape == image.shape and not torch.equal(changed, image)
