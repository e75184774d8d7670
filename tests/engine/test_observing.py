"""Observations: one mask an image, cut before any method sees it, fresh masks that know nothing of it."""

import numpy as np
import pytest
import torch
from harness import ALONE, HARDWARE, Split
from toy import Toy

from inpaint_cli.augmentation import Geometric
from inpaint_cli.engine import observing
from inpaint_cli.engine.exhibits import Preview
from inpaint_cli.engine.feeding import BatchStream
from inpaint_cli.engine.observing import OwnMasks, check_observations, other_rows, own_masks, refuse_peeking
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.training import Learner
from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape

SHAPE = ImageShape(3, 12, 12)


def observer(masks="noise:0.5", observations=True, **kind):
    method = Toy(SHAPE, parse_masks(masks), **kind)
    method.masked_once, method.learns_from_observations = True, observations
    return method


def stream_of(method, split=None, team=ALONE, **plan):
    return BatchStream(split or Split(), method.masks, method, Plan(steps=9, batch=8, **plan), HARDWARE, team)


def observed_split(count=20):
    """As `prepare --observe` writes it: masks lie in the file, and what they hide does not."""
    split = Split(count)
    split.masks = np.where(np.random.default_rng(1).random((count, 12, 12)) < 0.5, 255, 0).astype(np.uint8)
    split.images = np.where(split.masks[..., None] > 0, 0, split.images)
    split.observed = True
    return split


def test_an_image_has_one_mask_in_every_epoch_and_another_for_another_seed():
    stream = stream_of(observer())
    masks = {}
    for step in range(6):
        for row, mask in zip(stream._indices(step, 0, 0), stream.get(step).mask, strict=True):
            assert torch.equal(masks.setdefault(row, mask), mask)
    assert len(masks) == 20 and len({mask.numpy().tobytes() for mask in masks.values()}) == 20
    assert not torch.equal(stream.get(0).mask, stream_of(observer(), seed=1).get(0).mask)


@pytest.mark.parametrize(
    ("masks", "most", "times"),
    [("noise:0.5", 1 << 20, 1), ("rec:0.3", 1 << 20, 1), ("noise:0.5", 8, 2), ("face:mouth|noise:0.5", 1 << 20, 2)],
)
def test_masks_are_drawn_once_where_they_can_be_kept(masks, most, times, monkeypatch):
    drawn, rows, points = [], np.array([3, 0, 3, 7]), torch.rand(4, 5, 2) * 12
    process = parse_masks(masks)
    wanted = own_masks(process, SHAPE, rows, 5, points)

    def counted(process, shape, rows, *others):
        drawn.extend(rows)
        return own_masks(process, shape, rows, *others)

    monkeypatch.setattr(observing, "own_masks", counted)
    monkeypatch.setattr(observing, "MOST_BYTES", most)
    masks = OwnMasks(process, SHAPE, 20, 5)
    for _ in range(2):
        assert torch.equal(masks.of(rows, points), wanted)
    assert drawn.count(0) == times


def test_what_is_hidden_and_labels_of_it_are_not_in_the_batch():
    batch = stream_of(observer()).get(0)
    assert (batch.image[(batch.mask == 0).expand_as(batch.image)] == 0).all() and not batch.labels
    assert batch.draw_others is None
    supervised = stream_of(observer(observations=False)).get(0)
    assert torch.equal(supervised.mask, batch.mask) and torch.equal(supervised.observed, batch.image)
    assert (supervised.image != batch.image).any() and supervised.labels


def test_other_images_are_whole_and_of_other_rows():
    split = Split()
    stream = stream_of(observer(observations=False), split)
    batch = stream.get(0)
    whole = {image.tobytes() for image in split.images}
    others = ((batch.others() + 1) * 127.5).round().byte().movedim(1, 3).numpy()
    assert all(image.tobytes() in whole for image in others)
    assert not any(torch.equal(one, other) for one, other in zip(batch.image, batch.others(), strict=True))


def test_fresh_masks_are_another_draw_of_the_process():
    batch = stream_of(observer()).get(0)
    fresh = batch.fresh_mask()
    agree = (fresh == batch.mask).float().mean()
    assert 0.4 < agree < 0.6, "independent masks of noise:0.5 agree on half of the pixels"
    assert not torch.equal(fresh, batch.fresh_mask())


def test_a_files_own_masks_are_those_of_its_rows_and_fresh_ones_those_of_others():
    split = observed_split()
    stream = stream_of(observer("stored"), split)
    batch, rows = stream.get(0), stream._indices(0, 0, 0)
    known = torch.from_numpy(split.masks < 128).float()
    assert torch.equal(batch.mask[:, 0], known[rows])
    for row, fresh in zip(rows, batch.fresh_mask()[:, 0], strict=True):
        whose = (known == fresh).flatten(1).all(1).nonzero().flatten().tolist()
        assert len(whose) == 1 and whose != [row]


def test_a_declared_process_gives_fresh_masks_for_a_files_own():
    stream = stream_of(observer("noise:0.9"), observed_split())
    batch = stream.get(0)
    assert 0.4 < batch.mask.mean() < 0.6 and batch.fresh_mask().mean() < 0.2


def test_other_rows_are_any_but_the_own():
    rows = np.arange(6).repeat(500)
    others = other_rows(rows, 6, torch.Generator().manual_seed(0))
    assert (others != rows).all() and np.bincount(others, minlength=6).min() > 350


@pytest.mark.parametrize(("processes", "accumulate"), [(2, 1), (1, 2)])
def test_shares_make_up_the_global_batch(processes, accumulate):
    whole = stream_of(observer("stored"), observed_split()).get(1)
    parts = [
        stream_of(observer("stored"), observed_split(), Team(rank, processes), accumulate=accumulate).get(1, 0, part)
        for rank in range(processes)
        for part in range(accumulate)
    ]
    for name in ("image", "mask"):
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(whole, name))
    assert torch.equal(torch.cat([part.fresh_mask() for part in parts]), whole.fresh_mask())


def test_previews_draw_no_originals_and_the_masks_of_training():
    method, split, plan = observer(), Split(8), Plan(steps=1, batch=8)
    preview = Preview(Learner(method, HARDWARE, ALONE, plan), split)
    assert torch.equal(preview.mask, own_masks(method.masks, SHAPE, preview.indices, plan.seed))
    shown = preview.draw()
    split.images = np.where((preview.mask.movedim(1, 3) > 0).numpy(), split.images, 255 - split.images)
    poisoned = Preview(Learner(method, HARDWARE, ALONE, plan), split).draw()
    assert shown.tobytes() == poisoned.tobytes()


def test_what_would_peek_is_refused_by_name():
    method = observer()
    with pytest.raises(UsageError, match="toy learns from observations alone: --validate-every"):
        refuse_peeking("toy", method, Plan(steps=1, batch=8, validate_every=1))
    method.augmentation = (Geometric(),)
    with pytest.raises(UsageError, match=r"augmentation \(Geometric\)"):
        refuse_peeking("toy", method, Plan(steps=1, batch=8))
    method.learns_from_observations = False
    refuse_peeking("toy", method, Plan(steps=1, batch=8, validate_every=1))


@pytest.mark.parametrize(
    ("masks", "error", "says"),
    [("none", InputError, "nothing is missing"), ("center:4", UsageError, "center:4 hides the same pixels")],
)
def test_masks_that_teach_nothing_are_refused(masks, error, says):
    with pytest.raises(error, match=says):
        check_observations("toy", observer(masks), Split(), parse_masks(masks), Plan(steps=1, batch=8))


def test_stored_masks_that_are_all_alike_are_refused():
    split = observed_split()
    split.masks = split.masks[:1].repeat(20, axis=0)
    with pytest.raises(UsageError, match="hides the same pixels"):
        check_observations("toy", observer("stored"), split, parse_masks("stored"), Plan(steps=1, batch=8))


@pytest.mark.parametrize(("declared", "said"), [("noise:0.5", False), ("stored", False), ("noise:0.9", True)])
def test_masks_of_another_process_are_said_with_both_statistics(declared, said):
    masks = parse_masks(declared)
    notes = check_observations("toy", observer(declared), observed_split(), masks, Plan(steps=1, batch=8))
    assert bool(notes) == said
    assert all("those of noise:0.9 10." in note or "those of noise:0.9 9." in note for note in notes)


def test_a_process_of_the_same_share_and_another_shape_is_told_apart():
    split = observed_split()
    own = own_masks(parse_masks("patches:1,2"), SHAPE, np.arange(20), 5)  # 4 of 144 pixels
    split.masks = np.where(own[:, 0].numpy() > 0, 0, 255).astype(np.uint8)
    process = parse_masks(f"noise:{1 - 4 / 144}")
    notes = check_observations("toy", observer(process.spec), split, process, Plan(steps=1, batch=8))
    assert len(notes) == 1
