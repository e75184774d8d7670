"""A progress bar on stderr where that is a terminal, nothing elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[..., None]  # advance(done), or advance(done, total) where the total is not known at first


@contextmanager
def progress_bar(title: str, total: int | None = None, quiet: bool = False) -> Iterator[Advance]:
    """Yield what tells the bar how much is done."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total=total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done, total=total: bar.update(task, completed=done, total=total)
