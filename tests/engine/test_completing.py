"""Photos of any size: known pixels untouched, nothing of the hole seen, windows that hold the hole."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from harness import HARDWARE

from inpaint_cli.engine.completing import Window, complete_photo, parts_of, shrink, window_around
from inpaint_cli.method import ImageShape


class Recorder(torch.nn.Module):
    """Completes with a constant and keeps what it was shown."""

    def __init__(self, shape, any_size=False, value=0.5):
        super().__init__()
        self.shape, self.any_size, self.value, self.shown = ImageShape(*shape), any_size, value, []

    def complete(self, observed, mask, *, samples=1, generator=None):
        self.shown.append(SimpleNamespace(observed=observed, mask=mask))
        completed = torch.where(mask > 0, observed, torch.full_like(observed, self.value))
        return completed[:, None].repeat(1, samples, 1, 1, 1)


def photo(height, width, channels=3):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def hole_in(height, width, top, left, bottom, right):
    hole = np.zeros((height, width), bool)
    hole[top:bottom, left:right] = True
    return hole


@pytest.mark.parametrize("any_size", [False, True])
@pytest.mark.parametrize("size", [(100, 70), (20, 300), (9, 7)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("own", [1, 3])
def test_known_pixels_are_unchanged_and_the_hole_is_filled(any_size, size, channels, own):
    pixels, hole = photo(*size, channels), hole_in(*size, 2, 1, 7, 6)
    method = Recorder((channels if any_size else own, 32, 32), any_size)
    completed = complete_photo(method, pixels, hole, HARDWARE, samples=2)
    assert completed.shape == (2, *pixels.shape) and completed.dtype == np.uint8
    np.testing.assert_array_equal(completed[:, ~hole], np.stack([pixels[~hole]] * 2))
    # (0.5 + 1) * 127.5; a window that was enlarged or shrunk mixes in a little of the known pixels beside it
    np.testing.assert_allclose(completed[:, hole].astype(int), 191, atol=1 if any_size or size == (100, 70) else 20)


@pytest.mark.parametrize("any_size", [False, True])
def test_what_the_hole_holds_has_no_influence(any_size):
    pixels, hole = photo(90, 64), hole_in(90, 64, 30, 20, 50, 45)
    other = np.where(hole[..., None], 255 - pixels, pixels)
    shown = []
    for version in (pixels, other):
        method = Recorder((3, 32, 32), any_size)
        complete_photo(method, version, hole, HARDWARE)
        shown.append(method.shown[0])
    assert torch.equal(shown[0].observed, shown[1].observed)
    assert (shown[0].mask == 0).any()


@pytest.mark.parametrize("box", [(0, 0, 5, 5), (40, 60, 90, 70), (0, 0, 99, 149), (98, 148, 99, 149), (10, 0, 12, 150)])
@pytest.mark.parametrize("size", [(99, 150), (200, 160)])
def test_windows_hold_the_hole_and_keep_the_aspect(box, size):
    window = window_around(box, size, (32, 32))
    top, left, bottom, right = box
    assert window.top <= top and window.left <= left
    assert window.top + window.height >= bottom and window.left + window.width >= right
    assert window.height == window.width >= 32
    fits = window.height <= min(size)
    assert not fits or (0 <= window.top <= size[0] - window.height and 0 <= window.left <= size[1] - window.width)


def test_a_small_hole_is_seen_at_the_photos_own_scale():
    window = window_around((50, 50, 54, 54), (200, 200), (32, 32))
    assert (window.height, window.width) == (32, 32)


def test_cutting_and_pasting_beyond_the_edges():
    image = torch.arange(12.0).view(1, 1, 3, 4)
    window = Window(-1, -2, 6, 7)
    patch = window.cut(image)
    assert patch.shape == (1, 1, 6, 7)
    assert torch.equal(patch[..., 1:4, 2:6], image) and patch.sum() == image.sum()
    pasted = torch.zeros_like(image)
    where = torch.ones(3, 4, dtype=torch.bool)
    where[1, 2] = False
    window.paste(patch, pasted, where)
    assert torch.equal(pasted, image * where)


def test_parts_that_lie_apart_are_completed_apart():
    hole = hole_in(200, 300, 10, 10, 20, 24) | hole_in(200, 300, 22, 20, 30, 40) | hole_in(200, 300, 150, 250, 160, 280)
    parts = list(parts_of(hole))
    assert [box for _, box in parts] == [(10, 10, 30, 40), (150, 250, 160, 280)]
    assert np.array_equal(parts[0][0] | parts[1][0], hole) and not (parts[0][0] & parts[1][0]).any()
    method = Recorder((3, 32, 32), any_size=True)
    complete_photo(method, photo(200, 300), hole, HARDWARE)
    assert [tuple(shown.mask.shape[-2:]) for shown in method.shown] == [(36, 46), (26, 46)]


def test_tv_of_the_parts_is_tv_of_the_whole():
    """Known pixels are fixed, so what lies apart cannot influence each other."""
    from inpaint_cli.methods.tv import TV, Settings

    pixels, hole = photo(48, 80), hole_in(48, 80, 8, 8, 16, 18) | hole_in(48, 80, 30, 60, 40, 70)
    method = TV(Settings(tolerance=1e-5, iterations=3000), ImageShape(3, 48, 80), None)
    image, mask = (
        torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1,
        torch.from_numpy(~hole).float()[None, None],
    )
    whole = method.complete(image * mask, mask)[0, 0]
    parts = complete_photo(method, pixels, hole, HARDWARE)[0]
    np.testing.assert_allclose(parts.transpose(2, 0, 1), (whole.numpy() + 1) * 127.5, atol=2)


def test_shrinking_keeps_missing_colours_out():
    image = torch.ones(1, 3, 64, 64)
    mask = torch.ones(1, 1, 64, 64)
    mask[..., 20:41, 13:50] = 0
    image = torch.where(mask > 0, image, torch.full_like(image, -1.0))
    small, known = shrink(image * mask, mask, (16, 16))
    assert ((known == 0) | (known == 1)).all() and 0 < known.mean() < 1
    torch.testing.assert_close(small, known.expand_as(small))
