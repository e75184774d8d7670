"""What jobs ask of a method before they use it."""

from pathlib import Path

import pytest

from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.errors import UsageError
from inpaint_cli.jobs.loading import check_masks
from inpaint_cli.jobs.training.resuming import refuse_changes
from inpaint_cli.masks import grammar, parse_masks
from inpaint_cli.methods import method_class


@pytest.mark.parametrize(
    ("masks", "hiding"),
    [("rec:0.1", "rec:0.1"), ("2*rec:0.1-0.9|block:8|colorize:1", "rec:0.1-0.9 and colorize:1")],
)
def test_masks_of_single_channels_are_refused_where_pixels_are_completed_whole(masks, hiding):
    process = parse_masks(masks)
    check_masks("mde", method_class("mde"), process)
    with pytest.raises(UsageError) as raised:
        check_masks("collagan", method_class("collagan"), process)
    message = str(raised.value)
    assert message.startswith("collagan completes pixels that are missing whole") and f"and {hiding} hides" in message
    assert "mde" in message and message.endswith(grammar())


@pytest.mark.parametrize("masks", ["block:8-16", "strokes:0.2|2*face:any|none"])
def test_whole_masks_suit_every_method(masks):
    for name in ("collagan", "mde", "tv"):
        check_masks(name, method_class(name), parse_masks(masks))


def test_a_run_that_began_with_settings_that_are_no_more_goes_on():
    """`search` stands in the place of `turn_every`, and `norm` is younger than the run."""
    saved = {"method": "semantic", "settings": {"width": 4, "turn_every": 16}}
    refuse_changes(RunDirectory(Path("run")), {"method": "semantic", "settings": {"width": 4}}, saved)
    with pytest.raises(UsageError, match="begun with width 4, now it is 8"):
        refuse_changes(RunDirectory(Path("run")), {"method": "semantic", "settings": {"width": 8}}, saved)
