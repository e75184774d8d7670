"""What a mask's levels cover: hard, smooth and soft masks, as they are and compressed, noisy, with other levels."""

import numpy as np
import pytest
from mask_shapes import SHAPES, compressed, hard, smooth, soft
from scipy import ndimage

from inpaint_cli.imaging.coverage import covered, in_eight_bits, is_picture

QUALITIES = (20, 30, 50, 75, 85, 95)


def missed(levels: np.ndarray, hole: np.ndarray) -> float:
    """The share of what is covered that is not hole."""
    return float(levels[~hole].sum(dtype=float) / levels.sum(dtype=float))


def beyond(levels: np.ndarray, hole: np.ndarray) -> float:
    """Pixels of the hole more than one pixel away from what is covered, by the length of the border."""
    around = ndimage.binary_dilation(levels > 0, iterations=1)
    return float((hole & ~ndimage.binary_dilation(around)).sum() / (around & ~(levels > 0)).sum())


@pytest.mark.parametrize("shape", SHAPES)
def test_black_and_white_is_what_it_is(shape):
    np.testing.assert_array_equal(covered(hard(shape)).hole, hard(shape) == 255)
    assert covered(hard(shape)).notes == ()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("made", [smooth, soft, lambda shape: soft(shape, 1)], ids=["smooth", "soft", "blurred"])
def test_what_is_covered_at_all_is_hole(shape, made):
    levels = made(shape)
    np.testing.assert_array_equal(covered(levels).hole, levels > 0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("quality", QUALITIES)
def test_a_hard_mask_that_was_compressed_is_as_it_was(shape, quality):
    hole = covered(compressed(hard(shape), quality), compressed=True).hole
    wrong = (hole != (hard(shape) == 255)).sum()
    border = (ndimage.binary_dilation(hard(shape) > 0) & (hard(shape) == 0)).sum()
    assert wrong <= (0.5 * border if quality == 20 else 0.01 * border)


@pytest.mark.parametrize("known", [True, False], ids=["a JPEG", "a PNG of a JPEG"])
@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("made", [smooth, soft], ids=["smooth", "soft"])
def test_compression_hides_little_of_what_was_covered_and_adds_little(made, quality, known):
    for shape in SHAPES:
        levels = made(shape)
        squeezed = compressed(levels, quality)
        hole = covered(squeezed, compressed=known).hole
        assert missed(levels, hole) < min(0.03, 0.4 * missed(levels, squeezed >= 128)), shape
        assert beyond(levels, hole) < (0.8 if quality == 20 else 0.15 if known else 1.0)


def test_a_weak_stroke_far_from_a_hard_hole_counts_after_compression_too():
    levels = hard("disc")
    levels[130:136, 20:180] = 50
    for quality in (75, 95):
        hole = covered(compressed(levels, quality), compressed=True).hole
        assert hole[131:135, 22:178].all() and not hole[110:126].any()


@pytest.mark.parametrize("noise", [2, 5])
def test_noise_of_a_scan_is_no_hole(noise):
    generator = np.random.default_rng(0)
    scan = 25 + hard("polygon") * 0.8 + generator.normal(0, noise, hard("polygon").shape)
    hole = covered(scan.round().clip(0, 255).astype(np.uint8)).hole
    assert ((hard("polygon") == 255) & ~hole).sum() == 0
    assert (hole & (hard("polygon") == 0)).mean() < 0.002


@pytest.mark.parametrize("levels", [(0, 1), (0, 76), (16, 235), (3, 90), (200, 255)])
def test_of_two_levels_the_lighter_is_hole_and_unusual_ones_are_named(levels):
    dark, light = levels
    mask = np.where(hard("disc") == 255, np.uint8(light), np.uint8(dark))
    found = covered(mask)
    np.testing.assert_array_equal(found.hole, mask == light)
    assert bool(found.notes) == (light < 128 or dark >= 128)
    assert all(str(level) in note for note in found.notes for level in levels)


def test_a_smooth_mask_in_a_dark_colour_is_understood():
    red = (smooth("disc") * (76 / 255)).round().astype(np.uint8)
    found = covered(red)
    np.testing.assert_array_equal(found.hole, red > 0)
    assert "76 for hole" in found.notes[0]


def test_what_covers_everything_a_little_is_taken_by_half():
    slope = np.linspace(1, 255, 200, dtype=np.uint8)[None].repeat(100, axis=0)
    found = covered(slope)
    assert 0.4 < found.hole.mean() < 0.6 and "by half" in found.notes[-1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint16, np.int32, np.int8])
def test_two_numbers_of_any_type_are_black_and_white(dtype):
    np.testing.assert_array_equal(in_eight_bits((hard("disc") == 255).astype(dtype)), hard("disc"))


def test_numbers_are_taken_in_the_range_that_they_show():
    shares = np.linspace(0, 1, 256)
    wanted = (shares * 255).round().astype(np.uint8)
    for full in (1, 255, 65535):
        assert np.abs(in_eight_bits((shares * full)[None]).astype(int)[0] - wanted).max() <= 1
    assert in_eight_bits(np.array([[0, np.nan, 0.5]]))[0].tolist() == [0, 255, 128]


def test_pictures_are_told_from_masks():
    import skimage.data

    for name in ("astronaut", "coffee", "camera", "chelsea", "rocket", "brick", "grass"):
        picture = getattr(skimage.data, name)()
        assert is_picture(picture if picture.ndim == 2 else picture.mean(axis=2).astype(np.uint8)), name
    for shape in SHAPES:
        for levels in (hard(shape), smooth(shape), soft(shape, 12)):
            assert not any(is_picture(compressed(levels, quality)) for quality in QUALITIES)
            assert not is_picture(levels)


def test_large_masks_are_judged_by_some_of_their_squares():
    large = np.tile(compressed(smooth("polygon"), 85), (14, 12))
    hole, one = covered(large, compressed=True).hole, covered(compressed(smooth("polygon"), 85), compressed=True).hole
    assert (hole[:160, :200] != one).mean() < 0.01
