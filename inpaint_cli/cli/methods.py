"""`inpaint methods`: what there is, and what can be set."""

from typing import TYPE_CHECKING, Annotated

import typer

from inpaint_cli.cli import completing
from inpaint_cli.cli.terminal import say

if TYPE_CHECKING:
    from inpaint_cli.jobs.listing import Entry

Name = Annotated[
    str | None,
    typer.Argument(
        autocompletion=completing.names("methods"), help="Print this method's settings, defaults and their sources."
    ),
]


def methods(name: Name = None) -> None:
    """List the methods by paper, or one method's settings, defaults and where each default comes from.

    [bold]inpaint methods mde[/bold]
    """
    from inpaint_cli.jobs.listing import by_paper, with_paper
    from inpaint_cli.jobs.shipped import AUTO, FACES

    if name is not None:
        return say(described(*with_paper(name)))
    for paper, members in by_paper().items():
        say(paper)
        for entry in members:
            say(f"  {entry.name:<20} {entry.title} ({'trained' if entry.defaults else 'needs no training'})")
    say(f"Of these, for photos: --method {AUTO} is patch, and for holes on faces the model {FACES}.")


def described(method: "Entry", paper: str) -> str:
    """One method: its paper, how that trains it, each setting with its source."""
    lines = [f"{method.name}: {method.title}", f"paper: {paper}"]
    if method.defaults:
        d = method.defaults
        lines.append(f"trained with: --masks {d.masks} --batch {d.batch} --steps {d.steps} on the recipe {d.recipe}")
    lines.append("settings (--set NAME=VALUE):" if method.settings else "no settings")
    for name, kind, default, source in method.settings:
        lines.append(f"  {name} = {'unset' if default is None else default}   [{kind}]\n      {source}")
    return "\n".join(lines)
