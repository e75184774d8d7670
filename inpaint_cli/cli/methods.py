"""`inpaint methods`: what there is, and what can be set."""

from typing import Annotated

import typer

PAPERS = {
    "mde": "The Missing Data Encoder: Cross-Channel Image Completion (Dapogny, Cord, Perez)",
    "unsupervised": "Unsupervised Adversarial Image Inpainting (Pajot, de Bézenac, Gallinari)",
    "collagan": "Face Completion with Semantic Knowledge and Collaborative Adversarial Learning (Liao et al.)",
    "semantic": "Semantic Image Completion through an Adversarial Strategy (Vitoria, Sintes, Ballester)",
    "deep": "Deep Image Inpainting (Burlin, Le Calonnec, Duperier)",
}


def methods(
    name: Annotated[
        str | None, typer.Argument(help="Print this method's settings, defaults and their sources.")
    ] = None,
) -> None:
    """List the methods by paper, or one method's settings, defaults and where each default comes from."""
    from inpaint_cli.methods import method_class, method_names

    if name is not None:
        return _print_one(name, method_class(name))
    classes = {name: method_class(name) for name in method_names()}
    for paper, title in PAPERS.items():
        members = {name: method for name, method in classes.items() if method.paper == paper}
        if members:
            typer.echo(title)
        for name, method in members.items():
            trains = "trained" if method.defaults else "needs no training"
            typer.echo(f"  {name:<20} {method.title} ({trains})")


def _print_one(name: str, method: type) -> None:
    from inpaint_cli.settings import describe

    typer.echo(f"{name}: {method.title}\npaper: {PAPERS[method.paper]}")
    if method.defaults:
        d = method.defaults
        typer.echo(f"trained with: --masks {d.masks} --batch {d.batch} --steps {d.steps} on the recipe {d.recipe}")
    rows = describe(method.Settings)
    typer.echo("settings (--set NAME=VALUE):" if rows else "no settings")
    for setting, kind, default, source in rows:
        typer.echo(f"  {setting} = {'unset' if default is None else default}   [{kind}]\n      {source}")
