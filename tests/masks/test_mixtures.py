"""A|B: each image takes one part, as often as its weight says."""

import math

import pytest
import torch
from drawing import draw, hidden_shares, rectangles, write_mask

from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.masks import names_masks, parse_masks
from inpaint_cli.masks.drawing import draw_for_images


def counts(masks, *specs):
    """How many masks are the one mask of each process, of which none is another's."""
    ones = [draw(spec, 1) for spec in specs]
    return [int((masks == one).all(dim=(1, 2, 3)).sum()) for one in ones]


@pytest.mark.parametrize(
    ("spec", "shares"),
    [
        ("center:8|center:9|squares:3", (1 / 3, 1 / 3, 1 / 3)),
        ("3*center:8|center:9|squares:3", (0.6, 0.2, 0.2)),
        ("0.5*center:8|2*center:9|1.5*squares:3", (0.125, 0.5, 0.375)),
        ("1e308*center:8|1e308*center:9|1*squares:3", (0.5, 0.5, 0)),
    ],
)
def test_parts_are_taken_by_their_weights(spec, shares):
    count = 4000
    found = counts(draw(spec, count), "center:8", "center:9", "squares:3")
    assert sum(found) == count
    for number, share in zip(found, shares, strict=True):
        assert abs(number - share * count) <= 4 * math.sqrt(count * share * (1 - share))


def test_random_parts_keep_their_own_statistics():
    """Blocks of 12 to 20 pixels of 40×48 hide 0.075 to 0.21, noise 0.6 to 0.9: what is hidden says which it is."""
    masks = draw("block:12-20|3*noise:0.6-0.9", 3000)
    shares = hidden_shares(masks)
    noisy = shares > 0.5
    assert noisy.float().mean() == pytest.approx(0.75, abs=0.03)
    assert shares[noisy].mean() == pytest.approx(0.75, abs=0.01)
    _, _, width, height = rectangles(masks[~noisy, 0] == 0)
    assert torch.equal(width, height) and set(width.tolist()) == set(range(12, 21))


def test_masks_of_single_channels_mix_with_whole_ones():
    masks = draw("rec:0.2|center:10", 400)
    assert masks.shape == (400, 3, 48, 40)
    whole = (masks == draw("center:10", 1)).all(dim=(1, 2, 3))
    assert whole.float().mean() == pytest.approx(0.5, abs=0.1)
    rectangles(masks[~whole].flatten(0, 1) > 0)
    assert not (masks[~whole][:, 0] == masks[~whole][:, 1]).all(dim=(1, 2)).any()


def test_a_mixture_says_what_it_is_made_of():
    process = parse_masks("2*rec:0.1-0.9|center:8|face:any")
    assert process.spec == "2*rec:0.1-0.9|center:8|face:any"
    assert process.kinds == {"rec", "center", "face"} and process.kind.name == "mixture"
    assert [part.spec for part in process.parts] == ["rec:0.1-0.9", "center:8", "face:any"]
    assert process.varies and process.per_channel and process.side is None and process.only_size is None
    assert process.meanings[1:] == (
        "center:SIZE: one centred square is missing",
        "face:REGION: a part of the face is missing",
    )
    assert len(parse_masks("block:8|block:9").meanings) == 1
    assert not parse_masks("center:8|block:8").per_channel
    single = parse_masks("center:8")
    assert single.kinds == {"center"} and single.parts == (single,)


@pytest.mark.parametrize(
    ("spec", "side"),
    [
        ("center:8", 8),
        ("block:9", 9),
        ("block:8-9", None),
        ("squares:3", None),
        ("none", None),
        ("center:8|none", None),
    ],
)
def test_the_side_of_the_one_square_is_known_where_it_never_changes(spec, side):
    assert parse_masks(spec).side == side


def test_weights_and_parts_are_what_tells_mixtures_apart():
    spec = "2*block:8|face:any"
    assert parse_masks(spec) == parse_masks(" 2.0*block:08 | FACE:any ")
    others = ("block:8|face:any", "face:any|2*block:8", "2*block:8|face:mouth")
    assert all(parse_masks(spec) != parse_masks(other) for other in others)


def test_every_part_has_to_fit(tmp_path):
    process = parse_masks("block:8|3*center:20-40")
    process.check((3, 41, 64))
    for fails in (process.check, lambda shape: process.draw(2, shape, generator=torch.Generator())):
        with pytest.raises(UsageError, match="40×40 pixels leaves nothing known of 64×40"):
            fails((3, 40, 64))


def test_mask_files_mix_and_fix_the_size(tmp_path):
    file = f"file:{write_mask(tmp_path / 'a,b.png')}"
    process = parse_masks(f"{file}|block:5")
    assert process.only_size == (20, 30)
    masks = process.draw(200, (3, 20, 30), generator=torch.Generator().manual_seed(0))
    from_file = (masks == parse_masks(file).draw(1, (3, 20, 30), generator=torch.Generator())).all(dim=(1, 2, 3))
    assert from_file.float().mean() == pytest.approx(0.5, abs=0.15)
    with pytest.raises(InputError, match="30×20"):
        process.check((3, 21, 30))


def test_an_image_of_a_mixture_does_not_depend_on_its_batch():
    process = parse_masks("2*rec:0.3|block:4-9|strokes:0.1-0.3|face:any")
    seeds, landmarks = list(range(40)), torch.rand(40, 5, 2) * 30 + 5
    together = draw_for_images(process, (3, 48, 40), seeds, landmarks=landmarks)
    apart = [
        draw_for_images(process, (3, 48, 40), [seed], landmarks=landmarks[seed : seed + 1]) for seed in reversed(seeds)
    ]
    assert torch.equal(together, torch.cat(apart[::-1]))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        *[("block:8", True), ("3*block:8-9|none", True), ("none|block:8", True), (" 2 * Strokes:0.2", True)],
        *[("block", False), ("none", False), ("mask.png", False), ("C:/mask.png", False), ("strkes:0.2", False)],
    ],
)
def test_masks_are_told_from_file_names(text, meant):
    assert names_masks(text) is meant
