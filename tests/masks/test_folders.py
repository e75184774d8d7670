"""Masks from folders and archives: decoded once, kept at one bit, fitted to any size, by name if asked for."""

import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from drawing import draw, hidden_shares, rectangles
from PIL import Image

from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.masks import grammar, parse_masks
from inpaint_cli.masks.drawing import draw_for_images
from inpaint_cli.masks.folders import Contents
from inpaint_cli.masks.packed import WINDOWS, Packed, crop, resize

NVIDIA = Path(__file__).parents[3] / "shared" / "cases" / "11_mask_folder_training" / "masks512"


def hole(height, width, top, left, side):
    """bool [height, width], one square of it missing."""
    missing = np.zeros((height, width), bool)
    missing[top : top + side, left : left + side] = True
    return missing


def save(missing, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.where(missing, 255, 0).astype(np.uint8)).save(path)


@pytest.fixture
def masks(tmp_path):
    """Six masks of two sizes, whose squares have sides of 4 to 9 pixels in 40×48 and 80×96."""
    for side in range(4, 10):
        scale = 1 + side % 2
        save(hole(40 * scale, 48 * scale, 10 * scale, 7 * scale, side * scale), tmp_path / "masks" / f"{side}.png")
    return tmp_path / "masks"


def sides(drawn):
    return sorted({int(width) for width in rectangles(drawn[:, 0] == 0)[2]})


def test_every_mask_of_a_folder_is_drawn_as_it_is_at_the_size_of_the_images(masks):
    drawn = draw(f"folder:{masks}", 200, (3, 40, 48))
    left, top, width, height = rectangles(drawn[:, 0] == 0)
    assert drawn.shape == (200, 1, 40, 48) and set(left.tolist()) == {7} and set(top.tolist()) == {10}
    assert torch.equal(width, height) and sides(drawn) == [4, 5, 6, 7, 8, 9]
    counts = torch.bincount(width)[4:]
    assert counts.min() > 15 and counts.max() < 60, "all as likely"


@pytest.mark.parametrize("spec", ["folder:{}", "folder:{},fit=crop", "folder:{},invert", "2*folder:{}|block:5"])
@pytest.mark.parametrize("shape", [(3, 48, 40), (1, 33, 65), (3, 100, 120)])
def test_masks_fit_images_of_any_size_with_something_known_and_something_missing(masks, spec, shape):
    process = parse_masks(spec.format(masks))
    for moved in (False, True):
        drawn = process.draw(60, shape, generator=torch.Generator().manual_seed(0), moved=moved)
        assert drawn.shape == (60, 1, *shape[1:]) and drawn.dtype == torch.float32
        assert set(drawn.unique().tolist()) == {0.0, 1.0}
        assert ((hidden_shares(drawn) > 0) & (hidden_shares(drawn) < 1)).all()


def test_black_is_the_hole_where_that_is_said(masks):
    plain, inverted = (draw(f"folder:{masks}{words}", 40, (3, 40, 48)) for words in ("", ",invert"))
    assert torch.equal(plain, 1 - inverted)


@pytest.mark.parametrize(("height", "width"), [(20, 24), (57, 31), (128, 128), (511, 513)])
def test_resizing_keeps_how_much_is_missing_and_where(height, width):
    missing = np.random.default_rng(0).random((256, 200)) < 0.3
    missing[:, 100:] = False
    resized = resize(Packed.of(missing), (height, width), np.zeros(40), moved=False)
    assert resized.shape == (height, width) and not resized[:, -(width // 2 - 1) :].any()
    assert resized.mean() == pytest.approx(missing.mean(), abs=4 * (0.25 / (height * width)) ** 0.5 + 0.005)


def test_what_is_thinner_than_a_pixel_leaves_one():
    thin, thick = hole(512, 512, 300, 200, 1), ~hole(512, 512, 300, 200, 1)
    for missing, count in ((thin, 1), (thick, 64 * 64 - 1)):
        resized = resize(Packed.of(missing), (64, 64), np.zeros(40), moved=False)
        assert resized.sum() == count and resized[37, 25] == missing[300, 200]


def test_in_training_masks_are_turned_over_and_shifted_around():
    """A hole in a corner comes to lie anywhere, in all four orientations, and is as large as before."""
    corner = np.zeros((32, 32), bool)
    corner[:3, :5], corner[0, 5] = True, True
    random = np.random.default_rng(0)
    found = [resize(Packed.of(corner), (32, 32), random.random(40), moved=True) for _ in range(800)]
    assert {int(each.sum()) for each in found} == {16}
    assert np.stack(found).any(axis=0).all(), "no pixel is always known"
    shapes = {np.roll(each, [-place for place in first_corner(each)], (0, 1)).tobytes() for each in found}
    assert len(shapes) == 4


def first_corner(missing):
    """Where the bounding box of a hole begins, around the image's edges."""
    rows, columns = missing.any(axis=1), missing.any(axis=0)
    return tuple(int(np.flatnonzero(line & ~np.roll(line, 1))[0]) for line in (rows, columns))


def test_a_window_is_cut_without_resizing_and_small_masks_are_enlarged():
    random = np.random.default_rng(0)
    large = hole(60, 90, 20, 40, 10)
    windows = [crop(Packed.of(large), (24, 32), random.random(40), moved=False) for _ in range(300)]
    where = {tuple(np.argwhere(window)[0]) for window in windows}
    assert max(int(window.sum()) for window in windows) == 100 and len(where) > 40
    enlarged = crop(Packed.of(hole(10, 20, 2, 3, 2)), (40, 80), random.random(40), moved=False)
    left, top, width, height = rectangles(torch.from_numpy(enlarged)[None])
    assert (int(left), int(top), int(width), int(height)) == (12, 8, 8, 8)


def test_where_no_window_has_a_hole_the_whole_mask_is_resized():
    tiny = Packed.of(hole(512, 512, 0, 0, 8))
    nowhere = np.concatenate([np.ones(4), np.full(2 * WINDOWS, 0.99)])
    cut = crop(tiny, (64, 64), nowhere, moved=False)
    assert np.array_equal(cut, resize(tiny, (64, 64), nowhere, moved=False)) and cut.sum() == 1


def test_an_images_mask_is_a_function_of_its_seed_alone(masks):
    process, seeds = parse_masks(f"folder:{masks},fit=crop|block:5"), list(range(20))
    together = draw_for_images(process, (3, 30, 30), seeds)
    apart = torch.cat([draw_for_images(process, (3, 30, 30), [seed]) for seed in reversed(seeds)]).flip(0)
    assert torch.equal(together, apart)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("folder: a/b ", "folder:a/b"),
        ("Folder:a, INVERT", "folder:a,invert"),
        ("folder:a,paired,invert,fit=resize", "folder:a,invert,paired"),
        ("folder:a,b,fit=crop", "folder:a,b,fit=crop"),
        ("2*folder:a,b.zip|block:8", "2*folder:a,b.zip|block:8"),
    ],
)
def test_specifications_have_one_canonical_form(written, canonical):
    assert parse_masks(written).spec == canonical and parse_masks(canonical) == parse_masks(written)


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("folder", "it is written folder:PATH"),
        ("folder:,invert", "needs the path of a folder"),
        ("folder:a,fit=stretch", "fit is resize or crop, not 'stretch'"),
        ("stored:1", "it is written stored"),
    ],
)
def test_a_wrong_specification_names_the_problem_and_the_grammar(spec, problem):
    with pytest.raises(UsageError) as raised:
        parse_masks(spec)
    assert problem in str(raised.value) and str(raised.value).endswith(grammar())


def test_nothing_is_opened_before_it_is_drawn(tmp_path):
    gone = tmp_path / "gone"
    for spec in (f"folder:{gone}", f"2*folder:{gone}|block:8", f"file:{gone}.png"):
        process = parse_masks(spec)
        assert process.spec == spec
        for ask in (process.read, lambda p=process: p.check((3, 32, 32))):
            with pytest.raises(InputError, match="gone"):
                ask()


# ---- files as they come ----------------------------------------------------------------------------------------------


def test_archives_and_folders_below_each_other_give_the_same_masks(masks, tmp_path):
    """With what a Mac leaves beside, and a folder within the archive, as the published sets have."""
    with zipfile.ZipFile(tmp_path / "test_mask.zip", "w") as archive:
        for path in masks.iterdir():
            archive.write(path, f"mask/testing_mask_dataset/{path.name}")
            archive.writestr(f"__MACOSX/mask/._{path.name}", b"resource")
    (masks / "._4.png").write_bytes(b"resource")
    (masks / ".DS_Store").write_bytes(b"finder")
    packed, plain = (draw(f"folder:{path}", 30, (3, 40, 48)) for path in (tmp_path / "test_mask.zip", masks))
    assert torch.equal(packed, plain)
    shutil.make_archive(str(tmp_path / "masks"), "gztar", masks)
    assert torch.equal(draw(f"folder:{tmp_path / 'masks.tar.gz'}", 30, (3, 40, 48)), plain)


def test_one_image_is_a_folder_of_one(tmp_path):
    save(hole(20, 30, 2, 10, 4), tmp_path / "one.png")
    drawn = draw(f"folder:{tmp_path / 'one.png'}", 5, (3, 40, 60))
    assert [int(side) for side in rectangles(drawn[:, 0] == 0)[2]] == [8] * 5


def test_files_that_are_no_masks_are_left_out_and_said(masks):
    save(np.zeros((9, 9), bool), masks / "none.png")
    save(np.ones((9, 9), bool), masks / "all.png")
    (masks / "readme.txt").write_text("masks")
    contents = parse_masks(f"folder:{masks}").folders[0].contents
    contents.read()
    assert contents.names == [f"{side}.png" for side in range(4, 10)]
    (note,) = contents.notes
    assert "3 of 9 files are no masks" in note
    for words in ("none.png: ", "no hole", "all.png: ", "all hole", "readme.txt: "):
        assert words in note


@pytest.mark.parametrize("levels", [0, 255, None])
def test_a_folder_without_one_mask_is_refused(tmp_path, levels):
    (tmp_path / "masks").mkdir()
    if levels is not None:
        Image.fromarray(np.full((8, 8), levels, np.uint8)).save(tmp_path / "masks" / "flat.png")
    words = "no masks in it" if levels is None else r"not one usable mask(.|\n)*flat\.png"
    with pytest.raises(InputError, match=words):
        parse_masks(f"folder:{tmp_path / 'masks'}").check((3, 8, 8))


def test_a_folder_that_could_not_be_read_may_be_read_later(tmp_path):
    process = parse_masks(f"folder:{tmp_path / 'm'}")
    with pytest.raises(InputError):
        process.read()
    save(np.zeros((9, 9), bool), tmp_path / "m" / "none.png")
    with pytest.raises(InputError, match="not one usable"):
        process.read()
    save(hole(9, 9, 1, 1, 3), tmp_path / "m" / "one.png")
    process.read()
    assert process.folders[0].contents.names == ["one.png"] and len(process.folders[0].contents.skipped) == 1


def test_what_is_probably_inverted_is_said(tmp_path):
    save(~hole(20, 20, 3, 3, 6), tmp_path / "m" / "a.png")
    for words, help in (("", "add ',invert'"), (",invert", None)):
        contents = parse_masks(f"folder:{tmp_path / 'm'}{words}").folders[0].contents
        contents.read()
        assert (help in contents.notes[0]) if help else not contents.notes


def test_the_digest_is_of_the_masks_and_their_names(masks, tmp_path):
    digest = parse_masks(f"folder:{masks}").digest
    assert digest == parse_masks(f"folder:{masks},fit=crop").digest != parse_masks(f"folder:{masks},invert").digest
    assert parse_masks("block:8").digest is None
    (masks / "4.png").rename(masks / "3.png")
    assert parse_masks(f"folder:{masks}").digest != digest


@pytest.mark.skipif(not NVIDIA.is_dir(), reason="needs ../shared/cases/11_mask_folder_training")
def test_irregular_masks_as_they_are_distributed():
    """Black strokes on white, 512×512: what is black is the hole."""
    drawn = draw(f"folder:{NVIDIA},invert", 40, (3, 96, 96))
    shares = hidden_shares(drawn)
    assert 0.15 < shares.min() < shares.max() < 0.35
    whole = [np.asarray(Image.open(path)) < 128 for path in sorted(NVIDIA.iterdir())]
    contents = Contents(str(NVIDIA), invert=True)
    assert all(
        np.array_equal(mask.hole(np.arange(512), np.arange(512)), missing)
        for mask, missing in zip(contents.masks, whole, strict=True)
    )
    assert sum(mask.bits.nbytes for mask in contents.masks) == 5 * 512 * 512 // 8


# ---- masks that belong to images -------------------------------------------------------------------------------------


def images(*names, masks=None):
    return SimpleNamespace(names=names, masks=masks)


def test_an_image_has_the_mask_of_its_name(masks):
    split = images("a/7.jpg", "b/4.JPG", "9.png", "5")
    process = parse_masks(f"folder:{masks},paired").of(split)
    rows = np.array([2, 0, 1, 3, 0])
    drawn = process.draw(5, (3, 40, 48), generator=torch.Generator(), rows=rows, moved=True)
    assert rectangles(drawn[:, 0] == 0)[2].tolist() == [9, 7, 4, 5, 7]
    for_images = draw_for_images(process, (3, 40, 48), [1, 2], rows=[3, 1])
    assert rectangles(for_images[:, 0] == 0)[2].tolist() == [5, 4]
    decoys = process.draw(200, (3, 40, 48), generator=torch.Generator().manual_seed(0))
    assert sides(decoys) == [4, 5, 6, 7, 8, 9], "a decoy is any image's"
    assert process.spec == f"folder:{masks},paired"


def test_images_without_a_mask_of_their_name_are_counted_and_listed(masks):
    process = parse_masks(f"folder:{masks},paired")
    split = images("4.png", *(f"other_{number}.png" for number in range(14)))
    with pytest.raises(InputError, match=r"no mask is called as 14 of 15 images: other_0\.png, .*and 4 more"):
        process.of(split)
    assert process.of(split, 1).draw(1, (3, 40, 48), generator=torch.Generator(), rows=np.array([0])).shape[0] == 1


def test_paired_masks_in_a_mixture_are_found_too(masks):
    process = parse_masks(f"folder:{masks},paired|center:20").of(images("8.png"))
    drawn = process.draw(60, (3, 40, 48), generator=torch.Generator().manual_seed(0), rows=np.zeros(60, int))
    assert sides(drawn) == [8, 20]


def test_stored_masks_are_those_of_the_rows():
    held = np.stack([hole(16, 16, 2, 2, side) for side in (3, 5, 7)]).astype(np.uint8) * 255
    process = parse_masks("stored").of(images("a", "b", "c", masks=held))
    drawn = process.draw(3, (3, 16, 16), generator=torch.Generator(), rows=np.array([2, 0, 2]), moved=True)
    assert rectangles(drawn[:, 0] == 0)[2].tolist() == [7, 3, 7]
    decoys = process.draw(90, (3, 16, 16), generator=torch.Generator().manual_seed(0))
    assert sides(decoys) == [3, 5, 7]
    with pytest.raises(InputError, match="holds none"):
        parse_masks("stored").of(images("a"))
    with pytest.raises(UsageError, match="--data"):
        parse_masks("stored").check((3, 16, 16))


def test_what_is_left_of_masks_whose_files_are_out_of_reach():
    def left(spec):
        process = parse_masks(spec).without_files
        return process and process.spec

    assert left("folder:gone") is left("file:gone.png") is left("stored") is left("folder:a|file:b") is None
    assert left("folder:gone|3*block:8|noise:0.5|file:a") == "3*block:8|noise:0.5"
    assert left("folder:gone|2*block:8") == left("block:8") == "block:8"
