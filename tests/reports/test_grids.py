"""Grids: every image whole and unchanged, labels beside it, never over it."""

import numpy as np
import pytest

from inpaint_cli.reports.grids import grid


def block(colour, height=20, width=30):
    return np.full((height, width, len(colour)), colour, dtype=np.uint8)


COLOURS = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (90, 0, 90), (0, 90, 90)]


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"labels_top": ["original", "a label far wider than its image", "3"]},
        {"labels_left": ["first\nrow", "second"]},
        {"title": "rec:0.1 → two lines,\nand a title wider than the whole of the sheet below it, by far"},
        {"labels_top": ["a", "b", "c"], "labels_left": ["x", "y"], "title": "step 100"},
    ],
)
def test_every_image_is_whole_whatever_the_labels(labels):
    images = [block(colour) for colour in COLOURS]
    sheet = np.asarray(grid([images[:3], images[3:]], **labels))
    for colour in COLOURS:
        rows, columns = np.nonzero((sheet == colour).all(axis=2))
        assert len(rows) == 20 * 30
        assert np.ptp(rows) == 19 and np.ptp(columns) == 29


def test_labels_are_drawn_and_take_room_of_their_own():
    images = [[block(COLOURS[0])]]
    plain, labelled = grid(images), grid(images, ["top"], ["left"], "title")
    assert labelled.width > plain.width and labelled.height > plain.height
    assert (np.asarray(labelled).max(axis=2) < 100).any() and not (np.asarray(plain).max(axis=2) < 100).any()


def test_grey_images_and_images_of_several_sizes_share_a_sheet():
    sheet = np.asarray(grid([[block((77,)), block(COLOURS[1], 50, 10)]]))
    assert (sheet == 77).all(axis=2).sum() == 20 * 30
    assert (sheet == COLOURS[1]).all(axis=2).sum() == 50 * 10
    assert (sheet[0] == 255).all() and (sheet[:, 0] == 255).all()


def test_a_long_label_at_the_left_goes_on_below_and_takes_no_wider_column():
    short, long = "mde width=20 depth=2 flip=0.5", "mde " + " ".join(f"setting{number}=0.5" for number in range(9))
    few, many = (grid([[block(COLOURS[0])]], labels_left=[f"{label}\nface:mouth"]) for label in (short, long))
    assert many.width <= 1.3 * few.width and many.height > few.height
