"""`prepare --masks`: a set whose images carry their masks, so that it is one file."""

import json

import numpy as np
import pytest
from conftest import inpaint, pixels, smooth_pictures
from PIL import Image

from inpaint_cli.data.reader import PreparedFile


@pytest.fixture
def photos(tmp_path):
    """Twenty photos of 60×40 pixels, and of each a mask, white left of the column 20 + its number."""
    for number, picture in enumerate(smooth_pictures(20, 60)):
        hole = np.zeros((40, 60), np.uint8)
        hole[:, : 20 + number] = 255
        for folder, image in (("photos", picture[:40]), ("masks", hole)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(image).save(tmp_path / folder / f"{number:02d}.png")
    return tmp_path / "photos"


def done(*arguments):
    result = inpaint(*arguments)
    assert result.exit_code == 0, result.stderr
    return result


def prepare(photos, output, masks, *more):
    return inpaint(
        "prepare", "folder", "--source", photos, "-o", output, "--size", 32, "--workers", 1, "--masks", masks, *more
    )


def splits(path):
    file = PreparedFile(path)
    return [file.split(name) for name in file.splits]


def test_each_image_keeps_a_mask_that_follows_from_its_name(photos, tmp_path):
    spec = f"folder:{tmp_path / 'masks'},fit=crop"
    shown = prepare(photos, tmp_path / "a.h5", spec)
    assert shown.exit_code == 0, shown.stderr
    assert f"masks: stored, {spec}" in shown.stdout
    assert prepare(photos, tmp_path / "b.h5", spec, "--workers", 2).exit_code == 0
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    (photos / "00.png").unlink()
    assert prepare(photos, tmp_path / "c.h5", spec).exit_code == 0
    before, after = (
        {name: mask for split in splits(tmp_path / file) for name, mask in zip(split.names, split.masks, strict=True)}
        for file in ("a.h5", "c.h5")
    )
    assert all(np.array_equal(before[name], after[name]) for name in after) and len(after) == 19
    assert len({mask.tobytes() for mask in before.values()}) > 10
    PreparedFile(tmp_path / "a.h5").verify()


def test_a_mask_of_its_name_is_cut_as_its_image_is(photos, tmp_path):
    """The square in the middle begins at column 10 and is shrunk from 40 to 32 pixels."""
    assert prepare(photos, tmp_path / "a.h5", f"folder:{tmp_path / 'masks'},paired").exit_code == 0
    for split in splits(tmp_path / "a.h5"):
        for name, mask in zip(split.names, split.masks, strict=True):
            columns = (20 + int(name[:2]) - 10) * 32 / 40
            assert set(np.unique(mask)) == {0, 255} and (mask == mask[:1]).all()
            assert abs(int((mask[0] == 255).sum()) - columns) <= 0.5
    black = prepare(photos, tmp_path / "b.h5", f"folder:{tmp_path / 'masks'},invert,paired")
    assert black.exit_code == 0, black.stderr
    for split, inverted in zip(splits(tmp_path / "a.h5"), splits(tmp_path / "b.h5"), strict=True):
        assert np.array_equal(split.masks[:], 255 - inverted.masks[:])


def test_images_without_a_usable_mask_are_skipped_and_listed(photos, tmp_path):
    masks = tmp_path / "masks"
    (masks / "03.png").unlink()
    (masks / "04.png").write_bytes(b"no image")
    outside = np.zeros((40, 60), np.uint8)
    outside[:, :5] = 255  # left of the square that is cut
    Image.fromarray(outside).save(masks / "05.png")
    shown = prepare(photos, tmp_path / "a.h5", f"folder:{masks},paired")
    assert shown.exit_code == 0 and "17 images" in shown.stdout and "skipped: 3" in shown.stdout
    for words in ("03.png: no mask is called as it", "04.png", "05.png: its mask is without a hole where it is cut"):
        assert words in shown.stdout
    strict = prepare(photos, tmp_path / "b.h5", f"folder:{masks},paired", "--strict")
    assert strict.exit_code == 3 and not (tmp_path / "b.h5").exists()


@pytest.mark.parametrize("masks", ["rec:0.3", "stored", "folder:{},paired|block:4"])
def test_what_cannot_be_stored_is_refused(photos, tmp_path, masks):
    refused = prepare(photos, tmp_path / "a.h5", masks.format(tmp_path / "masks"))
    assert refused.exit_code == 2 and "folder:PATH" in refused.stderr


def test_stored_masks_are_trained_evaluated_and_completed_behind(photos, tmp_path):
    data = tmp_path / "a.h5"
    assert prepare(photos, data, f"folder:{tmp_path / 'masks'},paired").exit_code == 0
    done(
        "train", "--method", "context-encoder", "--data", data, "--outdir", tmp_path / "run", "--masks", "stored",
        "--steps", 2, "--batch", 4, "--device", "cpu", "--set", "width=4", "-q",
    )  # fmt: skip
    arguments = ("evaluate", "--checkpoint", tmp_path / "run", "--method", "tv", "--data", data, "--masks", "stored")
    content = json.loads(done(*arguments, "--split", "train", "--json", "-q").stdout)
    assert [(r["system"], r["trained_on"], r["masks"]) for r in content["results"]] == [
        ("context-encoder", "stored", "stored"),
        ("tv", None, "stored"),
    ]
    completed = tmp_path / "completed.h5"
    done("complete", "--data", data, "--split", "train", "--masks", "stored", "--method", "tv", "-o", completed, "-q")
    own, made = PreparedFile(data).split("train"), PreparedFile(completed).split("train")
    changed, masks = (own.images[:] != made.images[:]).any(axis=3), own.masks[:]
    assert np.array_equal(masks, made.masks[:]) and not changed[masks == 0].any() and changed.any(axis=(1, 2)).all()


def test_the_card_names_them_and_the_export_writes_them(photos, tmp_path):
    data = tmp_path / "a.h5"
    assert prepare(photos, data, f"folder:{tmp_path / 'masks'},paired").exit_code == 0
    card = done("data", data, "--export", tmp_path / "out").stdout
    assert f"masks:    one for each image, folder:{tmp_path / 'masks'},paired (--masks stored)" in card
    split = PreparedFile(data).split("train")
    assert np.array_equal(pixels(tmp_path / "out" / "train_mask" / "000001.png"), split.masks[1])


def test_a_file_without_masks_says_how_it_gets_them(prepared):
    refused = inpaint("evaluate", "--method", "tv", "--data", prepared, "--masks", "stored")
    assert refused.exit_code == 3 and "inpaint prepare --masks" in refused.stderr


def test_a_dry_run_counts_them(photos, tmp_path):
    for masks in (f"folder:{tmp_path / 'masks'},paired", "strokes:0.2"):
        shown = prepare(photos, tmp_path / "a.h5", masks, "--dry-run")
        assert shown.exit_code == 0 and "mask 32×32" in shown.stdout and not (tmp_path / "a.h5").exists()


def observe(photos, output, masks, *more):
    """`prepare --observe`, of which nothing else is left."""
    command = ("prepare", "folder", "--source", photos, "-o", output, "--size", 32, "--workers", 1)
    return inpaint(*command, "--observe", masks, *more)


@pytest.mark.parametrize("masks", ["noise:0.9", "folder:{},paired"])
def test_of_observations_nothing_else_is_written(photos, tmp_path, masks):
    masks = masks.format(tmp_path / "masks")
    assert observe(photos, tmp_path / "a.h5", masks).exit_code == 0
    assert prepare(photos, tmp_path / "whole.h5", masks).exit_code == 0
    file = PreparedFile(tmp_path / "a.h5")
    assert file.observed == masks and not file.labels and PreparedFile(tmp_path / "whole.h5").observed is None
    for split, whole in zip(splits(tmp_path / "a.h5"), splits(tmp_path / "whole.h5"), strict=True):
        hidden = whole.masks[:] >= 128
        assert split.observed and np.array_equal(split.masks[:], whole.masks[:]) and hidden.any()
        assert not split.images[:][hidden].any() and np.array_equal(split.images[:][~hidden], whole.images[:][~hidden])


def test_observations_are_refused_where_originals_are_needed(photos, tmp_path):
    data = tmp_path / "a.h5"
    both = observe(photos, data, "noise:0.5", "--masks", "noise:0.5")
    assert both.exit_code == 2 and "leave out --masks" in both.stderr
    assert observe(photos, data, "noise:0.5").exit_code == 0
    run = ("train", "--method", "context-encoder", "--data", data, "--outdir", tmp_path / "run", "--device", "cpu")
    trained = inpaint(*run, "--set", "width=4")
    assert trained.exit_code == 3 and "context-encoder as it is set needs complete images" in trained.stderr
    measured = inpaint("evaluate", "--method", "tv", "--data", data, "--split", "train", "--masks", "stored")
    assert measured.exit_code == 3 and "no originals" in measured.stderr
    arguments = ("complete", "--data", data, "--split", "train", "--method", "tv", "-o", tmp_path / "b.h5", "-q")
    assert inpaint(*arguments, "--masks", "block:4").exit_code == 2
    done(*arguments, "--masks", "stored")
    assert PreparedFile(tmp_path / "b.h5").observed is None, "completed images are whole"
