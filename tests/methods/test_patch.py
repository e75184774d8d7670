"""Exemplar completion: what it must restore, what it may copy, and that it answers anything."""

import numpy as np
import pytest
import torch
from skimage import data
from skimage.draw import polygon2mask
from skimage.restoration import inpaint_biharmonic
from torch.nn import functional

from inpaint_cli.exemplar.field import Field
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape
from inpaint_cli.methods.patch import METHOD


def complete(image, mask, samples=1, seed=0, sources=None, **settings):
    """[B, samples, C, H, W]"""
    method = METHOD(METHOD.Settings(**settings), ImageShape(*image.shape[1:]), None)
    generator = torch.Generator().manual_seed(seed)
    observed = torch.where(mask > 0, image, 0.0)
    return method.complete(observed, mask, samples=samples, generator=generator, sources=sources)


def photo(pixels):
    """uint8 [H, W] or [H, W, C] -> [1, C, H, W]"""
    return torch.from_numpy(np.atleast_3d(pixels)).permute(2, 0, 1)[None].float() / 127.5 - 1


def square(height, width, rows, columns):
    mask = torch.ones(1, 1, height, width)
    mask[..., rows, columns] = 0
    return mask


def tiles(height, width, period=12):
    """A pattern that repeats, with detail inside the period."""
    tile = torch.rand(1, 3, period, period, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return tile.repeat(1, 1, height // period + 1, width // period + 1)[..., :height, :width]


def test_a_repeating_pattern_is_restored():
    image, mask = tiles(96, 108), square(96, 108, slice(30, 60), slice(40, 74))
    completed = complete(image, mask)[:, 0]
    assert (completed - image).abs().mean() / (mask == 0).float().mean() < 0.02


def test_a_smooth_slope_has_no_seams():
    image = (torch.linspace(-0.8, 0.8, 90)[:, None] + torch.linspace(-0.1, 0.1, 80)).expand(1, 3, 90, 80).contiguous()
    completed = complete(image, square(90, 80, slice(30, 60), slice(25, 55)))[:, 0]
    assert (completed - image).abs().max() < 0.08  # a plain copy from any other height is 0.5 off


def test_thin_scratches_are_restored_better_than_by_the_biharmonic_fill():
    ours, theirs = [], []
    for pixels in (data.brick()[:160, :160], data.coffee()[100:260, 100:260], data.camera()[100:260, 140:300]):
        image, mask = photo(pixels), torch.ones(1, 1, 160, 160)
        for start in range(10, 150, 24):
            mask[..., start : start + 3, 8:150] = mask[..., 8:150, start : start + 3] = 0
        hole = (mask == 0).expand_as(image)
        completed = complete(image, mask)[:, 0]
        reference = inpaint_biharmonic(image[0].numpy(), mask[0, 0].numpy() == 0, channel_axis=0)
        ours.append(-10 * (completed - image)[hole].square().mean().log10())
        theirs.append(-10 * (torch.from_numpy(reference)[None] - image)[hole].square().mean().log10())
    assert sum(ours) > sum(theirs)


def test_texture_stays_as_sharp_as_the_texture_around_it():
    image = photo(data.gravel()[:256, :256])
    completed = complete(image, square(256, 256, slice(80, 150), slice(90, 160)))[:, 0]
    inside, outside = completed[..., 85:145, 95:155], image[..., 170:250, 10:250]
    assert inside.diff(dim=-1).abs().mean() > 0.8 * outside.diff(dim=-1).abs().mean()


def test_no_other_object_appears_in_the_middle_of_a_plain_wall():
    outline = [(0, 320), (0, 394), (40, 400), (190, 406), (280, 410), (288, 306), (224, 288), (190, 296), (160, 316)]
    image, mask = photo(data.astronaut()[:, 58:]), torch.ones(1, 1, 512, 454)
    mask[0, 0, polygon2mask((512, 454), outline)] = 0  # the model of a shuttle before a wall, above a table
    completed = complete(image, mask)[0, 0]
    assert completed[:, :200, 300:405].mean(dim=0).min() > -0.2  # the wall is brighter, the astronaut's hair is not


def test_straight_edges_of_a_room_go_on_and_meet():
    row, column = np.indices((480, 480)) / 3
    floor = row > 84 + np.where(column > 75, 0.35, 0.25) * (column - 75)
    part = np.where(floor, 0, np.where(column > 75, 1, 2))  # and two walls
    colours = np.array([(0.2, -0.1, -0.4), (0.4, 0.5, 0.5), (0.7, 0.6, 0.5)], np.float32)
    image = functional.avg_pool2d(torch.from_numpy(colours[part]).permute(2, 0, 1)[None], 3)
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(0)) * 0.02
    hole = slice(56, 114), slice(46, 104)
    completed = complete(image + noise, square(160, 160, *hole))[0, 0]
    nearest = (completed[None] - torch.from_numpy(colours)[:, :, None, None]).square().sum(dim=1).argmin(dim=0)
    assert (nearest.numpy() == part[1::3, 1::3])[hole].mean() > 0.97


def test_nothing_is_copied_from_outside_the_sources():
    image = torch.full((1, 3, 64, 96), -0.5)
    image[..., 48:] = 0.7
    image += 0.1 * torch.rand(image.shape, generator=torch.Generator().manual_seed(3))
    mask = square(64, 96, slice(20, 44), slice(36, 60))
    sources = torch.zeros(1, 1, 64, 96)
    sources[..., :30] = 1  # the dark side alone
    free, bound = (complete(image, mask, sources=part)[0, 0, :, 26:38, 50:56].mean() for part in (None, sources))
    assert free > 0.5
    assert bound < free - 0.2


def test_a_seed_fixes_the_result_and_samples_differ():
    image, mask = photo(data.coffee()[60:188, 60:188]), square(128, 128, slice(40, 80), slice(40, 80))
    first, second = complete(image, mask, samples=2), complete(image, mask, samples=2)
    assert torch.equal(first, second)
    assert (first[:, 0] - first[:, 1]).abs().max() > 0.1
    assert all(
        torch.equal(sample[mask.expand_as(image) > 0], image[mask.expand_as(image) > 0]) for sample in first[0][:, None]
    )


def test_sixteen_bits_are_copied_whole():
    levels = torch.randint(0, 65536, (1, 1, 12, 12), generator=torch.Generator().manual_seed(4))
    image = (levels.float() / 32767.5 - 1).repeat(1, 1, 8, 8)
    completed = complete(image, square(96, 96, slice(30, 60), slice(30, 60)))[0, 0]
    assert ((completed - image[0]).abs() < 1 / 32767.5).float().mean() > 0.99


def test_hidden_pixels_are_never_looked_at():
    image, mask = tiles(48, 48), square(48, 48, slice(10, 30), slice(12, 34))
    method = METHOD(METHOD.Settings(), ImageShape(3, 48, 48), None)
    poisoned = torch.where(mask > 0, image, torch.nan)
    hidden = method.complete(poisoned, mask, generator=torch.Generator().manual_seed(0))
    assert torch.equal(hidden, complete(image, mask))


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (2, 3), (9, 8), (17, 50), (64, 33)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_size_and_number_of_channels(size, channels):
    image = torch.rand(2, channels, *size, generator=torch.Generator().manual_seed(6)) * 2 - 1
    mask = torch.ones(2, 1, *size)
    mask[..., : size[0] // 2 + 1, : size[1] // 2] = 0  # touches the border
    completed = complete(image, mask, samples=2)
    known = mask.expand_as(image) > 0
    assert completed.isfinite().all() and completed.abs().max() <= 1
    assert all(torch.equal(sample[known], image[known]) for sample in completed.unbind(1))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nothing_and_everything_missing(share):
    image = tiles(40, 40)
    completed = complete(image, torch.full((1, 1, 40, 40), 1 - share))[:, 0]
    assert completed.isfinite().all()
    assert share or torch.equal(completed, image)


def test_channels_that_are_missing_apart_keep_what_is_known():
    image, mask = tiles(60, 60), parse_masks("rec:0.5").draw(1, (3, 60, 60), generator=torch.Generator().manual_seed(1))
    completed = complete(image, mask)[:, 0]
    assert torch.equal(completed[mask > 0], image[mask > 0])
    assert completed.isfinite().all()


def test_a_batch_of_different_holes_is_completed_image_by_image():
    images = torch.cat([tiles(96, 96, period) for period in (8, 12, 16)] + [tiles(96, 96)])
    masks = torch.cat(
        [square(96, 96, slice(30, 30 + side), slice(34, 34 + side)) for side in (5, 24, 36)]
        + [torch.zeros(1, 1, 96, 96)]
    )
    completed = complete(images, masks)[:, 0]
    error = ((completed - images).abs() * (1 - masks)).mean(dim=(1, 2, 3)) / (1 - masks).mean(dim=(1, 2, 3))
    assert (error[:3] < 0.05).all()
    assert completed.isfinite().all()


def test_it_says_how_far_it_is_often_enough_to_be_ended(monkeypatch):
    """At most one look at candidates for all patches lies between two moments at which it may be ended."""
    looks, heard = [0], []
    consider = Field.consider

    def counted(field, candidates):
        looks[-1] += 1
        consider(field, candidates)

    def listen(share):
        heard.append(share)
        looks.append(0)

    monkeypatch.setattr(Field, "consider", counted)
    monkeypatch.setattr("inpaint_cli.exemplar.field.EXHAUSTIVE", 0)
    image = photo(data.coffee()[:200, :200])
    mask = square(200, 200, slice(60, 140), slice(60, 140))
    method = METHOD(METHOD.Settings(), ImageShape(3, 200, 200), None).eval()
    method.tell = listen
    method.complete(image * mask, mask)
    assert max(looks) == 1 and sum(looks) > 100
    assert min(heard) == 0 and 0.8 < max(heard) < 1 and heard[-1] == max(heard)


def test_the_margin_grows_with_the_part_within_limits():
    method = METHOD(METHOD.Settings(), ImageShape(3, 64, 64), None)
    assert method.margin(4, 9) == method.margin(96, 20) < method.margin(300, 20) < method.margin(5000, 5000) == 512
