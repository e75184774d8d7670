"""`inpaint export`: a run becomes one small file that completes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inpaint_cli.cli import options
from inpaint_cli.cli.terminal import Terminal, say

if TYPE_CHECKING:
    from inpaint_cli.jobs.exporting import Exported

Source = Annotated[
    Path, typer.Argument(metavar="RUN|FILE", help="A run directory (its newest checkpoint) or a checkpoint file.")
]
Output = Annotated[Path, typer.Option("-o", "--output", help="The file to make, such as faces.safetensors.")]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="What it was trained on, to try rounded weights on. Default: the run's own, where it still is."
    ),
]
About = Annotated[str | None, typer.Option("--about", metavar="TEXT", help="What it is for, and what not.")]
Results = Annotated[
    list[Path] | None,
    typer.Option(
        "--results", help="Put figures on the card: what `inpaint evaluate -o` wrote of it; repeat for several."
    ),
]
Images = Annotated[
    int,
    typer.Option(
        "--images",
        min=1,
        help="Held-out images to try rounded weights on, at most; a search may take a minute for each.",
    ),
]


def export(
    source: Source,
    output: Output,
    data: Data = None,
    about: About = None,
    results: Results = None,
    images: Images = 64,
    device: options.Device = "auto",
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Write what completion needs of a trained model, and no more, with a card of what it is.

    The file completes like the run. Weights are rounded to 16 bits where that
    changes the completions of held-out images by less than half a grey level.
    """
    from inpaint_cli.jobs.exporting import export as write

    done = write(
        source, output, data=data, about=about, results=results or (), images=images, device=device,
        overwrite=overwrite, progress=Terminal(quiet),
    )  # fmt: skip
    if not quiet:
        say(summary(done))


def summary(done: "Exported") -> str:
    """Where it is, how large, and the card."""
    from inpaint_cli.jobs.cards import bytes_words

    sizes = f"{bytes_words(done.bytes)} of {bytes_words(done.bytes_before)}"
    return f"{done.path}: {sizes}, weights as {done.card['rounding']['weights']}"
