"""What of a folder is taken, what is left out and said, and masks under the names that other programs give them."""

from pathlib import Path

import pytest

from inpaint_cli.errors import InputError
from inpaint_cli.jobs.photos.finding import Masks, find_photos, mask_of
from inpaint_cli.jobs.photos.pairing import plan_jobs


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.fixture
def tree(tmp_path):
    return touched(
        tmp_path / "photos", "a.png", "a_mask.png", "notes.txt", "b.NEF", "c.nef", "LICENSE", ".hidden.xyz",
        "summer/d.jpg", "summer/d_mask.png", "summer/deep/e.jpg", "empty/x.txt", ".cache/f.jpg",
    )  # fmt: skip


def test_a_folder_says_what_it_leaves_out_with_counts(tree):
    found = find_photos([tree])
    assert [path.name for path in found.photos] == ["a.png"]
    (note,) = found.notes
    assert "left out 4 files of kinds that are not read (2 .nef, 1 .txt, 1 without an extension)" in note.replace(
        "1 without an extension, 1 .txt", "1 .txt, 1 without an extension"
    )
    assert "2 subfolders with 3 image files (--recursive takes them)" in note
    assert find_photos([tree / "a.png"]).notes == ()


def test_a_folder_of_photos_and_masks_alone_says_nothing(tmp_path):
    assert find_photos([touched(tmp_path, "a.png", "a_mask.png", "a_inpaint.png", ".DS_Store")]).notes == ()


def test_masks_that_are_named_beside_their_photos_are_no_photos(tmp_path):
    touched(tmp_path, "a.png", "A-mask.png", "b.jpg", "b_mask.png", "c_mask.png", "below/b_mask001.png")
    alone = find_photos([tmp_path / "a.png", tmp_path / "A-mask.png"])
    assert (alone.photos, alone.several) == ([tmp_path / "a.png"], False)
    assert alone.notes == (f"left out, since masks of photos that are named: {tmp_path / 'A-mask.png'}",)
    everything = find_photos([*sorted(tmp_path.glob("*.*")), tmp_path / "below" / "b_mask001.png"])
    assert [path.name for path in everything.photos] == ["a.png", "b.jpg", "c_mask.png", "b_mask001.png"]
    assert everything.several
    assert find_photos([tmp_path, tmp_path / "b_mask.png"]).several


def test_a_folder_without_photos_says_what_is_there(tmp_path):
    with pytest.raises(InputError, match=r"no photos in this folder .*left out 1 file of a kind .*\.nef.*--recursive"):
        find_photos([touched(tmp_path, "b.nef", "deeper/a.png")])


def test_recursion_mirrors_masks_and_outputs(tree, tmp_path):
    touched(tmp_path / "masks", "a.png", "summer/d.png", "summer/deep/e-mask.png")
    found = find_photos([tree], recursive=True)
    assert [str(path.relative_to(tree)) for path in found.photos] == ["a.png", "summer/d.jpg", "summer/deep/e.jpg"]
    assert "subfolder" not in found.notes[0] and "5 files" in found.notes[0]
    jobs = plan_jobs(found, str(tmp_path / "masks"), str(tmp_path / "out"), 1)
    masks = [str(job.mask.relative_to(tmp_path / "masks")) for job in jobs]
    assert masks == ["a.png", "summer/d.png", "summer/deep/e-mask.png"]
    outputs = [str(job.outputs[0].relative_to(tmp_path / "out")) for job in jobs]
    assert outputs == ["a_inpaint.png", "summer/d_inpaint.jpg", "summer/deep/e_inpaint.jpg"]
    assert (tmp_path / "out" / "summer" / "deep").is_dir()
    beside = plan_jobs(found, None, None, 1)
    assert [job.mask and job.mask.name for job in beside] == ["a_mask.png", "d_mask.png", None]
    assert beside[1].outputs == (tree / "summer" / "d_inpaint.jpg",)


BESIDE = (
    "cat_mask.png",
    "cat-mask.png",
    "cat_MASK.PNG",
    "Cat_mask001.png",
    "cat.mask.png",
    "mask_cat.tif",
    "cat.jpg.png",
)


@pytest.mark.parametrize("name", BESIDE)
def test_masks_beside_photos_under_many_names(tmp_path, name):
    folder = touched(tmp_path, "cat.jpg", "dog.jpg", name)
    assert mask_of(folder / "cat.jpg", None) == folder / name
    assert [path.name for path in find_photos([folder]).photos] == ["cat.jpg", "dog.jpg"]
    with pytest.raises(InputError, match=r"no mask: there is no .*dog_mask\.png"):
        mask_of(folder / "dog.jpg", None)


@pytest.mark.parametrize("name", [*BESIDE, "cat.png", "CAT.webp"])
def test_masks_in_a_folder_of_masks_under_many_names(tmp_path, name):
    photos, masks = touched(tmp_path / "photos", "cat.jpg"), touched(tmp_path / "masks", name, "dog.png")
    assert mask_of(photos / "cat.jpg", str(masks)) == masks / name


def test_the_usual_name_goes_before_others_and_two_alike_are_asked_about(tmp_path):
    folder = touched(tmp_path, "cat.jpg", "cat_mask.png", "cat-mask.png")
    assert mask_of(folder / "cat.jpg", None).name == "cat_mask.png"
    touched(folder, "dog.jpg", "dog_mask001.png", "dog_mask002.png")
    with pytest.raises(InputError, match=r"which mask\? .*dog_mask001\.png, .*dog_mask002\.png"):
        mask_of(folder / "dog.jpg", None)


def test_a_photo_of_a_mask_is_a_photo_where_nothing_else_has_its_name(tmp_path):
    folder = touched(tmp_path, "gas-mask.jpg", "mask_of_venice.jpg", "a.png")
    assert [path.name for path in find_photos([folder]).photos] == ["a.png", "gas-mask.jpg", "mask_of_venice.jpg"]


def test_a_folder_of_masks_is_read_once(tmp_path, monkeypatch):
    folder = touched(
        tmp_path, *(f"{number}.jpg" for number in range(5)), *(f"{number}-mask.png" for number in range(5))
    )
    masks, listed = Masks(None), []
    real = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: listed.append(self) or real(self))
    assert [masks.of(folder / f"{number}.jpg").name for number in range(5)] == [f"{n}-mask.png" for n in range(5)]
    assert len(listed) == 1
