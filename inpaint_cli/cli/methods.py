"""`inpaint methods`: what there is, and what can be set."""

from typing import TYPE_CHECKING, Annotated

import typer

from inpaint_cli.cli.terminal import say

if TYPE_CHECKING:
    from inpaint_cli.jobs.listing import MethodEntry

Name = Annotated[str | None, typer.Argument(help="Print this method's settings, defaults and their sources.")]


def methods(name: Name = None) -> None:
    """List the methods by paper, or one method's settings, defaults and where each default comes from."""
    from inpaint_cli.jobs.listing import PAPERS, method
    from inpaint_cli.jobs.listing import methods as all_methods

    if name is not None:
        return say(described(method(name)))
    entries = all_methods()
    for paper, title in PAPERS.items():
        members = [entry for entry in entries if entry.paper == paper]
        if members:
            say(title)
        for entry in members:
            say(f"  {entry.name:<20} {entry.title} ({'trained' if entry.defaults else 'needs no training'})")


def described(method: "MethodEntry") -> str:
    """One method: its paper, how that trains it, each setting with its source."""
    from inpaint_cli.jobs.listing import PAPERS

    lines = [f"{method.name}: {method.title}", f"paper: {PAPERS[method.paper]}"]
    if method.defaults:
        d = method.defaults
        lines.append(f"trained with: --masks {d.masks} --batch {d.batch} --steps {d.steps} on the recipe {d.recipe}")
    lines.append("settings (--set NAME=VALUE):" if method.settings else "no settings")
    for name, kind, default, source in method.settings:
        lines.append(f"  {name} = {'unset' if default is None else default}   [{kind}]\n      {source}")
    return "\n".join(lines)
