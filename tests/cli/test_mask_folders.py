"""Masks from folders on the command line: trained on, evaluated behind, completed behind, stored."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import inpaint, pixels, smooth_pictures
from PIL import Image

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.engine.checkpoints import find_checkpoint
from inpaint_cli.masks import parse_masks

CASE = Path(__file__).parents[3] / "shared" / "cases" / "11_mask_folder_training"


def irregular(path, seed, size=64, missing=0.25):
    """A mask of blobs, white is the hole."""
    import torch

    masks = parse_masks(f"pattern:{missing}")
    known = masks.draw(1, (1, size, size), generator=torch.Generator().manual_seed(seed))[0, 0].numpy()
    Image.fromarray(np.where(known > 0, 0, 255).astype(np.uint8)).save(path)


@pytest.fixture
def masks(tmp_path):
    folder = tmp_path / "masks"
    folder.mkdir()
    for number in range(12):
        irregular(folder / f"{number:05d}.png", number, 48 + 8 * (number % 3), (number + 1) / 16)
    return folder


def done(*arguments):
    result = inpaint(*arguments)
    assert result.exit_code == 0, result.stderr
    return result


def train(data, run, masks, *more):
    return inpaint(
        "train", "--method", "context-encoder", "--data", data, "--outdir", run, "--masks", masks, "--steps", 2,
        "--batch", 4, "--device", "cpu", "--set", "width=4", "-q", *more,
    )  # fmt: skip


def results(*arguments):
    return json.loads(done("evaluate", *arguments, "--json", "-q").stdout)["results"]


def test_trained_on_a_folder_that_has_moved_it_completes_and_evaluates(prepared, masks, photo, mask, tmp_path):
    spec, run = f"folder:{masks},fit=crop", tmp_path / "run"
    assert train(prepared, run, spec).exit_code == 0
    header = find_checkpoint(run).header
    assert header.masks == spec and json.loads((run / "run.json").read_text())["masks"] == spec
    shutil.rmtree(masks)
    done("complete", photo, "--mask", mask, "--checkpoint", run, "-o", tmp_path / "filled.png")
    (found,) = results("--checkpoint", run, "--data", prepared, "--masks", "block:8")
    assert found["trained_on"] == spec
    resumed = train(prepared, run, spec, "--resume", "--steps", 3)
    assert resumed.exit_code == 3 and str(masks) in resumed.stderr and "Traceback" not in resumed.stderr


def test_trained_on_a_mask_file_that_has_moved_it_completes_and_opens_no_path(prepared, photo, mask, tmp_path):
    irregular(tmp_path / "one.png", 0, 32)
    assert train(prepared, tmp_path / "run", f"file:{tmp_path / 'one.png'}").exit_code == 0
    (tmp_path / "one.png").unlink()
    (tmp_path / "one.png").mkdir()  # whoever opened it would see a folder
    done("complete", photo, "--mask", mask, "--checkpoint", tmp_path / "run", "-o", tmp_path / "filled.png")
    (found,) = results("--checkpoint", tmp_path / "run", "--data", prepared, "--masks", "block:8")
    assert found["trained_on"] == f"file:{tmp_path / 'one.png'}"


def test_a_resumed_run_needs_the_masks_it_began_with(prepared, masks, tmp_path):
    run = tmp_path / "run"
    assert train(prepared, run, f"folder:{masks}").exit_code == 0
    assert train(prepared, run, f"folder:{masks}", "--resume", "--steps", 3).exit_code == 0
    irregular(masks / "00003.png", 99)
    changed = train(prepared, run, f"folder:{masks}", "--resume", "--steps", 4)
    assert changed.exit_code == 2 and "masks_digest" in changed.stderr


def test_results_say_which_masks_they_were_measured_behind(prepared, masks):
    arguments = ("--method", "tv", "--data", prepared, "--masks", f"folder:{masks}", "--limit", 4)
    first, again = results(*arguments)[0], results(*arguments)[0]
    assert first["masks"] == f"folder:{masks}" and first["metrics"] == again["metrics"]
    digest = parse_masks(f"folder:{masks}").folders[0].contents.digest
    assert f"masks {masks}: 12, digest {digest[:16]}" in first["notes"]


def test_mask_files_that_are_none_are_skipped_and_listed(prepared, masks):
    (masks / "notes.txt").write_text("no mask")
    Image.new("L", (20, 20)).save(masks / "empty.png")
    shown = done("evaluate", "--method", "tv", "--data", prepared, "--masks", f"folder:{masks}", "--limit", 2)
    for words in ("2 of 14 files are no masks", "notes.txt", "empty.png", "no hole"):
        assert words in shown.stderr


@pytest.mark.parametrize("content", ["nothing", "flat"])
def test_a_folder_without_masks_is_one_message(prepared, tmp_path, content):
    (tmp_path / "masks").mkdir()
    if content == "flat":
        Image.new("L", (20, 20), 255).save(tmp_path / "masks" / "white.png")
    spec, target = f"folder:{tmp_path / 'masks'}", tmp_path / "out.h5"
    for command in (
        ("train", "--method", "context-encoder", "--data", prepared, "--outdir", tmp_path / "run", "--masks", spec),
        ("evaluate", "--method", "tv", "--data", prepared, "--masks", spec),
        ("complete", "--data", prepared, "--masks", spec, "-o", target),
        ("masks", spec, "-o", tmp_path / "sheet.png"),
    ):
        refused = inpaint(*command)
        assert refused.exit_code == 3 and "masks" in refused.stderr and "Traceback" not in refused.stderr
    assert not target.exists() and not (tmp_path / "run").exists()


def test_a_folder_for_file_says_how_it_is_written(prepared, masks):
    refused = inpaint("evaluate", "--method", "tv", "--data", prepared, "--masks", f"file:{masks}")
    assert refused.exit_code == 3 and f"folder:{masks}" in refused.stderr
    refused = inpaint("evaluate", "--method", "tv", "--data", prepared, "--masks", f"file:{masks / '00000.png'}")
    assert refused.exit_code == 3 and f"folder:{masks / '00000.png'} fits it" in refused.stderr


def test_each_image_behind_the_mask_of_its_name(prepared, tmp_path):
    """Squares as large as their image's number: what is missing of each says which mask it had."""
    split = PreparedFile(prepared).split("test")
    folder = tmp_path / "own"
    folder.mkdir()
    for row, name in enumerate(split.names):
        missing = np.zeros((32, 32), np.uint8)
        missing[: row + 2, : row + 2] = 255
        Image.fromarray(missing).save(folder / f"{Path(name).stem}_mask.png")
    output = tmp_path / "out.h5"
    done("complete", "--data", prepared, "--masks", f"folder:{folder},paired", "-o", output, "--method", "tv", "-q")
    changed = (PreparedFile(output).split("test").images[:] != split.images[:]).any(axis=3)
    for row, own in enumerate(changed):
        assert own[: row + 2, : row + 2].any() and not own[row + 2 :].any() and not own[:, row + 2 :].any()
    (folder / f"{Path(split.names[1]).stem}_mask.png").unlink()
    refused = inpaint("evaluate", "--method", "tv", "--data", prepared, "--masks", f"folder:{folder},paired")
    assert refused.exit_code == 3 and split.names[1] in refused.stderr and f"1 of {len(split)}" in refused.stderr


def test_photos_behind_masks_of_a_folder(masks, tmp_path):
    (tmp_path / "photos").mkdir()
    for number, picture in enumerate(smooth_pictures(3, 40)):
        Image.fromarray(picture).save(tmp_path / "photos" / f"{number}.png")
    arguments = ("complete", tmp_path / "photos", "--mask", f"folder:{masks}", "--method", "tv", "-o")
    done(*arguments, tmp_path / "a")
    done(*arguments, tmp_path / "b", "--seed", 1)
    same = [np.array_equal(pixels(tmp_path / "a" / f"{n}_inpaint.png"), pixels(tmp_path / "b" / f"{n}_inpaint.png"))
            for n in range(3)]  # fmt: skip
    assert not all(same)
    refused = inpaint("complete", tmp_path / "photos", "--mask", f"folder:{tmp_path / 'no'}", "-o", tmp_path / "c")
    assert refused.exit_code == 3 and not (tmp_path / "c").exists()


@pytest.mark.skipif(not CASE.is_dir(), reason="needs ../shared/cases/11_mask_folder_training")
def test_the_published_form_trains(prepared, tmp_path):
    """512×512, black strokes: images of 32×32 are trained on as they are."""
    shown = train(prepared, tmp_path / "run", f"folder:{CASE / 'masks512'},invert")
    assert shown.exit_code == 0, shown.stderr
    turned = inpaint("evaluate", "--method", "tv", "--data", prepared, "--masks", f"folder:{CASE / 'masks512'}")
    assert turned.exit_code == 0 and "add ',invert'" in turned.stderr
