"""Files that belong together by what they are called."""

import pytest

from inpaint_cli.data.pairing import listed, paired
from inpaint_cli.errors import InputError


@pytest.mark.parametrize(
    ("wanted", "files", "places"),
    [
        (["a.jpg", "b.png"], ["b.webp", "a.png", "c.png"], [1, 0]),
        (["train/1/a.jpg", "test/1/a.jpg"], ["test/1/a.png", "train/1/a.png"], [1, 0]),
        (["train/1/a.jpg"], ["test/1/a.png"], [None]),
        (["train/1/a.jpg"], ["a.png"], [0]),
        (["train/1/a.jpg"], ["a.png", "1/a.png"], [1]),
        (["a.jpg"], ["done/all/a.png"], [0]),
        (["a.b.jpg", "a"], ["a.b.png", "a.png"], [0, 1]),
        (["a.jpg"], [], [None]),
    ],
)
def test_names_pair_across_extensions_and_folders(wanted, files, places):
    assert paired(wanted, files) == places


def test_an_ending_belongs_to_the_name():
    assert paired(["cat.jpg", "dog.jpg"], ["cat_mask.png", "dog.png"], "_mask") == [0, 1]
    assert paired(["cat.jpg"], ["cat_mask.png"]) == [None]


def test_what_could_belong_to_two_is_refused():
    with pytest.raises(InputError, match=r"a\.png would belong to train/a\.jpg and to test/a\.jpg"):
        paired(["train/a.jpg", "test/a.jpg"], ["a.png"])
    with pytest.raises(InputError, match=r"a\.jpg: which file is its own\? a\.png, a\.webp"):
        paired(["a.jpg"], ["a.png", "a.webp"])


def test_long_lists_are_shortened():
    assert listed(["a", "b\n"]) == "a, b\\n"
    assert listed([str(number) for number in range(1234)]).endswith("8, 9, … and 1,224 more")
