"""What the folders of a tree say: splits that exist are kept, class folders become labels, doubt is asked about."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import inpaint, smooth_pictures
from PIL import Image

from inpaint_cli.data.layouts import layout_of
from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.errors import InputError

CASE = Path(__file__).parents[3] / "shared" / "cases" / "02_split_folders" / "dataset"


def layout(names, choice="auto"):
    return layout_of(names.split(), choice, "the tree")


def kept(names, choice="auto"):
    """What each image's split and class are, in the order of the names."""
    found = layout(names, choice)
    return [(found.splits.get(name), found.labels.get(name)) for name in names.split()]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("train/a.png val/b.png test/c.png", [("train", None), ("validation", None), ("test", None)]),
        ("Training/a.png dev/b.png", [("train", None), ("validation", None)]),
        ("d/train/a.png d/valid/b.png d/testing/c.png", [("train", None), ("validation", None), ("test", None)]),
        ("train/10/a.png train/2/b.png test/2/c.png", [("train", 0), ("train", 1), ("test", 1)]),
        ("train/x/deep/a.png test/y/b.png", [("train", 0), ("test", 1)]),
        ("train/x/a.png test/b.png", [("train", None), ("test", None)]),
        ("train/x/a.png test/x/b.png", [("train", None), ("test", None)]),
        ("cat/a.png dog/b.png dog/c.png", [(None, 0), (None, 1), (None, 1)]),
        ("pets/cat/a.png pets/dog/b.png", [(None, 0), (None, 1)]),
        ("2021/01/a.png 2022/b.png", [(None, None), (None, None)]),
        ("a.png b.png", [(None, None), (None, None)]),
        ("trains/a.png tests/b.png", [(None, 1), (None, 0)]),
        ("train.png val.png", [(None, None), (None, None)]),
    ],
)
def test_folders_are_taken_for_what_they_are_called(names, expected):
    assert kept(names) == expected


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("train/a.png test/b.png extra/c.png", "extra/c.png"),
        ("train/a.png test/b.png c.png", "1 images lie beside them: c.png"),
        ("train/a.png train/b.png", "train is called as a split, and there is no other"),
        ("val/a.png test/b.png", "test and val, and no train"),
        ("train/a.png val/b.png valid/c.png", "train and val and valid are called as the same split"),
        ("cat/train/a.png cat/test/b.png dog/train/c.png", "several places"),
        ("cat/a.png dog/train/b.png", "1 images lie beside them: cat/a.png"),
    ],
)
def test_what_could_be_meant_in_two_ways_is_asked_for(names, words):
    with pytest.raises(InputError) as raised:
        layout(names)
    assert words in str(raised.value)
    assert str(raised.value).startswith("the tree: ") and "--splits folders" in str(raised.value)
    assert "--splits hash to deal all" in str(raised.value)
    assert all(split is None for split, _ in kept(names, "hash"))


def test_asked_for_folders_are_kept_and_what_lies_beside_is_left_out():
    assert kept("train/a.png train/b.png", "folders") == [("train", None)] * 2
    found = layout("train/x/a.png val/y/b.png valid/y/c.png extra/d.png", "folders")
    assert found.outside == {"extra/d.png"} and "1 images beside them left out" in found.words
    assert "val and valid → validation" in found.words
    above = kept("pets/cat/train/a.png pets/cat/test/b.png pets/dog/train/c.png", "folders")
    assert above == [("train", 0), ("test", 0), ("train", 1)]
    with pytest.raises(InputError, match="no folder is called train"):
        layout("a/b.png", "folders")


def test_files_that_are_no_images_raise_no_doubt():
    found = layout("train/a.png test/b.png readme.txt labels/list.csv")
    assert found.splits == {"train/a.png": "train", "test/b.png": "test"} and not found.outside


def test_words_say_what_was_recognised():
    names = " ".join(f"train/c{number}/a.png test/c{number}/b.png" for number in range(9))
    assert layout(names).words == (
        "split folders kept (train → train, test → test); 9 class folders (c0, c1, c2, c3, c4, c5, …)"
    )
    assert layout("train/x/a.png test/b.png").words.endswith("no classes, since 1 images lie in no class folder")
    assert layout("a.png").words == "no split folders: dealt by names; no class folders"


# ---- prepared --------------------------------------------------------------------------------------------------------


@pytest.fixture
def dataset(tmp_path):
    """Kaggle's flowers: `dataset/train/CLASS/image.jpg`, `valid`, `test`, with what a Mac leaves and a table beside."""
    pictures = iter(smooth_pictures(27, 40))
    for split, count in (("train", 5), ("valid", 1), ("test", 3)):
        for label in ("1", "10", "102"):
            for number in range(count):
                path = tmp_path / "in" / "dataset" / split / label / f"image_{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(next(pictures)).save(path)
    (tmp_path / "in" / "dataset" / ".DS_Store").write_bytes(b"finder")
    (tmp_path / "in" / "dataset" / "train" / "._1").write_bytes(b"resource")
    (tmp_path / "in" / "__MACOSX").mkdir()
    (tmp_path / "in" / "__MACOSX" / "._dataset").write_bytes(b"resource")
    (tmp_path / "in" / "cat_to_name.json").write_text("{}")
    return tmp_path / "in"


def prepare(source, output, *more):
    return inpaint("prepare", "folder", "--source", source, "-o", output, "--size", 24, "--workers", 1, *more)


def test_splits_and_classes_of_a_tree_are_those_of_the_file(dataset, tmp_path):
    shown = prepare(dataset, tmp_path / "a.h5")
    assert shown.exit_code == 0, shown.stderr
    layout = "split folders kept (train → train, valid → validation, test → test); 3 class folders (1, 10, 102)"
    assert f"layout: {layout}" in shown.stdout and "skipped: 1" in shown.stdout and "cat_to_name.json" in shown.stdout
    file = PreparedFile(tmp_path / "a.h5")
    assert {split: len(file.split(split)) for split in file.splits} == {"train": 15, "validation": 3, "test": 9}
    assert file.label_names == {"labels": ["1", "10", "102"]} and file.options["layout"] == layout
    for split in file.splits:
        held = file.split(split)
        folders = [name.split("/")[1:3] for name in held.names]
        assert {folder for folder, _ in folders} == {{"validation": "valid"}.get(split, split)}
        assert [["1", "10", "102"][label] for label in held.labels["labels"]] == [label for _, label in folders]
    card = inpaint("data", tmp_path / "a.h5").stdout
    assert f"layout:   {layout}" in card and "labels: 3 named: 1, 10, 102" in card


def test_an_archive_gives_the_same_bytes(dataset, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "archive"), "zip", dataset)
    for source, output in ((dataset, "a.h5"), (archive, "b.h5")):
        assert prepare(source, tmp_path / output).exit_code == 0
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_doubt_is_one_message_and_no_file(dataset, tmp_path):
    Image.fromarray(smooth_pictures(1, 40, seed=9)[0]).save(dataset / "dataset" / "cover.png")
    refused = prepare(dataset, tmp_path / "a.h5")
    assert refused.exit_code == 3 and "dataset/cover.png" in refused.stderr and not (tmp_path / "a.h5").exists()
    assert refused.stderr.count("--splits") == 2
    assert "1 images beside them left out" in prepare(dataset, tmp_path / "b.h5", "--splits", "folders").stdout
    file = PreparedFile(tmp_path / "b.h5")
    assert sum(len(file.split(split)) for split in file.splits) == 27
    assert prepare(dataset, tmp_path / "c.h5", "--splits", "hash").exit_code == 0
    file = PreparedFile(tmp_path / "c.h5")
    assert sum(len(file.split(split)) for split in file.splits) == 28 and file.labels == ()
    fixed = inpaint("prepare", "mnist-96", "--source", dataset, "-o", tmp_path / "d.h5", "--splits", "hash")
    assert fixed.exit_code == 2 and "has splits of its own" in fixed.stderr


@pytest.mark.skipif(not CASE.is_dir(), reason="needs ../shared/cases/02_split_folders")
def test_the_case_of_split_folders_keeps_them_and_its_copies_are_found(tmp_path):
    """Every picture of its `valid` and `test` also lies in its `train`, byte for byte."""
    refused = prepare(CASE, tmp_path / "a.h5")
    assert refused.exit_code == 3 and "15 in all" in refused.stderr and not (tmp_path / "a.h5").exists()
    assert "train/1/image_00100.jpg (train) = " in refused.stderr
    shown = prepare(CASE, tmp_path / "a.h5", "--allow-leaks")
    assert shown.exit_code == 0 and "15 exact copies of other images, 15 of them across splits" in shown.stdout
    file = PreparedFile(tmp_path / "a.h5")
    assert {split: len(file.split(split)) for split in file.splits} == {"train": 24, "validation": 6, "test": 9}
    assert file.label_names["labels"] == ["1", "10", "102"]
    assert all(name.startswith("test/") for name in file.split("test").names)
    assert np.array_equal(np.bincount(file.split("test").labels["labels"][:]), [3, 3, 3])
