"""Who listens to a job on the command line: notes and progress on stderr, results on stdout."""

import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import typer

from inpaint_cli.jobs.audience import Advance, Audience

BAR_WIDTH = 16  # columns
SECONDS_BETWEEN_LINES = 10.0  # of plain progress, where stderr is no terminal
TURNING = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))  # what turns the direction of text
STEERING = {code: chr(code).encode("unicode_escape").decode() for code in (*range(32), *range(127, 160), *TURNING)}
del STEERING[ord("\n")], STEERING[ord("\t")]


def speaks() -> bool:
    """Whether this process speaks: of several that a launcher started, the first does."""
    return os.environ.get("RANK", "0") == "0"


def shown(text: object) -> str:
    """Text as a terminal may have it: what would steer it, as files from elsewhere may hold it, becomes escapes."""
    return str(text).translate(STEERING).encode("utf-8", "backslashreplace").decode()


def typed() -> str:
    """The command as it was typed, for a shell."""
    return shlex.join(["inpaint", *sys.argv[1:]])


def say(text: object) -> None:
    """A result, on stdout."""
    if speaks():
        typer.echo(shown(text))


def complain(text: object) -> None:
    """What went wrong, on stderr."""
    typer.echo(shown(f"inpaint: {text}"), err=True)


class Terminal(Audience):
    """A bar where stderr is a terminal, a line now and then where a long training is redirected, nothing if quiet."""

    def __init__(self, quiet: bool = False):
        self.quiet = quiet

    def note(self, text: str) -> None:
        if not self.quiet:
            typer.echo(shown(f"note: {text}"), err=True)

    @contextmanager
    def progress(self, title: str, total: int | None = None) -> Iterator[Advance]:
        if self.quiet:
            yield _silent
        elif sys.stderr.isatty():
            with _bar(title, total) as advance:
                yield advance
        else:
            yield Lines(total)


def _silent(done: int, total: int | None = None, facts: Mapping[str, float] | None = None) -> None:
    pass


@contextmanager
def _bar(title: str, total: int | None) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    whole, rest = Column(no_wrap=True), Column(no_wrap=True, overflow="ellipsis", ratio=1)
    columns = (
        TextColumn("{task.description}", table_column=whole), BarColumn(BAR_WIDTH),
        MofNCompleteColumn(table_column=whole), TimeRemainingColumn(table_column=whole),
        TextColumn("{task.fields[facts]}", markup=False, table_column=rest),  # a narrow terminal cuts these alone
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True, expand=True) as bar:
        task, all_in_all = bar.add_task(title, total=total, facts=""), total

        def advance(done: int, total: int | None = None, facts: Mapping[str, float] | None = None) -> None:
            bar.update(task, completed=done, total=all_in_all if total is None else total, facts=_words(facts or {}))

        yield advance


class Lines:
    """Plain progress of work that has figures to report: `step 20/600  …  31 s left`."""

    def __init__(self, total: int | None):
        self.total, self.began, self.spoke = total, time.monotonic(), time.monotonic()
        self.first: int | None = None  # where this process began

    def __call__(self, done: int, total: int | None = None, facts: Mapping[str, float] | None = None) -> None:
        total, now = self.total if total is None else total, time.monotonic()
        if self.first is None:
            self.first = done
        if not facts or total is None or (now - self.spoke < SECONDS_BETWEEN_LINES and done != total):
            return
        self.spoke = now
        left = (total - done) * (now - self.began) / max(done - self.first, 1)
        print(f"step {done}/{total}  {_words(facts)}  {left:.0f} s left", file=sys.stderr, flush=True)


def _words(facts: Mapping[str, float]) -> str:
    """`8.1 images/s  completion 0.03`"""
    rate = facts.get("images_per_second")
    terms = [f"{name} {value:.4g}" for name, value in facts.items() if name != "images_per_second"]
    return "  ".join([*([] if rate is None else [f"{rate:.1f} images/s"]), *terms])
