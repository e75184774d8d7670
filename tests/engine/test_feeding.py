"""Batches: stateless, shared out among processes, exact to the byte."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from harness import HARDWARE, Split, make
from PIL import Image

from inpaint_cli.augmentation import Geometric, Photometric
from inpaint_cli.engine.feeding import HostRows, refuse_unknown_labels, to_signed, to_uint8
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.randomness import SampleOrder, derive_seed
from inpaint_cli.errors import InputError

MIRRORS, PHOTOMETRIC = Geometric(flip=0.5), Photometric(saturation=0.2, contrast=0.2)


def test_pixels_survive_the_round_trip():
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 16, 16, 1)
    signed = to_signed(pixels)
    assert signed.min() == -1 and signed.max() == 1
    np.testing.assert_array_equal(to_uint8(signed), pixels.numpy())


def test_every_epoch_shows_every_image_once():
    order = SampleOrder(10, seed=3)
    drawn = order.indices(0, 20).view(2, 10)
    assert [sorted(epoch.tolist()) for epoch in drawn] == [list(range(10))] * 2
    assert drawn[0].tolist() != drawn[1].tolist()
    assert order.indices(7, 6).tolist() == drawn.flatten()[7:13].tolist()


def test_order_is_a_function_of_seed_and_position_alone():
    assert SampleOrder(50, 1).indices(120, 9).tolist() == SampleOrder(50, 1).indices(120, 9).tolist()
    assert SampleOrder(50, 1).indices(0, 50).tolist() != SampleOrder(50, 2).indices(0, 50).tolist()


def test_seeds_of_streams_and_steps_differ():
    seeds = {derive_seed(0, stream, step) for stream in ("masks", "decoys") for step in range(100)}
    assert len(seeds) == 200


def test_asking_again_gives_the_same_batch():
    stream = make(Plan(steps=5, batch=6)).stream
    first, other, again = stream.get(2), stream.get(3), stream.get(2)
    assert torch.equal(first.image, again.image) and torch.equal(first.mask, again.mask)
    assert torch.equal(first.fresh_mask(), again.fresh_mask())
    assert not torch.equal(first.mask, other.mask)
    assert not torch.equal(first.fresh_mask(), first.fresh_mask())


@pytest.mark.parametrize(("processes", "accumulate"), [(2, 1), (1, 2), (2, 2)])
def test_shares_make_up_the_global_batch(processes, accumulate):
    whole = make(Plan(steps=5, batch=8)).stream.get(1)
    plan = Plan(steps=5, batch=8, accumulate=accumulate)
    parts = [
        make(plan, Team(rank, processes)).stream.get(1, 0, part)
        for rank in range(processes)
        for part in range(accumulate)
    ]
    assert torch.equal(torch.cat([part.image for part in parts]), whole.image)
    assert torch.equal(torch.cat([part.mask for part in parts]), whole.mask)
    assert torch.equal(torch.cat([part.fresh_mask() for part in parts]), whole.fresh_mask())
    assert torch.equal(torch.cat([part.labels["labels"] for part in parts]), whole.labels["labels"])


@pytest.mark.parametrize("masks", ["face:mouth", "face:any", "block:4|3*face:any"])
def test_masks_of_faces_follow_each_images_landmarks_in_every_share(masks):
    """Faces of two sizes: a process sees its own landmarks alone, and yet draws what a single one would."""
    face = np.array([[2, 2], [6, 2], [4, 4], [2, 6], [6, 6]], np.float32)
    landmarks = np.stack([face if row % 2 else face / 2 for row in range(20)])
    split = Split(landmarks=landmarks)
    whole = make(Plan(steps=5, batch=8), masks=masks, split=split).stream.get(1)
    plan = Plan(steps=5, batch=8, accumulate=2)
    shares = [(rank, part) for rank in range(2) for part in range(2)]
    parts = [make(plan, Team(rank, 2), masks=masks, split=split).stream.get(1, 0, part) for rank, part in shares]
    assert torch.equal(torch.cat([part.mask for part in parts]), whole.mask)
    assert torch.equal(torch.cat([part.fresh_mask() for part in parts]), whole.fresh_mask())
    without = make(Plan(steps=5, batch=8), masks=masks).stream.get(1)
    assert torch.equal(whole.image, without.image) and not torch.equal(whole.mask, without.mask)


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    """A folder with a mask for each row of a split, whose hole has (row + 1)² pixels, and masks of the split itself."""
    folder, held = tmp_path_factory.mktemp("masks"), np.zeros((20, 24, 24), np.uint8)
    for row in range(20):
        held[row, : row + 1, : row + 1] = 255
        Image.fromarray(held[row]).save(folder / f"{row}.png")
    split = Split(size=24)
    split.masks = held
    return folder, split


FROM_FILES = ["folder:{}", "folder:{},fit=crop", "folder:{},paired", "stored", "folder:{}|block:4"]


@pytest.mark.parametrize("masks", FROM_FILES)
def test_masks_from_files_are_the_same_in_every_share(squares, masks):
    folder, split = squares
    spec = masks.format(folder)
    whole = make(Plan(steps=5, batch=8), masks=spec, split=split, size=24).stream.get(1)
    again = make(Plan(steps=5, batch=8), masks=spec, split=split, size=24).stream.get(1)
    assert torch.equal(whole.mask, again.mask) and not torch.equal(whole.mask, again.fresh_mask())
    plan = Plan(steps=5, batch=8, accumulate=2)
    shares = [(rank, part) for rank in range(2) for part in range(2)]
    parts = [
        make(plan, Team(rank, 2), masks=spec, split=split, size=24).stream.get(1, 0, part) for rank, part in shares
    ]
    assert torch.equal(torch.cat([part.mask for part in parts]), whole.mask)
    assert torch.equal(torch.cat([part.fresh_mask() for part in parts]), whole.fresh_mask())


@pytest.mark.parametrize("masks", ["folder:{},paired", "stored"])
def test_masks_that_belong_to_images_stay_with_them(squares, masks):
    folder, split = squares
    stream = make(Plan(steps=5, batch=8), masks=masks.format(folder), split=split, size=24).stream
    for step in range(5):
        batch = stream.get(step)
        assert (batch.mask == 0).sum(dim=(1, 2, 3)).tolist() == [(int(row) + 1) ** 2 for row in batch.labels["labels"]]
        decoys = (batch.fresh_mask() == 0).sum(dim=(1, 2, 3))
        assert all(int(count) ** 0.5 % 1 == 0 for count in decoys)


def test_labels_stay_with_their_images():
    split, stream = Split(), make(Plan(steps=5, batch=8)).stream
    batch = stream.get(4)
    expected = to_signed(torch.from_numpy(split.images[batch.labels["labels"].numpy()]))
    assert torch.equal(batch.image, expected)


@pytest.mark.parametrize("changes", [(MIRRORS,), (MIRRORS, PHOTOMETRIC), (PHOTOMETRIC, MIRRORS)])
def test_images_are_changed_by_each_augmentation_in_turn(changes):
    """As bytes as long as pixels change places alone, which is the same as on floats from the first."""
    split, stream = Split(), make(Plan(steps=5, batch=8)).stream
    stream.augmentation = changes
    batch = stream.get(4)
    image = to_signed(torch.from_numpy(split.images[batch.labels["labels"].numpy()]))
    as_it_was = image
    for change, draws in zip(changes, stream._draws(4, 0), strict=True):
        image, _ = change.apply(image, {}, draws)
    assert torch.equal(batch.image, image) and not torch.equal(image, as_it_was)


def test_reading_ahead_changes_nothing():
    array = np.arange(40)
    rows = HostRows({"row": array}, HARDWARE)
    one, two, three = np.array([3, 1]), np.array([7, 9]), np.array([5, 5])
    assert rows.take(one, two)["row"].tolist() == [3, 1]
    assert rows.take(two, three)["row"].tolist() == [7, 9]  # as read ahead
    assert rows.take(one, two)["row"].tolist() == [3, 1]  # not what was read ahead


def test_memory_does_not_grow_with_the_data(tmp_path):
    """Reads 1 GB of rows of a 1 GB file; what stays resident is a fraction of it."""
    program = """
import re, sys, numpy as np, torch
from pathlib import Path
from inpaint_cli.columns import FileColumn
from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.feeding import HostRows
array = np.memmap(sys.argv[1], np.uint8, "w+", shape=(36_000, 96, 96, 3))  # a sparse file: no disk is filled
array = FileColumn(Path(sys.argv[1]), array.dtype, array.shape, 0)
rows, order = HostRows({"image": array}, Hardware(torch.device("cpu"), "fp32")), np.random.default_rng(0)
def peak():  # of this process alone: getrusage would count the one that started it
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
before = peak()
for _ in range(400):
    batch = order.integers(0, len(array), 96)
    rows.take(batch, batch)
print((peak() - before) >> 10)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "rows"], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 400  # MiB; of a map it would be about 1,000


def test_observed_hides_even_nan():
    batch = make(Plan(steps=1, batch=4)).stream.get(0)
    batch.image = torch.where(batch.mask > 0, batch.image, float("nan"))
    assert torch.isfinite(batch.observed).all()


def test_labels_that_a_method_does_not_know_are_refused_before_the_first_batch(monkeypatch):
    split = Split(count=9)
    split.labels["parsing"] = np.zeros((9, 12, 12), np.uint8)
    split.labels["parsing"][8, 3, 5] = 14
    monkeypatch.setattr("inpaint_cli.engine.feeding.BYTES_AT_ONCE", 400)  # two rows at a time, and one at the end
    for known in ({"parsing": 15}, {}):
        refuse_unknown_labels(split, known)
    with pytest.raises(InputError, match=r"hold the label 14.*knows 0 to 10.*labels=15"):
        refuse_unknown_labels(split, {"parsing": 11})
