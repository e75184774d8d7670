"""Options that several commands share, so that each is written and explained once.

A function makes the option itself, for a place under a heading of the help page; the alias is it without one.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from inpaint_cli.cli import completing, config

WHAT, HOW, RUN, RESULT, MACHINE = "What", "How", "The run directory", "Results", "Machine"  # headings


def checkpoint(panel: str | None = None) -> Any:
    help = "A run directory (its newest checkpoint), a checkpoint file, or a model's name; `inpaint models` lists them."
    names = completing.names("checkpoints")
    return typer.Option("--checkpoint", rich_help_panel=panel, help=help, autocompletion=names)


def method_without_training(panel: str | None = None) -> Any:
    help = (
        "A method that needs no training: patch (default), tv, or auto: patch, and for holes on faces the model faces."
    )
    names = completing.names("of_photos")
    return typer.Option("--method", rich_help_panel=panel, help=help, autocompletion=names)


def settings(panel: str | None = None) -> Any:
    help = "Change a setting of the method; `inpaint methods NAME` lists them."
    return typer.Option(
        "--set", metavar="NAME=VALUE", rich_help_panel=panel, help=help, callback=config.on_top,
        autocompletion=completing.settings,
    )  # fmt: skip


def data(panel: str | None = None) -> Any:
    return typer.Option("--data", rich_help_panel=panel, help="A file that `inpaint prepare` wrote.")


def as_json(panel: str | None = None) -> Any:
    return typer.Option("--json", rich_help_panel=panel, help="Print the result as JSON.")


def seed(panel: str | None = None) -> Any:
    return typer.Option("--seed", min=0, rich_help_panel=panel, help="Every random draw follows from it.")


def device(panel: str | None = None) -> Any:
    help = "auto takes a GPU where there is one."
    return typer.Option("--device", **completing.choices("auto|cpu|cuda"), rich_help_panel=panel, help=help)


def precision(panel: str | None = None) -> Any:
    help = "auto takes bf16 where the hardware has it."
    words = completing.one_of("auto|bf16|fp32", "precision")
    return typer.Option("--precision", **words, rich_help_panel=panel, help=help)


def split(panel: str | None = None, help: str = "Which images.") -> Any:
    return typer.Option("--split", **completing.choices("train|validation|test"), rich_help_panel=panel, help=help)


def masks(help: str, panel: str | None = None) -> Any:
    return typer.Option(
        "--masks", metavar="SPEC", rich_help_panel=panel, help=f"{help} `inpaint masks` shows how they are written.",
        autocompletion=completing.names("masks"),
    )  # fmt: skip


def gpus(panel: str | None = None) -> Any:
    help = "Share the work among N processes: one per GPU, or with --device cpu."
    return typer.Option("--gpus", min=1, rich_help_panel=panel, help=help)


def max_megapixels(panel: str | None = None) -> Any:
    help = "Decode photos up to this size. Default: what the free memory holds."
    return typer.Option("--max-megapixels", metavar="N", rich_help_panel=panel, help=help)


def overwrite(panel: str | None = None) -> Any:
    return typer.Option("--overwrite", rich_help_panel=panel, help="Replace an output that exists.")


def quiet(panel: str | None = None) -> Any:
    return typer.Option("-q", "--quiet", rich_help_panel=panel, help="No progress and no notes.")


Checkpoint = Annotated[Path | None, checkpoint()]
MethodWithoutTraining = Annotated[str | None, method_without_training()]
Settings = Annotated[list[str] | None, settings()]
Seed = Annotated[int, seed()]
Device = Annotated[str, device()]
Gpus = Annotated[int, gpus()]
MaxMegapixels = Annotated[float | None, max_megapixels()]
Overwrite = Annotated[bool, overwrite()]
Quiet = Annotated[bool, quiet()]
Data = Annotated[Path, data()]
Split = Annotated[str, split()]
AsJson = Annotated[bool, as_json()]
