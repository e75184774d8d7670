"""Boxes around what is known: in a channel's colour, one for all, none where that is no rectangle."""

import numpy as np
import pytest

from inpaint_cli.reports.boxes import COLOURS, SHARED, Box, box_of, boxed

GREY = np.full((40, 30, 3), 100, np.uint8)


def behind(*known):
    """What is missing where each channel knows a rectangle of rows and columns."""
    missing = np.ones(GREY.shape, bool)
    for channel, (rows, columns) in enumerate(known):
        missing[slice(*rows), slice(*columns), channel] = False
    return missing


def test_each_channel_has_a_box_of_its_colour_along_the_rim_of_what_it_knows():
    picture = boxed(GREY, behind(((0, 12), (0, 8)), ((16, 40), (4, 12)), ((10, 30), (16, 28))))
    for colour, (top, left, bottom, right) in zip(
        COLOURS, ((0, 0, 12, 8), (16, 4, 40, 12), (10, 16, 30, 28)), strict=True
    ):
        rows, columns = np.nonzero((picture == colour).all(axis=2))
        assert (rows.min(), columns.min()) == (top, left) and rows.max() < bottom and columns.max() < right
        inside = (rows >= top + 2) & (rows < bottom - 2) & (columns >= left + 2) & (columns < right - 2)
        assert len(rows) and not inside.any()


def test_channels_that_know_the_same_share_a_box_and_grey_images_have_it_too():
    same = ((8, 24), (4, 20))
    for image, missing in ((GREY, behind(same, same, same)), (GREY[..., :1], behind(same)[..., :1])):
        picture = boxed(image, missing)
        assert picture.shape == GREY.shape and (picture == SHARED).all(axis=2).any()
        changed = (picture != 100).any(axis=2)
        assert changed[8:24, 4:20].sum() == changed.sum() == 16 * 16 - 12 * 12


@pytest.mark.parametrize("hole", [((10, 20), (10, 20)), ((0, 0), (0, 0))])
def test_what_is_known_around_a_hole_or_everywhere_has_no_box(hole):
    assert boxed(GREY, ~behind(hole, hole, hole)) is GREY


def test_nothing_known_is_a_box_of_nothing():
    assert box_of(np.zeros((4, 4), bool)) == Box()
    assert (boxed(GREY, behind(((0, 40), (0, 30)))) != GREY)[:2].any()  # one channel alone, known to the rim
