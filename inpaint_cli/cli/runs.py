"""`inpaint runs`: what was trained here, and how far it is."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inpaint_cli.cli import options
from inpaint_cli.cli.terminal import say

if TYPE_CHECKING:
    from inpaint_cli.jobs.run_list import RunEntry

Folder = Annotated[Path, typer.Argument(help="Where to look, in it and two levels below.")]
TITLES = ("run", "method", "data", "step", "state", "best", "changed")


def runs(folder: Folder = Path(), as_json: options.AsJson = False) -> None:
    """List runs, the one that changed last first: step, state (training, finished, stopped), best validation.

    [bold]inpaint report page RUN -o page.html[/bold] shows one, [bold]inpaint models RUN[/bold] prints its card.
    """
    from inpaint_cli.jobs.run_list import runs as entries

    found = entries(folder)
    if as_json:
        return say(json.dumps([entry.plain for entry in found], indent=2))
    if not found:
        return say(f"no runs in {folder}; `inpaint train` makes them")
    table = [TITLES, *(cells(entry, folder) for entry in found)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for entry in found:
        if entry.problem:
            say(entry.problem)


def cells(entry: "RunEntry", folder: Path) -> tuple[str, ...]:
    """One row of the table; a run's name is its place in the folder."""
    name = str(entry.path.relative_to(folder)) if entry.path != folder else str(folder)
    step = f"{entry.step}/{entry.steps}" if entry.steps else ""
    best = "" if entry.validation is None else f"{entry.validation:.4g}"
    return name, entry.method, entry.recipe, step, entry.state, best, f"{entry.changed:%Y-%m-%d %H:%M}"
