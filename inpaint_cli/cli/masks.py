"""`inpaint masks`: a sheet that shows what a mask specification means."""

from pathlib import Path
from typing import Annotated

import typer

from inpaint_cli.cli import options
from inpaint_cli.cli.terminal import say

Spec = Annotated[str, typer.Argument(help="What is hidden, such as rec:0.1; a wrong one prints the grammar.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="The sheet: a PNG, JPEG, WebP, TIFF or BMP.")]
Photo = Annotated[Path | None, typer.Option("--photo", help="Draw over this photo instead of an astronaut.")]
Size = Annotated[int, typer.Option("--size", min=16, max=1024, help="Pixels of the square drawn over.")]
Count = Annotated[int, typer.Option("--count", min=1, max=120, help="Samples, if the masks are random.")]


def masks(
    spec: Spec,
    output: Output,
    photo: Photo = None,
    size: Size = 128,
    count: Count = 12,
    seed: options.Seed = 0,
    overwrite: options.Overwrite = False,
) -> None:
    """Draw samples of a masking process over a photo: striped where nothing is known."""
    from inpaint_cli.jobs.mask_sheets import draw_masks

    caption = draw_masks(spec, output, photo=photo, size=size, count=count, seed=seed, overwrite=overwrite)
    say(f"{caption}\n{output}")
