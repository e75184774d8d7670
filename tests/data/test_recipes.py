"""Recipes say what is wrong with them; splits and crops follow from what they say."""

import os
import re
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from data_sets import DIGITS, prepare
from PIL import Image

from inpaint_cli.data.crops import FixedCrop, SquareCrop
from inpaint_cli.data.geometry import Window
from inpaint_cli.data.recipes import HashSplits, load_recipe, recipe_names
from inpaint_cli.data.rows import Row
from inpaint_cli.data.shaping import Shaping
from inpaint_cli.errors import EnvironmentFault, InputError, UsageError

FACELESS = Row("a", np.zeros((1, 1, 3), np.uint8))


def test_the_hash_of_a_name_decides_its_split():
    splits = HashSplits(train=0.8, validation=0.1, test=0.1)
    drawn = [splits.split(f"{number}.png") for number in range(10_000)]
    assert abs(drawn.count("train") / 10_000 - 0.8) < 0.02 and abs(drawn.count("test") / 10_000 - 0.1) < 0.02
    first = int(sha256(b"0.png").hexdigest()[:16], 16) / 2**64
    assert drawn[0] == ("train" if first < 0.8 else "validation" if first < 0.9 else "test")


def test_the_square_lies_in_the_middle_and_shrinking_antialiases():
    assert SquareCrop(kind="square").window(30, 20, FACELESS) == Window(5, 0, 20)
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    shrunk = Window(0, 0, 64).cut(Image.fromarray(stripes), 16, "bicubic")
    assert np.abs(shrunk[:, 1:-1].astype(int) - 127).max() <= 3


def test_the_fixed_square_of_the_paper_is_0_75_of_128():
    crop = load_recipe("celeba-96")[0].crop
    assert crop == FixedCrop(kind="fixed", image=(178, 218), center=(89, 121), side=128)
    assert crop.window(178, 218, FACELESS) == Window(25, 57, 128) and load_recipe("celeba-96")[0].size == 128 * 0.75


def test_shaping_pickles_small():
    import pickle

    recipe, _ = load_recipe("celeba-96")
    assert len(pickle.dumps(Shaping(recipe.mode, recipe.crop, recipe.size, recipe.filter))) < 2000


def test_every_recipe_of_the_house_is_valid_and_named_as_its_file():
    assert len(recipe_names()) == 21
    for name in recipe_names():
        assert load_recipe(name)[0].name == name


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('mode = "gray"', 'mode = "grey"', "mode"),
        ("size = 32", "size = 32\nsizes = 3", "sizes"),
        ("size = 32", "", "size"),
        ('"idx"', '"idy"', "source"),
        ('kind = "idx", validation = 4', 'kind = "folder"', "splits"),
        ("size = 32", "size =", "TOML"),
        ("size = 32", "size = 32\nsplits = { train = 0.8 }", "sum to 1"),
    ],
)
def test_a_wrong_recipe_names_file_field_and_problem(tmp_path, old, new, problem):
    (tmp_path / "mine.toml").write_text(DIGITS.replace(old, new))
    with pytest.raises(InputError, match=rf"mine\.toml: .*{problem}"):
        load_recipe(str(tmp_path / "mine.toml"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("size = " + "9" * 5000, "5000 digits"),
    ],
)
def test_what_no_recipe_says_is_one_message(tmp_path, text, problem):
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(InputError, match=rf"mine\.toml: .*{problem}"):
        load_recipe(str(tmp_path / "mine.toml"))


def test_pipes_and_devices_are_no_recipes(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(InputError, match=rf"{name}\.toml.*not a regular file"):
            load_recipe(str(tmp_path / f"{name}.toml"))


@pytest.mark.parametrize("category", ["../../etc", "/etc", ".."])
def test_a_category_leads_to_no_other_folder(tmp_path, category):
    _, text = load_recipe("lsun-bedroom-64")
    (tmp_path / "mine.toml").write_text(text.replace('category = "bedroom"', f'category = "{category}"'))
    with pytest.raises(InputError, match=r"mine\.toml: source\.lsun\.category: .*leads to no other folder"):
        load_recipe(str(tmp_path / "mine.toml"))


def test_an_unknown_recipe_names_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'mnist-96'"):
        load_recipe("mnist96")
    with pytest.raises(InputError, match=r"absent\.toml"):
        load_recipe(str(tmp_path / "absent.toml"))


def test_what_is_wrong_before_any_work(tree, tmp_path):
    (tmp_path / "old.h5").write_bytes(b"mine")
    with pytest.raises(UsageError, match="--overwrite"):
        prepare("folder", tree, tmp_path / "old.h5")
    with pytest.raises(EnvironmentFault, match="does not exist"):
        prepare("folder", tree, tmp_path / "nowhere" / "a.h5")
    with pytest.raises(InputError, match="no such folder"):
        prepare("folder", tmp_path / "absent", tmp_path / "a.h5")
    with pytest.raises(UsageError, match="needs --source"):
        prepare("folder", None, tmp_path / "a.h5")
    with pytest.raises(UsageError, match="defined at 96"):
        prepare("mnist-96", tree, tmp_path / "a.h5", size=64)


PAPERS = Path(__file__).parents[3] / "shared" / "papers"


@pytest.mark.skipif(not PAPERS.is_dir(), reason="needs ../shared/papers")
@pytest.mark.parametrize("name", recipe_names())
def test_the_sentence_of_a_recipe_stands_in_its_paper(name):
    recipe = load_recipe(name)[0]
    if recipe.paper == "none":
        return
    printed = plain((PAPERS / f"{recipe.paper}.txt").read_text())
    for part in recipe.sentence.split("…"):
        assert plain(part) in printed, part


def plain(text):
    """Letters and digits alone: the papers' texts have line breaks, formulas and emphasis as marks."""
    return "".join(re.findall(r"[a-z0-9]+", text.replace("\\times", "").lower()))
