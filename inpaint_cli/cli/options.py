"""Options that several commands share, so that each is written and explained once."""

import copy
from pathlib import Path
from typing import Annotated, Any, get_args

import typer


def in_panel(panel: str, option: Any) -> Any:
    """The same option under a heading of the help page."""
    kind, information = get_args(option)
    information = copy.copy(information)
    information.rich_help_panel = panel
    return Annotated[kind, information]


Checkpoint = Annotated[
    Path | None, typer.Option("--checkpoint", help="A run directory (its newest checkpoint) or a checkpoint file.")
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda. auto takes a GPU where there is one.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Every random draw follows from it.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Change a setting of the method; `inpaint methods NAME` lists them."
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no notes.")]
