"""What a method says of a photo of any size, in the photo's own pixels."""

import numpy as np
import pytest
import torch
from harness import HARDWARE

from inpaint_cli.engine.annotating import annotate_photo, label_maps
from inpaint_cli.engine.framing import Framing
from inpaint_cli.method import ImageShape, Method


class Pointer(Method):
    """Label 3 where an image is bright, all landmarks in the middle of that; remembers what it saw."""

    annotates = ("parsing", "landmarks")

    def __init__(self, shape=ImageShape(3, 16, 16)):
        super().__init__(None, shape, None)
        self.seen = []

    def annotate(self, observed, mask):
        self.seen.append((observed.clone(), mask.clone()))
        bright = observed.mean(dim=1) > 0.1
        places = bright[0].nonzero().flip(1).double()
        middle = places.mean(dim=0) if len(places) else torch.full((2,), torch.nan).double()
        return {"parsing": 3 * bright.long(), "landmarks": middle.float().expand(1, 5, 2)}

    def maps(self, observed, mask):
        return torch.cat([observed, mask], dim=1)


def dark(height, width, channels=3, dtype=np.uint8):
    return np.zeros((height, width, channels), dtype)


def annotated(pixels, hole=None, method=None, wanted=("parsing", "landmarks"), **options):
    hole = np.zeros(pixels.shape[:2], bool) if hole is None else hole
    return annotate_photo(method or Pointer(), pixels, hole, set(wanted), HARDWARE, **options)


@pytest.mark.parametrize("factor", [1, 2, 5])
def test_labels_and_points_lie_where_the_photo_has_them_at_every_scale(factor):
    photo = dark(16, 16)
    photo[4:8, 2:10] = 255
    photo = photo.repeat(factor, axis=0).repeat(factor, axis=1)
    found = annotated(photo)
    expected = 3 * (photo[..., 0] > 0)
    assert found.parsing.dtype == np.uint8 and found.parsing.shape == photo.shape[:2]
    assert (found.parsing != expected).sum() <= 4 * (factor // 2) ** 2  # enlarged labels have round corners
    middle = np.argwhere(photo[..., 0] > 0).mean(axis=0)[::-1]
    np.testing.assert_allclose(found.landmarks, np.tile(middle, (5, 1)), atol=1e-4)
    assert found.box == (0, 0, *photo.shape[:2]) and found.observed.shape == (16, 16, 3)


def test_a_photo_of_another_aspect_is_seen_whole_and_what_is_beyond_it_is_missing():
    photo, method = dark(16, 32), Pointer()
    photo[4:8, 24:32] = 255
    found = annotated(photo, method=method)
    (observed, mask), *_ = method.seen
    assert not mask[0, 0, :4].any() and not mask[0, 0, 12:].any()
    assert mask[0, 0, 5:11].all()  # a row that is half beyond the edge is missing, too
    assert not observed[0, :, mask[0, 0] == 0].any()
    assert np.array_equal(found.parsing, 3 * (photo[..., 0] > 0))
    np.testing.assert_allclose(found.landmarks[0], [27.5, 5.5], atol=1e-4)


def test_with_a_hole_the_window_of_its_completion_is_seen():
    photo, hole, method = dark(64, 64), np.zeros((64, 64), bool), Pointer()
    photo[:] = 255
    hole[30:38, 40:48] = True
    found = annotated(photo, hole, method, framing=Framing(context=2))
    assert found.box == (26, 36, 42, 52)  # 16 × 16 around the hole
    (_, mask), *_ = method.seen
    assert torch.equal(mask[0, 0, 4:12, 4:12], torch.zeros(8, 8)) and mask.sum() == 256 - 64
    inside = found.parsing[26:42, 36:52]
    assert (inside == np.where(hole[26:42, 36:52], 0, 3)).all() and found.parsing.sum() == inside.sum()
    wider = annotated(photo, hole, framing=Framing(context=4))
    assert (wider.box.height, wider.box.width) == (32, 32)


def test_channels_are_brought_to_the_methods_own():
    grey = dark(16, 16, channels=1)
    grey[4:8, 4:8] = 255
    assert np.array_equal(annotated(grey).parsing, 3 * (grey[..., 0] > 0))
    colour = np.repeat(grey, 3, axis=2)
    grey_method = Pointer(ImageShape(1, 16, 16))
    assert np.array_equal(annotated(colour, method=grey_method).parsing, 3 * (grey[..., 0] > 0))
    assert grey_method.seen[0][0].shape == (1, 1, 16, 16)


def test_sixteen_bits_are_seen_as_eight():
    photo = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    deep = photo.astype(np.uint16) * 257
    assert np.array_equal(annotated(photo).parsing, annotated(deep).parsing)


def test_transparent_pixels_are_not_seen():
    photo, method, invisible = dark(16, 16), Pointer(), np.zeros((16, 16), bool)
    photo[:], invisible[:8] = 255, True
    found = annotated(photo, method=method, invisible=invisible)
    assert not found.parsing[:8].any() and (found.parsing[8:] == 3).all()


def test_points_that_a_method_does_not_know_stay_unknown():
    assert np.isnan(annotated(dark(16, 16)).landmarks).all()


def test_only_what_is_wanted_is_computed():
    method = Pointer()
    found = annotated(dark(32, 32), method=method, wanted=["maps"])
    assert not method.seen and found.parsing is None and found.landmarks is None
    assert found.maps.shape == (4, 16, 16) and found.maps.dtype == np.float32
    assert annotated(dark(32, 32), wanted=["parsing"]).maps is None


def test_label_maps_of_prepared_images():
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    maps = label_maps(Pointer(), images, HARDWARE)
    assert np.array_equal(maps, 3 * ((images / 127.5 - 1).mean(axis=3) > 0.1))
