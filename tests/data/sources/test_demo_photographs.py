"""The demo's squares of photographs."""

import pytest
from data_sets import prepare

from inpaint_cli.data.sources.photographs import grid
from inpaint_cli.errors import UsageError


def squares(file, split):
    """(photograph, left, right) of each square, from its name."""
    for name in file.split(split).names:
        photograph, square = name.split("/")
        side, left, _ = map(int, square.split("+"))
        yield photograph, left, left + side


def test_the_demo_needs_no_source_and_shares_no_pixel_between_splits(tmp_path):
    made = prepare("demo", None, tmp_path / "a.h5", size=16)
    assert 900 <= made.rows["train"] <= 2000 and 80 <= made.rows["test"] <= 200
    tested = {photograph for photograph, _, _ in squares(made.file, "test")}
    right_of = max(right for photograph, _, right in squares(made.file, "train") if photograph in tested)
    assert right_of <= min(left for _, left, _ in squares(made.file, "test"))
    others = [{photograph for photograph, _, _ in squares(made.file, split)} for split in ("train", "validation")]
    assert others[0] - tested and not others[0] & others[1]
    with pytest.raises(UsageError, match="leave out --source"):
        prepare("demo", tmp_path, tmp_path / "b.h5")


def test_the_grid_stays_inside_the_photograph():
    squares = list(grid(100, 50, (20, 60), 2))
    assert len(squares) == 9 * 4 and all(left + side <= 100 and top + side <= 50 for left, top, side in squares)
