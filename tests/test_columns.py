"""Rows of a file read when they are asked for, as an array gives them; a file that is cut is one message."""

import numpy as np
import pytest

from inpaint_cli.columns import FileColumn
from inpaint_cli.errors import InputError

BEFORE = 13  # bytes


@pytest.fixture
def array():
    return np.random.default_rng(0).integers(0, 1 << 30, (9, 4, 3), dtype=np.int64)


@pytest.fixture
def column(array, tmp_path):
    (tmp_path / "rows").write_bytes(bytes(BEFORE) + array.tobytes() + b"what comes after")
    return FileColumn(tmp_path / "rows", array.dtype, array.shape, BEFORE)


@pytest.mark.parametrize(
    "rows",
    [
        0, 8, -1, np.int64(3), slice(None), slice(2, 5), slice(7, 99), slice(5, 2), slice(0, 9, 4),
        slice(None, None, -1),
        np.array([3, 3, 0]), [8, 1], np.array([], int), np.arange(9) % 2 == 0,
        (3, 2), (slice(1, 4), slice(1, 3)), (slice(2), 0, 1), (5, slice(None), 2),
    ],
    ids=str,
)  # fmt: skip
def test_rows_are_those_of_the_array(array, column, rows):
    assert np.array_equal(column[rows], array[rows]) and column[rows].dtype == array.dtype


def test_it_says_what_an_array_says(array, column):
    assert (len(column), column.shape, column.nbytes) == (9, array.shape, array.nbytes)
    assert np.array_equal(np.asarray(column), array) and np.array_equal(list(column), array)
    assert np.asarray(column, np.float32).dtype == np.float32
    for row in (9, -10):
        with pytest.raises(IndexError):
            column[row]


@pytest.mark.parametrize("rows", [8, slice(6, 9), np.array([0, 8])], ids=str)
def test_a_file_that_is_cut_while_it_is_in_use_is_one_message(column, rows):
    with column.path.open("r+b") as file:
        file.truncate(BEFORE + 8 * column.row_bytes + 5)
    assert column[7].any()
    with pytest.raises(InputError, match="rows: was cut short while it was in use"):
        column[rows]
