"""MNIST's idx files."""

import gzip

import pytest
from data_sets import DIGITS, prepare

from inpaint_cli.errors import InputError


def test_idx_files_give_the_three_splits_with_labels(digits):
    made = prepare(digits / "digits.toml", digits / "idx", digits / "a.h5")
    assert made.rows == {"train": 6, "validation": 4, "test": 3}
    assert made.file.shape == (1, 32, 32)
    assert made.file.split("validation").labels["labels"][:].tolist() == [6, 7, 8, 9]
    assert made.file.split("validation").names[0] == "train/00006"


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"])
@pytest.mark.parametrize("kept", [0, 2, 9, -1])
def test_truncated_idx_files_are_named(digits, name, kept):
    path = digits / "idx" / name
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=name):
        prepare(digits / "digits.toml", digits / "idx", digits / "a.h5")


def test_an_idx_file_cut_before_it_was_packed_is_named(digits):
    path = digits / "idx" / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-5]))
    with pytest.raises(InputError, match=r"train-images.*cut short"):
        prepare(digits / "digits.toml", digits / "idx", digits / "a.h5")


def test_missing_idx_files_are_listed_with_the_places_searched(digits):
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte or train-images-idx3-ubyte\.gz; looked in"):
        prepare(digits / "digits.toml", digits, digits / "a.h5")


def test_a_set_below_its_recipe_s_minimum_is_an_error_unless_limited(digits):
    text = DIGITS.replace("size = 32", "size = 32\nminimum_rows = 14")
    (digits / "digits.toml").write_text(text)
    with pytest.raises(InputError, match=r"13 usable images.*needs 14"):
        prepare(digits / "digits.toml", digits / "idx", digits / "a.h5")
    assert prepare(digits / "digits.toml", digits / "idx", digits / "a.h5", limit=2).rows["train"] == 2
