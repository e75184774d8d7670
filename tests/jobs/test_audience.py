"""How jobs speak: what a caller's `progress` hears, and what a terminal shows of it."""

import io
import re
import sys
import warnings

import pytest

from inpaint_cli.cli.terminal import Lines, Terminal
from inpaint_cli.errors import Remark
from inpaint_cli.jobs.audience import Audience, heard_by, remarks


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


def test_a_function_hears_how_far_a_job_is_and_nothing_else():
    told = []
    audience = heard_by(lambda done, total: told.append((done, total)))
    audience.note("a note")
    audience.result("a result")
    with audience.progress("work", 9) as advance:
        advance(1)
        advance(2, 12, {"loss": 0.5})
    with audience.progress("work of unknown length") as advance:
        advance(3)
    assert told == [(1, 9), (2, 12), (3, None)]


def test_an_audience_is_taken_as_it_is_and_only_the_leading_process_is_heard():
    audience = Audience()
    assert heard_by(audience) is audience
    assert heard_by(audience, leads=False) is not audience
    told = []
    with heard_by(lambda *heard: told.append(heard), leads=False).progress("work", 2) as advance:
        advance(1)
    assert told == []


def test_each_remark_is_told_once_and_other_warnings_go_their_way():
    told = []
    with pytest.warns(RuntimeWarning, match="another"), remarks(told.append):
        for _ in range(2):
            warnings.warn(Remark("this"), stacklevel=1)
        warnings.warn("another", RuntimeWarning, stacklevel=1)
    assert told == ["this"]


def test_plain_lines_come_at_the_end_and_now_and_then_with_figures(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("inpaint_cli.cli.terminal.time.monotonic", lambda: now[0])
    lines = Lines(40)
    for step, seconds in ((10, 0), (11, 5), (12, 11), (40, 20)):
        now[0] = seconds
        lines(step, facts={"images_per_second": 4.0, "loss": 0.25} if step > 10 else None)
    assert capsys.readouterr().err.splitlines() == [
        "step 12/40  4.0 images/s  loss 0.25  154 s left",  # 28 steps more, at 5.5 s each
        "step 40/40  4.0 images/s  loss 0.25  0 s left",
    ]


def test_work_without_figures_leaves_no_lines_and_quiet_says_nothing(capsys):
    for terminal in (Terminal(), Terminal(quiet=True)):
        with terminal.progress("work", 2) as advance:
            advance(1)
            advance(2)
    Terminal(quiet=True).note("a note")
    assert capsys.readouterr() == ("", "")
    Terminal().note("a note")
    assert capsys.readouterr() == ("", "note: a note\n")


@pytest.mark.parametrize("columns", [80, 50])
def test_a_narrow_terminal_cuts_losses_and_neither_steps_nor_the_time_left(columns, monkeypatch):
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    facts = {
        "images_per_second": 34.25,
        **dict.fromkeys(("discriminator", "completion", "reconstruction", "hide"), 0.5),
    }
    with Terminal().progress("training", 16_000) as advance:
        advance(1)
        advance(12_345, None, facts)
    shown = [line for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue()).splitlines() if "12345" in line]
    assert shown and all(len(line) <= columns for line in shown)
    assert re.search(r"training .{8,} 12345/16000 \d:\d\d:\d\d .*…", shown[-1])
    assert "34.2 images/s  discriminator" in shown[-1] or columns < 80
