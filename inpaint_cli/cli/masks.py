"""`inpaint masks`: how masks are written, and a sheet that shows what a specification means."""

from pathlib import Path
from typing import Annotated

import typer

from inpaint_cli.cli import options
from inpaint_cli.cli.terminal import say
from inpaint_cli.errors import UsageError

Spec = Annotated[
    str | None, typer.Argument(help="What is hidden, such as rec:0.1. Without it: print how masks are written.")
]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="The sheet: a PNG, JPEG, WebP, TIFF or BMP.")]
Photo = Annotated[Path | None, typer.Option("--photo", help="Draw over this photo instead of an astronaut.")]
Size = Annotated[int, typer.Option("--size", min=16, max=1024, help="Pixels of the square drawn over.")]
Count = Annotated[int, typer.Option("--count", min=1, max=120, help="Samples, if the masks are random.")]


def masks(
    spec: Spec = None,
    output: Output = None,
    photo: Photo = None,
    size: Size = 128,
    count: Count = 12,
    seed: options.Seed = 0,
    overwrite: options.Overwrite = False,
) -> None:
    """Print how masks are written, or draw samples of a masking process over a photo: striped where nothing is known.

    These are the masks of [bold]--masks[/bold] in train, evaluate and complete --data. A photo's own mask is an image:
    [bold]--mask[/bold] in complete, painted with inpaint mask.
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
