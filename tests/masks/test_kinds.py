"""Masking processes against what their specifications state."""

import math

import numpy as np
import pytest
import torch
from drawing import draw, hidden_shares, rectangles, write_mask
from PIL import Image

from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.masks import KINDS, grammar, parse_masks
from inpaint_cli.masks.drawing import DRAWN_BY, draw_for_images
from inpaint_cli.masks.faces import ALIGNED, CORNER, REGIONS

SPECS = [
    *("center:8", "inpaint:0.25", "reverse:0.25", "extrapolate:0.25", "rec:0.1", "colorize:1", "colorize:2"),
    *("block:20", "pattern:0.25", "strokes:0.2", "noise:0.8", "patches:30,6", "squares:3"),
    *(f"face:{region}" for region in REGIONS),
    *("face:any", "center:4-20", "inpaint:0.1-0.3", "reverse:0.1-0.3", "extrapolate:0.1-0.9", "rec:0.1-0.9"),
    *("block:4-20", "pattern:0.1-0.9", "strokes:0.1-0.4", "noise:0.1-0.9"),
    *("block:16|face:mouth", "center:8|2*center:9", "rec:0.1|center:8", "0.5*colorize:1|strokes:0.1-0.2|face:any"),
]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("shape", [(3, 48, 40), (3, 33, 65)])
def test_masks_are_zeros_and_ones_with_something_known_and_something_missing(spec, shape):
    masks = draw(spec, 20, shape)
    channels = 3 if parse_masks(spec).per_channel else 1
    assert masks.shape == (20, channels, *shape[1:])
    assert masks.dtype == torch.float32
    assert set(masks.unique().tolist()) == {0.0, 1.0}
    shares = masks.mean(dim=(1, 2, 3))
    assert (shares > 0).all() and (shares < 1).all()


@pytest.mark.parametrize("spec", SPECS)
def test_draws_follow_from_the_generator_and_vary_only_where_they_say_so(spec):
    first, again, other = draw(spec, 8), draw(spec, 8), draw(spec, 8, seed=1)
    assert torch.equal(first, again)
    varies = parse_masks(spec).varies
    assert torch.equal(first, other) is not varies
    assert torch.equal(first, first[:1].expand_as(first)) is not varies


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("spec", SPECS)
def test_a_gpu_draws_its_own_masks_with_the_same_statistics(spec):
    def on_gpu(seed):
        return parse_masks(spec).draw(400, (3, 48, 40), generator=torch.Generator("cuda").manual_seed(seed))

    masks = on_gpu(0)
    assert masks.is_cuda and torch.equal(masks, on_gpu(0))
    assert hidden_shares(masks).mean().item() == pytest.approx(hidden_shares(draw(spec, 400)).mean().item(), abs=0.12)


def test_none_hides_nothing():
    masks = draw("none", 3, (3, 5, 7))
    assert masks.shape == (3, 1, 5, 7) and masks.dtype == torch.float32 and (masks == 1).all()
    assert parse_masks(" None ").spec == "none" and not parse_masks("none").varies
    with pytest.raises(UsageError, match="it is written none\n"):
        parse_masks("none:3")


def test_center_hides_one_centred_square():
    hidden = draw("center:8", 1, (3, 32, 32))[0, 0] == 0
    expected = torch.zeros(32, 32, dtype=torch.bool)
    expected[12:20, 12:20] = True
    assert torch.equal(hidden, expected)


@pytest.mark.parametrize("area", [0.1, 0.25, 0.5])
def test_inpaint_and_reverse_are_each_others_complement_with_the_aspect_of_the_image(area):
    reverse, inpaint = draw(f"reverse:{area}", 1, (3, 64, 96)), draw(f"inpaint:{area}", 1, (3, 64, 96))
    assert torch.equal(reverse, 1 - inpaint)
    left, top, width, height = (int(value) for value in rectangles(reverse[:, 0] > 0))
    assert (width, height) == (round(math.sqrt(area) * 96), round(math.sqrt(area) * 64))
    assert abs(2 * left + width - 96) <= 1 and abs(2 * top + height - 64) <= 1


@pytest.mark.parametrize("area", [0.1, 0.25, 0.5])
def test_extrapolate_knows_one_rectangle_of_the_stated_area(area):
    height, width = 60, 80
    masks = draw(f"extrapolate:{area}", 3000, (3, height, width))
    left, top, wide, high = (values.double() for values in rectangles(masks[:, 0] > 0))
    # The height is rounded, so the area is off by at most half a row.
    assert ((wide * high - area * width * height).abs() <= wide / 2 + 1e-6).all()
    assert wide.min() == math.ceil(area * width) and wide.max() == width
    for place, length, side in ((left, wide, width), (top, high, height)):
        room = side - length > 4
        assert (place[room] / (side - length)[room]).mean() == pytest.approx(0.5, abs=0.03)
    assert (left + wide == width).any() and (left == 0).any() and (top == 0).any() and (top + high == height).any()


@pytest.mark.parametrize("spec", ["extrapolate:0.1", "rec:0.25"])
def test_rectangles_are_wide_as_often_as_high(spec):
    """w = W·S^u with u uniform, so w / W and h / H = S^(1-u) are distributed alike, also where W is not H."""
    height, width, area = 200, 300, float(spec.partition(":")[2])
    masks = draw(spec, 4000, (1, height, width))
    _, _, wide, high = rectangles(masks[:, 0] > 0)
    share = torch.stack((wide / width, high / height))
    exponent = share.double().log() / math.log(area)
    assert exponent.mean(dim=1).tolist() == pytest.approx([0.5, 0.5], abs=0.02)
    assert exponent.std(dim=1).tolist() == pytest.approx([12**-0.5] * 2, abs=0.01)  # uniform
    assert (share[0] > share[1]).float().mean() == pytest.approx(0.5, abs=0.03)


def test_rec_draws_channels_independently_so_that_dropped_and_corrupted_pixels_are_as_the_paper_says():
    masks = draw("rec:0.1", 4000, (3, 32, 32))
    for channel in range(3):
        rectangles(masks[:, channel] > 0)
    known_channels = masks.sum(dim=1)
    # "72.9% (resp. 99.9%) of dropped (resp. corrupted) pixels in average": up to the centre's higher share.
    assert (known_channels == 0).float().mean() == pytest.approx(0.9**3, abs=0.02)
    assert (known_channels < 3).float().mean() == pytest.approx(0.999, abs=0.004)


@pytest.mark.parametrize("missing", [1, 2])
def test_colorize_hides_whole_channels_each_as_often(missing):
    masks = draw(f"colorize:{missing}", 3000, (3, 4, 4))
    by_channel = masks.mean(dim=(2, 3))
    assert set(by_channel.unique().tolist()) == {0.0, 1.0}
    assert (by_channel.sum(dim=1) == 3 - missing).all()
    torch.testing.assert_close(by_channel.mean(dim=0), torch.full((3,), 1 - missing / 3), atol=0.04, rtol=0)


def test_block_hides_one_square_at_a_uniform_place():
    left, top, width, height = rectangles(draw("block:20", 4000)[:, 0] == 0)
    assert (width == 20).all() and (height == 20).all()
    assert set(left.tolist()) == set(range(40 - 20 + 1))
    assert set(top.tolist()) == set(range(48 - 20 + 1))
    assert torch.bincount(left).min() > 0.6 * len(left) / 21


@pytest.mark.parametrize("missing", [0.05, 0.25, 0.6])
def test_pattern_hides_the_stated_share_of_every_image_in_blobs(missing):
    hidden = draw(f"pattern:{missing}", 50, (3, 64, 64))[:, 0] == 0
    assert (hidden.sum(dim=(1, 2)) == round(missing * 64 * 64)).all()
    differs = (hidden[:, :, 1:] != hidden[:, :, :-1]).float().mean()
    assert differs < 0.25 * 2 * missing * (1 - missing)  # far below independent pixels


def test_noise_hides_each_pixel_with_the_stated_probability_in_all_channels():
    hidden = (draw("noise:0.8", 50, (3, 64, 64)) == 0).float()
    assert hidden.shape[1] == 1
    assert hidden.mean() == pytest.approx(0.8, abs=0.005)
    neighbours = (hidden[..., 1:] * hidden[..., :-1]).mean()
    assert neighbours == pytest.approx(0.64, abs=0.01)


@pytest.mark.parametrize("border", [0, 2])
def test_the_border_that_no_patch_enters_may_be_another(border):
    known = draw(f"patches:30,6,{border}", 200)[:, 0].amax(dim=0)
    edge = (~known.bool()).float()
    assert known[border : -border or None, border : -border or None].mean() > 0.95
    assert border == 0 or (edge[:border].all() and edge[:, -border:].all())


def test_patches_are_known_squares_inside_the_border():
    one = draw("patches:1,8", 4000)[:, 0] > 0
    left, top, width, height = rectangles(one)
    assert (width == 8).all() and (height == 8).all()
    assert set(left.tolist()) == set(range(4, 40 - 4 - 8 + 1))
    assert set(top.tolist()) == set(range(4, 48 - 4 - 8 + 1))
    many = draw("patches:30,8", 100).sum(dim=(1, 2, 3))
    assert (many <= 30 * 64).all() and (many > 8 * 64).all()


def test_squares_hides_three_equal_squares_in_proportion_to_the_size():
    for size in (64, 128):
        assert (draw("squares:3", 1, (3, size, size)) == 0).sum() == 3 * (size // 4) ** 2


def test_face_masks_hide_what_they_name_at_the_canonical_position():
    eye_left, eye_right, _, mouth_left, mouth_right = [(round(x - CORNER[0]), round(y - CORNER[1])) for x, y in ALIGNED]
    hides = {
        "left-eye": [eye_left],
        "right-eye": [eye_right],
        "both-eyes": [eye_left, eye_right],
        "upper": [eye_left, eye_right],
        "left-half": [eye_left, mouth_left],
        "right-half": [eye_right, mouth_right],
        "lower": [mouth_left, mouth_right],
        "mouth": [mouth_left, mouth_right],
    }
    for region, expected in hides.items():
        mask = draw(f"face:{region}", 1, (3, 128, 128))[0, 0]
        points = (eye_left, eye_right, mouth_left, mouth_right)
        assert [point for point in points if mask[point[1], point[0]] == 0] == expected, region
    assert set(hides) == set(REGIONS)


@pytest.mark.parametrize("size", [(218, 178), (109, 89), (327, 267)])
def test_face_masks_lie_where_the_face_of_an_image_that_was_not_cropped_is(size):
    """CelebA's aligned images, at any size: the same boxes as in their crop."""
    scale = size[0] / 218
    for region in ("both-eyes", "mouth"):
        whole, crop = (draw(f"face:{region}", 1, (3, *shape))[:, 0] == 0 for shape in (size, (128, 128)))
        placed, cropped = (torch.stack(rectangles(hole)).flatten() for hole in (whole, crop))
        expected = (cropped + torch.tensor([*CORNER, 0, 0])) * scale
        assert ((placed - expected).abs() <= scale / 2 + 1).all(), region


def test_face_masks_follow_landmarks():
    landmarks = torch.tensor([[20.0, 20], [32, 20], [26, 27], [21, 32], [31, 32]])
    pair = torch.stack([landmarks, landmarks + torch.tensor([9.0, 5.0])])
    masks = draw("face:both-eyes", 2, (1, 64, 64), landmarks=pair)
    left, top, width, height = rectangles(masks[:, 0] == 0)
    assert left.tolist() == [14, 23] and top.tolist() == [14, 19]
    assert width.tolist() == [24, 24] and height.tolist() == [11, 11]


def test_a_mask_file_is_white_where_the_hole_is(tmp_path):
    process = parse_masks(f"file:{write_mask(tmp_path / 'a,b.png')}")
    mask = process.draw(3, (3, 20, 30), generator=torch.Generator())
    assert mask.shape == (3, 1, 20, 30)
    left, top, width, height = (values.tolist() for values in rectangles(mask[:, 0] == 0))
    assert (left[0], top[0], width[0], height[0]) == (10, 2, 4, 3)
    assert process.only_size == (20, 30) and parse_masks("center:8").only_size is None


def test_a_mask_file_of_another_size_names_both(tmp_path):
    process = parse_masks(f"file:{write_mask(tmp_path / 'mask.png')}")
    with pytest.raises(InputError, match=r"30×20.*96×64"):
        process.check((3, 64, 96))
    with pytest.raises(InputError, match=r"30×20.*96×64"):
        process.draw(1, (3, 64, 96), generator=torch.Generator())


def test_what_is_transparent_in_a_mask_file_is_known(tmp_path):
    pixels = np.full((6, 6, 4), 255, dtype=np.uint8)
    pixels[..., 3] = 0
    pixels[1, 2:4, 3] = 255  # two pixels of opaque white
    pixels[4, 4] = (0, 0, 0, 255)
    Image.fromarray(pixels).save(tmp_path / "layer.png")
    mask = parse_masks(f"file:{tmp_path / 'layer.png'}").draw(1, (3, 6, 6), generator=torch.Generator())
    assert (mask[0, 0] == 0).nonzero().tolist() == [[1, 2], [1, 3]]


@pytest.mark.parametrize(("level", "problem"), [(0, "no hole"), (255, "all hole")])
def test_a_mask_file_needs_a_hole_and_something_known(tmp_path, level, problem):
    path = tmp_path / "flat.png"
    Image.fromarray(np.full((8, 8), level, dtype=np.uint8)).save(path)
    with pytest.raises(InputError, match=problem):
        parse_masks(f"file:{path}").check((3, 8, 8))


def test_a_mask_file_that_is_missing_or_no_image_is_bad_input(tmp_path):
    (tmp_path / "text.png").write_text("not an image")
    for name in ("nowhere.png", "text.png"):
        with pytest.raises(InputError, match=name):
            parse_masks(f"file:{tmp_path / name}").check((3, 8, 8))


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("extrapolat:0.25", "did you mean 'extrapolate'"),
        ("", "no masks ''"),
        ("rec", "it is written rec:S"),
        ("rec:", "it is written rec:S"),
        ("patches:90", "it is written patches:N,K"),
        ("patches:90,10,x", "BORDER is a whole number from 0"),
        ("patches:90,10,3,4", "BORDER is a whole number from 0"),
        ("rec:10", "S is a fraction between 0 and 1"),
        ("rec:nan", "S is a fraction"),
        ("noise:1", "P is a fraction"),
        ("center:0", "SIZE is a whole number from 1"),
        ("center:8.5", "SIZE is a whole number"),
        ("center:-8", "SIZE is a whole number"),
        ("squares:4", "there are 3"),
        ("face:moth", "did you mean 'mouth'"),
        ("block:64-16", "the range '64-16' is empty"),
        ("block:16-16", "the range '16-16' is empty"),
        ("rec:0.9-0.1", "the range '0.9-0.1' is empty"),
        ("rec:0.1-1", "S is a fraction between 0 and 1, such as 0.25, not '1'"),
        ("strokes:-0.1", "P is a fraction"),
        ("block:8-", "SIZE is a whole number from 1, not ''"),
        ("block:8-16-24", "not '16-24'"),
        ("block:8-0.5", "SIZE is a whole number"),
        ("colorize:1-2", "K is a whole number"),
        ("face:mouth-upper", "no REGION 'mouth-upper'"),
        ("block:8|", "no masks ''"),
        ("block:8|strokse:0.1", "did you mean 'strokes'"),
        ("block:8|center", "no masks 'center': it is written center:SIZE"),
        ("0*block:8|center:8", "no masks '0*block:8': a weight is a number above 0, as in 3*block:48, not '0'"),
        ("-1*block:8", "a weight is a number above 0"),
        ("nan*block:8", "a weight is a number above 0"),
        ("inf*block:8", "a weight is a number above 0"),
        ("two*block:8", "a weight is a number above 0"),
    ],
)
def test_a_wrong_specification_names_the_problem_and_the_grammar(spec, problem):
    with pytest.raises(UsageError) as raised:
        parse_masks(spec)
    assert problem in str(raised.value)
    assert str(raised.value).endswith(grammar())


def test_the_grammar_has_a_line_for_every_kind_and_says_how_they_combine():
    lines = [line.split(maxsplit=1) for line in grammar().splitlines()]
    for kind in KINDS.values():
        assert [kind.signature, kind.meaning] in lines
    for words in ("LOW-HIGH", "|", "3*block:48", "any"):
        assert words in grammar()


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        (" REC : 0.10 ", "rec:0.1"),
        ("patches:90, 10", "patches:90,10"),
        ("patches:90,10, 4", "patches:90,10"),
        ("patches:90,10,0", "patches:90,10,0"),
        ("extrapolate:.25", "extrapolate:0.25"),
        ("center:008", "center:8"),
        ("face:Left-Eye", "face:left-eye"),
        ("face:ANY", "face:any"),
        ("block: 016 - 64", "block:16-64"),
        ("noise:1e-5-1e-1", "noise:1e-05-0.1"),
        ("2.0 * block:8 | 1*Center:9|.5*none", "2*block:8|center:9|0.5*none"),
        ("3*block:8", "block:8"),
    ],
)
def test_specifications_have_one_canonical_form(written, canonical):
    assert parse_masks(written).spec == canonical
    assert parse_masks(canonical) == parse_masks(written)


@pytest.mark.parametrize(
    ("spec", "shape", "problem"),
    [
        ("colorize:2", (1, 32, 32), "needs images of 3 channels or more; these have 1"),
        ("colorize:3", (3, 32, 32), "4 channels"),
        ("center:32", (3, 32, 32), "leaves nothing known of 32×32"),
        ("block:40", (3, 64, 32), "leaves nothing known of 32×64"),
        ("patches:1,25", (3, 32, 32), "K is at most 24"),
        ("block:8-32", (3, 32, 64), "a square of 32×32 pixels leaves nothing known of 64×32"),
        ("block:8|colorize:1", (1, 32, 32), "colorize:1 needs images of 2 channels or more"),
    ],
)
def test_a_process_that_cannot_apply_says_so(spec, shape, problem):
    with pytest.raises(UsageError, match=problem):
        parse_masks(spec).check(shape)


@pytest.mark.parametrize("spec", SPECS)
def test_an_images_mask_is_a_function_of_its_seed_alone(spec):
    process, seeds = parse_masks(spec), [5, 2**62, 7, 8]
    together = draw_for_images(process, (3, 48, 40), seeds)
    apart = torch.cat([draw_for_images(process, (3, 48, 40), [seed]) for seed in reversed(seeds)]).flip(0)
    assert torch.equal(together, apart)
    few = ("colorize", "center", "inpaint", "reverse", "face:any")  # different masks
    if process.varies and not spec.startswith(few) and "|" not in spec:
        assert len({mask.numpy().tobytes() for mask in together}) == len(seeds)


@pytest.mark.parametrize("spec", ["face:mouth", "face:any", "face:mouth|face:any"])
def test_masks_for_images_follow_each_images_landmarks(spec):
    landmarks = torch.tensor([[20.0, 20], [32, 20], [26, 27], [21, 32], [31, 32]])
    pair = torch.stack([landmarks, landmarks + 10])
    for seed in range(8):
        masks = draw_for_images(parse_masks(spec), (3, 64, 64), [seed, seed], landmarks=pair)
        assert torch.equal(masks[1, 0, 10:, 10:], masks[0, 0, :-10, :-10]) and (masks[0] == 0).any()


def test_every_kind_is_drawn():
    assert DRAWN_BY.keys() - {"mixture"} == KINDS.keys()
