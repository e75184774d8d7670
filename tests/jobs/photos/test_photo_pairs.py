"""Which photos, which masks, which names: folders, globs, pairs, and what cannot be meant."""

from pathlib import Path

import pytest

from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.jobs.photos.finding import find_photos, is_specification, mask_of
from inpaint_cli.jobs.photos.pairing import plan_jobs


@pytest.fixture
def folder(tmp_path):
    names = "b.png a.JPG a_mask.png b_mask.tif a_inpaint.jpg b_inpaint_2.png note.txt c_inpaint.png .hidden.txt"
    for name in names.split():
        (tmp_path / name).touch()
    (tmp_path / "d.png").mkdir()
    return tmp_path


def names(paths):
    return [path.name for path in paths]


def test_a_folder_is_its_photos_by_name_without_masks_and_earlier_results(folder):
    photos, several, *_ = find_photos([folder])
    assert names(photos) == ["a.JPG", "b.png", "c_inpaint.png"] and several  # there is no c


def test_what_was_said_of_a_photo_is_no_photo(folder):
    for name in ("a_parsing.png", "a_landmarks.png", "b_maps.png", "c_parsing.png"):
        (folder / name).touch()
    assert names(find_photos([folder])[0]) == ["a.JPG", "b.png", "c_inpaint.png", "c_parsing.png"]


def test_globs_files_and_folders_together_name_each_photo_once(folder):
    photos, several, *_ = find_photos([folder / "*.png", folder / "b.png", folder / "absent.png"])
    assert names(photos) == ["b.png", "b_inpaint_2.png", "c_inpaint.png", "absent.png"] and several
    assert find_photos([folder / "b.png"])[:2] == ([folder / "b.png"], False)


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path):
    (tmp_path / "a[1].png").touch()
    assert find_photos([tmp_path / "a[1].png"])[:2] == ([tmp_path / "a[1].png"], False)


def test_nothing_found_is_an_error(tmp_path):
    for nothing in (tmp_path, tmp_path / "*.png"):
        with pytest.raises(InputError, match="no photo"):
            find_photos([nothing])


@pytest.mark.parametrize(
    "mask", ["alpha", "none", "auto:#ff00ff", "block:64", "center: 40", "FILE:a.png", "file:x/y.png", "2*block:8|none"]
)
def test_specifications(mask):
    assert is_specification(mask) and mask_of(Path("a.png"), mask) == mask


@pytest.mark.parametrize("mask", ["mask.png", "./alpha", "alpha.png", "./block:64", "C:mask.png", "auto", "./none"])
def test_names_of_files(mask):
    assert not is_specification(mask) and mask_of(Path("a.png"), mask) == Path(mask)


def test_masks_are_found_by_name(folder, tmp_path_factory):
    assert mask_of(folder / "b.png", None) == folder / "b_mask.tif"
    masks = tmp_path_factory.mktemp("masks")
    for name in ("a.png", "b.PNG", "b_mask.png"):
        (masks / name).touch()
    assert mask_of(folder / "a.JPG", str(masks)).name == "a.png"
    assert mask_of(folder / "b.png", str(masks)).name == "b_mask.png"
    with pytest.raises(InputError, match=r"c_mask\.png or .*c\.png"):
        mask_of(folder / "c.png", str(masks))
    (masks / "a.webp").touch()
    with pytest.raises(InputError, match=r"which mask\? .*a\.png, .*a\.webp"):
        mask_of(folder / "a.JPG", str(masks))


def test_a_photo_is_not_its_own_mask(tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(InputError, match="no mask"):
        mask_of(tmp_path / "a.png", str(tmp_path))


def outputs(jobs):
    return [output for job in jobs for output in job.outputs]


def test_results_are_named_after_their_photos(tmp_path):
    photos = [tmp_path / name for name in ("a.jpg", "b.gif", "c.TIF", "d")]
    jobs = plan_jobs(find_photos(photos), "alpha", None, 1)
    assert names(outputs(jobs)) == ["a_inpaint.jpg", "b_inpaint.png", "c_inpaint.TIF", "d_inpaint.png"]
    assert {path.parent for path in outputs(jobs)} == {tmp_path}
    several = plan_jobs(find_photos(photos[:1]), "alpha", str(tmp_path), 3)
    assert names(outputs(several)) == ["a_inpaint_1.jpg", "a_inpaint_2.jpg", "a_inpaint_3.jpg"]


def test_output_is_a_file_for_one_photo_and_a_folder_for_several(tmp_path):
    one = [tmp_path / "a.jpg"]
    assert outputs(plan_jobs(find_photos(one), "alpha", "x/y.png", 2)) == [Path("x/y_1.png"), Path("x/y_2.png")]
    new = tmp_path / "new" / "deeper"
    assert outputs(plan_jobs(find_photos([*one, tmp_path / "b.png"]), "alpha", str(new), 1))[0] == new / "a_inpaint.jpg"
    assert new.is_dir()
    slash = f"{tmp_path}/slash/"
    assert outputs(plan_jobs(find_photos(one), "alpha", slash, 1)) == [tmp_path / "slash" / "a_inpaint.jpg"]
    with pytest.raises(UsageError, match="several photos need a folder"):
        plan_jobs(find_photos([*one, tmp_path / "b.png"]), "alpha", "x/y.png", 1)


def test_two_results_of_one_name_are_refused(tmp_path):
    photos = [tmp_path / "a" / "x.png", tmp_path / "b" / "x.png"]
    with pytest.raises(UsageError, match=r"a/x\.png and .*b/x\.png would both be written"):
        plan_jobs(find_photos(photos), "alpha", str(tmp_path / "out"), 1)
