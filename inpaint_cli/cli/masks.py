"""`inpaint masks`: how masks are written, and a sheet that shows what a specification means."""

from pathlib import Path
from typing import Annotated

import typer

from inpaint_cli.cli import completing, options
from inpaint_cli.cli.terminal import say
from inpaint_cli.errors import UsageError

SHEET = "The sheet"

Spec = Annotated[
    str | None,
    typer.Argument(
        autocompletion=completing.names("masks"),
        help="What is hidden, such as rec:0.1. Without it: print how masks are written.",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", rich_help_panel=SHEET, help="The sheet: a PNG, JPEG, WebP, TIFF or BMP."),
]
Photo = Annotated[
    Path | None, typer.Option("--photo", rich_help_panel=SHEET, help="Draw over this photo instead of an astronaut.")
]
Size = Annotated[
    int, typer.Option("--size", min=16, max=1024, rich_help_panel=SHEET, help="Pixels of the square drawn over.")
]
Count = Annotated[
    int, typer.Option("--count", min=1, max=120, rich_help_panel=SHEET, help="Samples, if the masks are random.")
]
Seed = Annotated[int, options.seed(SHEET)]
Overwrite = Annotated[bool, options.overwrite(SHEET)]


def masks(
    spec: Spec = None,
    output: Output = None,
    photo: Photo = None,
    size: Size = 128,
    count: Count = 12,
    seed: Seed = 0,
    overwrite: Overwrite = False,
) -> None:
    """Print how masks are written, or draw samples of a masking process over a photo: striped where nothing is known.

    These are the masks of [bold]--masks[/bold] in train, evaluate and complete --data. A photo's own mask is an image:
    [bold]--mask[/bold] in complete, painted with inpaint mask.

    [bold]inpaint masks block:16-64 -o sheet.png[/bold]
    """
    if spec is None:
        from inpaint_cli.jobs.listing import grammar

        return say(grammar())
    from inpaint_cli.jobs.refusals import refuse_at_once

    refuse_at_once(masks=[spec], paths=[photo] if photo else [])
    if output is None:
        raise UsageError(f"inpaint masks {spec}: give the sheet's name, such as -o sheet.png")
    from inpaint_cli.jobs.mask_sheets import draw_masks

    caption = draw_masks(spec, output, photo=photo, size=size, count=count, seed=seed, overwrite=overwrite)
    say(f"{caption}\n{output}")
