"""Exact copies are counted; across splits of one's own making they are refused."""

import json
import shutil

import numpy as np
import pytest
from conftest import inpaint, smooth_pictures
from PIL import Image

from inpaint_cli.data.copies import Copied, Digests, refuse_leaks
from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.errors import InputError


def rows(*levels):
    return np.stack([np.full((4, 4, 3), level, np.uint8) for level in levels])


def test_copies_are_counted_and_paired_across_splits():
    digests = Digests()
    assert digests.copied() == Copied()
    digests.add("test", rows(5, 1, 9))
    digests.add("train", rows(1, 2, 2))
    digests.add("train", rows(3, 1))
    digests.add("validation", rows(2, 7))
    found = digests.copied()
    assert found.copies == 4  # 1 three times, 2 three times
    assert found.leaks == ((("train", 0), ("test", 1)), (("train", 1), ("validation", 0)))
    assert found.words == "4 exact copies of other images, 2 of them across splits"
    assert Copied(1).words == "1 exact copy of other images" and Copied().words == "no exact copies"


def test_many_leaks_are_shortened():
    leaks = tuple(((("train", row)), ("test", row)) for row in range(9))
    names = {place: f"{place[0]}/{place[1]}.png" for leak in leaks for place in leak}
    with pytest.raises(
        InputError, match=r"the tree: .*9 in all.*train/0\.png \(train\) = .* and 4 more\. .*--allow-leaks"
    ):
        refuse_leaks(Copied(9, leaks), names, "the tree")
    refuse_leaks(Copied(3), {}, "the tree")


@pytest.fixture
def tree(tmp_path):
    """Twelve pictures to train on and six to test on; one of these is a copy, saved in another format."""
    for number, picture in enumerate(smooth_pictures(18, 32)):
        path = tmp_path / "tree" / ("train" if number < 12 else "test") / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    Image.open(tmp_path / "tree" / "train" / "03.png").save(tmp_path / "tree" / "test" / "again.bmp")
    return tmp_path / "tree"


def prepare(source, output, *more):
    return inpaint("prepare", "folder", "--source", source, "-o", output, "--size", 32, "--workers", 1, *more)


def test_leaks_are_found_in_a_tree_with_copies(tree, tmp_path):
    refused = prepare(tree, tmp_path / "a.h5")
    assert refused.exit_code == 3 and not (tmp_path / "a.h5").exists()
    assert "train/03.png (train) = test/again.bmp (test)" in refused.stderr and "--allow-leaks" in refused.stderr
    allowed = prepare(tree, tmp_path / "a.h5", "--allow-leaks")
    assert "copies: 1 exact copy of other images, 1 of them across splits" in allowed.stdout
    file = PreparedFile(tmp_path / "a.h5")
    assert file.options["copies"] == 1 and file.options["leaks"] == 1
    assert "copies:   1, across splits 1" in inpaint("data", tmp_path / "a.h5").stdout
    assert json.loads(inpaint("data", tmp_path / "a.h5", "--json").stdout)["options"]["leaks"] == 1


def test_copies_within_a_split_are_counted_alone(tree, tmp_path):
    (tree / "test" / "again.bmp").unlink()
    assert "copies: no exact copies" in prepare(tree, tmp_path / "a.h5").stdout
    for number in range(3):
        shutil.copy(tree / "train" / "05.png", tree / "train" / f"copy{number}.png")
    shown = prepare(tree, tmp_path / "b.h5")
    assert shown.exit_code == 0 and "copies: 3 exact copies of other images\n" in shown.stdout


def test_copies_that_the_hash_deals_apart_are_found_too(tmp_path):
    (tmp_path / "flat").mkdir()
    Image.fromarray(smooth_pictures(1, 32)[0]).save(tmp_path / "flat" / "0.png")
    for number in range(1, 40):
        shutil.copy(tmp_path / "flat" / "0.png", tmp_path / "flat" / f"{number}.png")
    refused = prepare(tmp_path / "flat", tmp_path / "a.h5")
    assert refused.exit_code == 3 and "(train) = " in refused.stderr
