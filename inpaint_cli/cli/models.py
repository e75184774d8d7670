"""`inpaint models`: what comes trained, and what each model says of itself."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from inpaint_cli.cli import completing, options
from inpaint_cli.cli.terminal import say

if TYPE_CHECKING:
    from inpaint_cli.jobs.shipped import ModelEntry

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME|RUN|FILE]",
        autocompletion=completing.names("checkpoints"),
        help="Print this model's card; a run's or a checkpoint's, too.",
    ),
]


def models(name: Name = None, as_json: options.AsJson = False) -> None:
    """List the models that come with the package, or print one's card: what it is for, data and terms, figures.

    [bold]inpaint complete face.png --mask mask.png --checkpoint NAME[/bold] completes with one.
    """
    from inpaint_cli.jobs.shipped import header_of, named
    from inpaint_cli.jobs.shipped import models as entries

    if name is not None:
        header_of(name)  # what is none is refused at once
        from inpaint_cli.jobs.cards import card_text

        found = named(name)
        return say(json.dumps(as_data(found), indent=2) if as_json else card_text(found))
    listed = entries()
    if as_json:
        return say(json.dumps([as_data(entry) for entry in listed], indent=2))
    for entry in listed:
        say(line(entry))
    if not listed:
        say("no models come with this version; `inpaint train` and `inpaint export` make them")


def as_data(entry: "ModelEntry") -> dict[str, object]:
    """What --json prints of a model."""
    return {"name": entry.name, "bytes": entry.bytes, **entry.card}


def line(entry: "ModelEntry") -> str:
    """`faces                what it is for (collagan, 128×128, RGB, 3.2 MiB)`"""
    from inpaint_cli.jobs.cards import bytes_words, purpose, size_words

    facts = f"{entry.card['method']}, {size_words(entry.card['shape'])}, {bytes_words(entry.bytes)}"
    return f"{entry.name:<20} {purpose(entry.card)} ({facts})"
