"""Recipe1M's lists and image tree; long lists in JSON read as streams."""

import json
import tarfile
import tracemalloc

import pytest
from data_sets import prepare
from PIL import Image

from inpaint_cli.data.sources import json_lists
from inpaint_cli.data.sources.json_lists import stream_list
from inpaint_cli.errors import InputError

PARTS = ("train", "train", "val", "test")


@pytest.fixture
def meals(tmp_path):
    """Four recipes with two images each, of which the first recipe's second image is not there."""
    folder = tmp_path / "meals"
    folder.mkdir()
    recipes, listed = [], []
    for number, part in enumerate(PARTS):
        recipe = f"{number:010x}"
        recipes.append({"id": recipe, "partition": part, "title": "Soup ✓", "ingredients": [{"text": "salt"}] * 3})
        images = [f"{number}a{index}b{'0' * 6}.jpg" for index in range(2)]
        listed.append({"id": recipe, "images": [{"id": image, "url": "x"} for image in images]})
        for index, image in enumerate(images):
            if (number, index) != (0, 1):
                path = folder / part / image[0] / image[1] / image[2] / image[3] / image
                path.parent.mkdir(parents=True)
                Image.new("RGB", (256, 300), (40 * number, 0, 100 * index)).save(path)
    (folder / "layer1.json").write_text(json.dumps(recipes))
    (folder / "layer2.json").write_text(json.dumps(listed))
    return folder


def test_listed_images_are_found_and_absent_ones_counted(meals, tmp_path):
    made = prepare("recipe1m-64", meals, tmp_path / "a.h5")
    assert sum(made.rows.values()) == 7 and made.without_image == 1 and made.file.shape == (3, 64, 64)


def own_splits(folder):
    """The house's recipe without its shares, so that the data set's own partitions decide."""
    from inpaint_cli.data.recipes import load_recipe

    text = load_recipe("recipe1m-64")[1].replace("minimum_rows = 1_000", "")
    before, _, after = text.partition("[splits]")
    (folder / "own.toml").write_text(before + "[source]" + after.partition("[source]")[2])
    return folder / "own.toml"


def test_the_partitions_of_the_recipes_are_the_source_s_own_splits(meals, tmp_path):
    made = prepare(own_splits(tmp_path), meals, tmp_path / "a.h5")
    assert made.rows == {"train": 3, "validation": 2, "test": 2}
    assert made.file.split("test").names == ["3a0b000000.jpg", "3a1b000000.jpg"]


def test_the_archives_as_distributed_give_the_same_file(meals, tmp_path):
    whole = prepare("recipe1m-64", meals, tmp_path / "a.h5").file.identity
    for part in set(PARTS):
        with tarfile.open(meals / f"recipe1M_images_{part}.tar", "w") as archive:
            archive.add(meals / part, part)
        (meals / part).rename(tmp_path / part)
    assert prepare("recipe1m-64", meals, tmp_path / "b.h5").file.identity == whole


@pytest.mark.parametrize("name", ["layer1.json", "layer2.json"])
@pytest.mark.parametrize("kept", [0, 1, 50, -1, -30])
def test_truncated_lists_are_named(meals, tmp_path, name, kept):
    path = meals / name
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=f"{name}: not a whole list in JSON.*cut short"):
        prepare("recipe1m-64", meals, tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("layer1.json", '"partition": "val"', '"partition": "other"', "partition 'other'"),
        ("layer1.json", '"partition": "val"', '"part": "val"', "without `partition`"),
        ("layer1.json", '"0000000002"', '"0000000009"', "layer2.json: lists images of recipe 0000000002"),
        ("layer2.json", '"images": [', '"images": 3, "others": [', "no list of images"),
        ("layer2.json", '"id": "0a0b000000.jpg"', '"id": 7', "without `id`"),
        ("layer1.json", "[", '{"recipes": [', "no \\[ where one belongs"),
    ],
)
def test_lists_that_disagree_are_named(meals, tmp_path, name, old, new, problem):
    path = meals / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=problem):
        prepare("recipe1m-64", meals, tmp_path / "a.h5")


def test_a_name_that_leaves_the_tree_is_an_absent_image(meals, tmp_path):
    path = meals / "layer2.json"
    path.write_text(path.read_text().replace("1a0b000000.jpg", "../../../layer1.json"))
    made = prepare("recipe1m-64", meals, tmp_path / "a.h5")
    assert made.without_image == 2


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64])
def test_a_list_is_read_the_same_whatever_the_blocks(tmp_path, monkeypatch, block):
    entries = [1, 23, -4.5e3, 'é\\"]', {"a": [1, {"b": None}]}, [], {}, True, "", 12345]
    (tmp_path / "a.json").write_text(" [ \n" + " ,\n".join(json.dumps(entry) for entry in entries) + "\n ] \n")
    monkeypatch.setattr(json_lists, "BLOCK", block)
    assert list(stream_list(tmp_path / "a.json")) == entries


def test_an_empty_list_has_no_entries(tmp_path):
    (tmp_path / "a.json").write_text("[ ]")
    assert list(stream_list(tmp_path / "a.json")) == []


def test_memory_does_not_grow_with_the_list(tmp_path):
    entry = json.dumps({"id": "0123456789", "text": "x" * 5_000})
    (tmp_path / "a.json").write_text("[" + ",".join([entry] * 4_000) + "]")  # 20 MB
    tracemalloc.start()
    try:
        assert sum(1 for _ in stream_list(tmp_path / "a.json")) == 4_000
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_an_entry_without_end_and_a_deep_one_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(json_lists, "MAX_ENTRY", 1 << 20)
    (tmp_path / "long.json").write_text('["' + "x" * (3 << 20))
    with pytest.raises(InputError, match=r"long\.json: not a whole list in JSON"):
        list(stream_list(tmp_path / "long.json"))
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"deep\.json"):
        list(stream_list(tmp_path / "deep.json"))
