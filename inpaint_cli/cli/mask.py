"""`inpaint mask`: a local page to paint the hole on, to see it completed, and to save mask and result."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from inpaint_cli.cli import options
from inpaint_cli.cli.terminal import Terminal, say

Photo = Annotated[Path, typer.Argument(help="The photo: PNG, JPEG, WebP, TIFF, BMP or GIF; or a folder of photos.")]
RESULT, PAGE = "What is saved", "The page"

Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", rich_help_panel=RESULT, help="Where the result goes. [default: PHOTO_inpaint.EXT]"),
]
MaskOutput = Annotated[
    Path | None,
    typer.Option("--mask", rich_help_panel=RESULT, help="Where the mask goes, white = hole. [default: PHOTO_mask.png]"),
]
Browser = Annotated[
    bool, typer.Option("--browser/--no-browser", rich_help_panel=PAGE, help="Open the page, or only print its URL.")
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, rich_help_panel=PAGE, help="0 takes any that is free.")]
Checkpoint = Annotated[Path | None, options.checkpoint(options.HOW)]
Method = Annotated[str | None, options.method_without_training(options.HOW)]
Settings = Annotated[list[str] | None, options.settings(options.HOW)]
Seed = Annotated[int, options.seed(options.HOW)]
Device = Annotated[str, options.device(options.HOW)]
MaxMegapixels = Annotated[float | None, options.max_megapixels(options.HOW)]
Overwrite = Annotated[bool, options.overwrite(RESULT)]
Quiet = Annotated[bool, options.quiet(PAGE)]


def mask(
    photo: Photo,
    output: Output = None,
    mask_output: MaskOutput = None,
    checkpoint: Checkpoint = None,
    method: Method = None,
    settings: Settings = None,
    seed: Seed = 0,
    device: Device = "auto",
    browser: Browser = True,
    port: Port = 0,
    max_megapixels: MaxMegapixels = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Paint what is to disappear from a photo, see it completed, save mask and result.

    Opens a page that only this machine can reach; the command ends when the page is done or closed.
    What completes is chosen there, too; other photos are dropped on it, those of a folder follow one another.

    [bold]inpaint mask photo.jpg[/bold]
    """
    from inpaint_cli.jobs.refusals import refuse_at_once, refuse_completer
    from inpaint_cli.jobs.shipped import AUTO

    named = None if method == AUTO else method
    refuse_at_once(
        [named] if named else [], None, [checkpoint] if checkpoint else [], [photo], device=device,
        untrained=checkpoint is None, also=[lambda: refuse_completer(checkpoint, named, settings or ())],
    )  # fmt: skip
    from inpaint_cli.jobs.painting import paint

    def opened(url: str) -> None:
        say(url)
        if browser:
            webbrowser.open(url)

    saved = paint(
        photo, mask_output, output, checkpoint=checkpoint, method=method, settings=settings or (), seed=seed,
        device=device, port=port, max_megapixels=max_megapixels, overwrite=overwrite, opened=opened,
        progress=Terminal(quiet),
    )  # fmt: skip
    for path in saved:
        say(path)
