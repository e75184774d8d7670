"""Photos of any size: known pixels untouched, nothing of the hole seen, windows that hold the hole."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from harness import HARDWARE

from inpaint_cli.engine.completing import complete_photo, quantised, signed
from inpaint_cli.engine.framing import Framing, extended, plan_of, shrink
from inpaint_cli.engine.windows import Box, Part, parts_of, side_around, window_around, windows_over
from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.method import ImageShape

PASTE = Framing(blend="paste")


class Recorder(torch.nn.Module):
    """Completes with a constant, or with `paint(observed, mask)`, and keeps what it was shown."""

    per_channel = True

    def __init__(self, shape, any_size=False, value=0.5, paint=None):
        super().__init__()
        self.shape, self.any_size, self.takes_sources, self.shown = ImageShape(*shape), any_size, False, []
        self.paint = paint or (lambda observed, mask: torch.full_like(observed, value))

    def margin(self, height, width):
        return 8

    def complete(self, observed, mask, *, samples=1, generator=None, sources=None):
        self.shown.append(SimpleNamespace(observed=observed, mask=mask, sources=sources))
        completed = torch.where(mask > 0, observed, self.paint(observed, mask))
        return completed[:, None].repeat(1, samples, 1, 1, 1)


def photo(height, width, channels=3, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, (height, width, channels), dtype=dtype)


def hole_in(height, width, top, left, bottom, right):
    hole = np.zeros((height, width), bool)
    hole[top:bottom, left:right] = True
    return hole


def disk(height, width, row, column, radius):
    y, x = np.ogrid[:height, :width]
    return (y - row) ** 2 + (x - column) ** 2 <= radius**2


@pytest.mark.parametrize("any_size", [False, True])
@pytest.mark.parametrize("size", [(100, 70), (20, 300), (9, 7)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("own", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_known_pixels_are_unchanged_and_the_hole_is_filled(any_size, size, channels, own, dtype):
    pixels, hole = photo(*size, channels, dtype), hole_in(*size, 2, 1, 7, 6)
    method = Recorder((channels if any_size else own, 32, 32), any_size)
    completed = complete_photo(method, pixels, hole, HARDWARE, samples=2, framing=PASTE)
    assert completed.shape == (2, *pixels.shape) and completed.dtype == dtype
    np.testing.assert_array_equal(completed[:, ~hole], np.stack([pixels[~hole]] * 2))
    np.testing.assert_allclose(completed[:, hole].astype(int), 1.5 / 2 * np.iinfo(dtype).max, atol=1)


@pytest.mark.parametrize("blend", ["poisson", "feather"])
def test_blends_remove_the_step_at_the_rim_and_paste_keeps_it(blend):
    pixels, hole = np.full((80, 80, 3), 100, np.uint8), disk(80, 80, 40, 40, 15)
    method = Recorder((3, 32, 32), value=0.5)  # grey level 191, where the photo has 100
    steps = {}
    for name in (blend, "paste"):
        completed = complete_photo(method, pixels, hole, HARDWARE, framing=Framing(blend=name))[0].astype(int)
        steps[name] = np.abs(np.diff(completed, axis=1)).max()
    assert steps[blend] <= 20 and steps["paste"] > 80


def test_poisson_keeps_the_gradients_of_the_completion_and_takes_the_colours_of_the_photo():
    pixels, hole = np.full((64, 64, 1), 60, np.uint8), hole_in(64, 64, 20, 20, 44, 44)
    stripes = torch.arange(64).remainder(2).float().view(1, 1, 1, 64) * 0.5  # 64 levels apart
    method = Recorder((1, 64, 64), paint=lambda observed, mask: stripes.expand_as(observed))
    completed = complete_photo(method, pixels, hole, HARDWARE)[0, 30:34, 26:38, 0].astype(int)
    assert np.abs(np.abs(np.diff(completed, axis=1)) - 64).max() <= 8
    assert abs(completed.mean() - 60) < 40


@pytest.mark.parametrize("any_size", [False, True])
def test_what_the_hole_holds_has_no_influence(any_size):
    pixels, hole = photo(90, 64), hole_in(90, 64, 30, 20, 50, 45)
    other = np.where(hole[..., None], 255 - pixels, pixels)
    results = [
        complete_photo(Recorder((3, 32, 32), any_size, paint=lambda o, m: o.flip(-1)), version, hole, HARDWARE)
        for version in (pixels, other)
    ]
    np.testing.assert_array_equal(*results)


def test_a_mask_of_each_channel_completes_each_channel():
    pixels = photo(40, 50)
    hole = np.zeros((40, 50, 3), bool)
    hole[..., 1] = True
    hole[10:20, 10:20, 0] = True
    for method in (Recorder((3, 40, 50), any_size=True), Recorder((3, 32, 32)), Recorder((1, 32, 32))):
        completed = complete_photo(method, pixels, hole, HARDWARE, framing=PASTE)[0]
        np.testing.assert_array_equal(completed[~hole], pixels[~hole])
        np.testing.assert_allclose(completed[hole].astype(int), 191, atol=1)


def test_sources_reach_the_method_however_far_they_are():
    pixels, hole = photo(200, 200), hole_in(200, 200, 10, 10, 20, 20)
    sources = hole_in(200, 200, 150, 160, 180, 190) | hole
    method = Recorder((3, 1, 1), any_size=True)
    complete_photo(method, pixels, hole, HARDWARE, sources=sources)
    shown = method.shown[0]
    assert shown.sources.shape == shown.mask.shape and int(shown.sources.sum()) == 900
    with pytest.raises(InputError, match="copied from"):
        complete_photo(method, pixels, hole, HARDWARE, sources=hole)


@pytest.mark.parametrize("copies", [False, True])
@pytest.mark.parametrize("any_size", [False, True])
def test_what_is_invisible_is_neither_seen_nor_changed(any_size, copies):
    pixels, hole = photo(100, 100), hole_in(100, 100, 40, 40, 60, 60)
    invisible = hole_in(100, 100, 0, 0, 100, 45)
    method = Recorder((3, 32, 32), any_size)
    method.takes_sources = copies
    completed = complete_photo(method, pixels, hole, HARDWARE, invisible=invisible, framing=PASTE)[0]
    np.testing.assert_array_equal(completed[~hole], pixels[~hole])
    shown = method.shown[0]
    if any_size:  # 8 pixels around the hole
        assert shown.mask[..., :13].max() == 0 and shown.mask[..., :8, 13:].min() == 1
        assert (shown.sources is not None) == copies and (not copies or shown.sources[..., :13].max() == 0)
    else:
        assert shown.mask[..., :10].max() == 0 and shown.mask.max() == 1
    everything = complete_photo(method, pixels, hole, HARDWARE, invisible=~hole, framing=PASTE)[0]
    np.testing.assert_array_equal(everything[~hole], pixels[~hole])


def test_integers_survive_the_way_to_floats_and_back():
    for dtype in (np.uint8, np.uint16):
        values = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(1, -1, 1)
        assert np.array_equal(quantised(torch.from_numpy(signed(values)).permute(2, 0, 1), dtype), values)


@pytest.mark.parametrize("box", [(0, 0, 5, 5), (40, 60, 90, 70), (0, 0, 99, 149), (98, 148, 99, 149), (10, 0, 12, 150)])
@pytest.mark.parametrize("size", [(99, 150), (200, 160)])
@pytest.mark.parametrize("context", [1, 2, 3.5])
def test_windows_hold_the_hole_and_keep_the_aspect(box, size, context):
    box = Box(*box)
    window = window_around(box, size, (32, 32), side_around(box, size, (32, 32), context))
    assert window.top <= box.top and window.left <= box.left
    assert window.top + window.height >= box.bottom and window.left + window.width >= box.right
    assert window.height == window.width >= 32
    fits = window.height <= min(size)
    assert not fits or (0 <= window.top <= size[0] - window.height and 0 <= window.left <= size[1] - window.width)


def test_context_is_counted_in_sides_of_the_hole():
    for context, side in ((2, 80), (3, 120)):
        assert side_around(Box(200, 200, 240, 230), (500, 500), (32, 32), context) == side


def test_a_small_hole_is_seen_at_the_photos_own_scale():
    method = Recorder((3, 32, 32))
    pixels, hole = photo(200, 200), hole_in(200, 200, 50, 50, 54, 54)
    complete_photo(method, pixels, hole, HARDWARE)
    observed = quantised(method.shown[0].observed, np.uint8)[0]
    known = method.shown[0].mask[0, 0].numpy() > 0
    np.testing.assert_array_equal(observed[known], pixels[36:68, 36:68][known])


def test_one_window_shows_a_compact_hole_and_several_a_long_or_a_very_large_one():
    def plan(hole, **framing):
        (part,) = parts_of(hole)
        return plan_of(part, hole.shape, (32, 32), Framing(**framing))

    assert plan(disk(600, 600, 300, 300, 30)).whole
    scratch = plan(hole_in(600, 600, 300, 20, 306, 580))
    assert not scratch.whole and scratch.side == 32
    large = plan(hole_in(600, 600, 100, 100, 500, 500))
    assert not large.whole and large.side == 3 * 32
    asked = plan(hole_in(600, 600, 100, 100, 300, 300), context=1.5, whole=True)
    assert asked.whole and asked.side == 300


@pytest.mark.parametrize("hole", [hole_in(300, 400, 40, 50, 260, 350), disk(300, 400, 150, 0, 140)])
def test_layers_fill_every_pixel_and_each_window_sees_something_known(hole):
    pixels = np.full((300, 400, 3), 90, np.uint8)
    method = Recorder((3, 32, 32))
    calls = []
    completed = complete_photo(
        method, pixels, hole, HARDWARE, samples=2, framing=PASTE, progress=lambda *state: calls.append(state)
    )
    np.testing.assert_allclose(completed[:, hole].astype(int), 191, atol=1)
    np.testing.assert_array_equal(completed[0][~hole], pixels[~hole])
    shares = torch.cat([shown.mask.mean(dim=(1, 2, 3)) for shown in method.shown])
    assert len(method.shown) > 3 and shares.min() > 0.05 and shares.mean() > 0.3
    done = [count for count, total in calls]
    assert done == sorted(done) and done[0] == 0 and done[-1] == 100
    assert len(done) > len(method.shown)  # it is said before each look of the method


def test_layers_go_on_with_what_was_completed_before():
    """A method that continues what it sees finds a photo of one colour to be of that colour everywhere."""

    def continue_mean(observed, mask):
        mean = (observed * mask).sum(dim=(2, 3), keepdim=True) / mask.sum(dim=(2, 3), keepdim=True).clamp(min=1)
        return mean.expand_as(observed)

    pixels, hole = np.full((300, 300, 3), 90, np.uint8), hole_in(300, 300, 20, 20, 280, 280)
    method = Recorder((3, 32, 32), paint=continue_mean)
    for blend in ("poisson", "paste", "feather"):
        completed = complete_photo(method, pixels, hole, HARDWARE, framing=Framing(blend=blend))[0]
        assert np.abs(completed.astype(int) - 90).max() <= 1


def test_windows_over_a_hole_overlap_by_half_and_their_middles_hold_it():
    where = disk(300, 400, 150, 200, 120)
    covered = np.zeros((300, 400), int)
    for window in windows_over(where, (300, 400), (32, 48), 64):
        assert (window.height, window.width) == (64, 96)
        covered[window.top + 15 : window.top + 49, window.left + 23 : window.left + 73] += 1
    assert (covered[where] >= 1).all()


def test_parts_that_lie_apart_are_completed_apart():
    hole = hole_in(200, 300, 10, 10, 20, 24) | hole_in(200, 300, 22, 20, 30, 40) | hole_in(200, 300, 150, 250, 160, 280)
    first, second = parts_of(hole)
    assert first.box == (10, 10, 30, 40) and second.box == (150, 250, 160, 280)
    whole = Box(0, 0, 200, 300)
    assert np.array_equal(first.within(whole) | second.within(whole), hole)
    method = Recorder((3, 32, 32), any_size=True)
    complete_photo(method, photo(200, 300), hole, HARDWARE)
    assert [tuple(shown.mask.shape[-2:]) for shown in method.shown] == [(36, 46), (26, 46)]


def test_parts_whose_windows_would_mostly_be_the_same_are_completed_together():
    letters = np.zeros((100, 300), bool)
    for left in range(20, 280, 24):
        letters[40:52, left : left + 6] = True
    method = Recorder((3, 32, 32), any_size=True)
    method.margin = lambda height, width: 16
    complete_photo(method, photo(100, 300), letters, HARDWARE)
    assert len(method.shown) == 1 and len(parts_of(letters)) == 11
    union = Part(Box(0, 0, 2, 2), np.ones((2, 2), bool)).union(Part(Box(1, 3, 3, 4), np.ones((2, 1), bool)))
    assert union.box == (0, 0, 3, 4) and union.pixels.sum() == 6


def test_a_hole_in_thousands_of_pieces_has_few_parts():
    dust = np.random.default_rng(0).random((1200, 1200)) < 0.002
    parts = parts_of(dust)
    assert len(parts) <= 256 and sum(part.pixels.sum() for part in parts) == dust.sum()


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


def test_extending_takes_the_nearest():
    image = torch.tensor([[1.0, 2.0, 0.0, 0.0, 5.0]]).view(1, 1, 1, 1, 5)
    where = torch.tensor([True, True, False, False, True]).view(1, 1, 1, 5)
    assert extended(image, where).flatten().tolist() == [1, 2, 2, 5, 5]
    assert torch.equal(extended(image, torch.zeros_like(where)), image)


@pytest.mark.parametrize(("options", "words"), [({"context": 0.5}, "--context 0.5"), ({"blend": "poison"}, "poisson")])
def test_framings_that_make_no_sense_are_refused(options, words):
    with pytest.raises(UsageError, match=words):
        Framing(**options)
