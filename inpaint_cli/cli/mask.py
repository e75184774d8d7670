"""`inpaint mask`: a local page to paint the hole on, to see it completed, and to save mask and result."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from inpaint_cli.cli import options
from inpaint_cli.cli.complete import DEFAULT_METHOD


def mask(
    photo: Annotated[Path, typer.Argument(help="The photo: PNG, JPEG, WebP, TIFF, BMP or GIF.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where the result goes. [default: PHOTO_inpaint.EXT]")
    ] = None,
    mask_output: Annotated[
        Path | None, typer.Option("--mask", help="Where the mask goes, white = hole. [default: PHOTO_mask.png]")
    ] = None,
    checkpoint: options.Checkpoint = None,
    method: Annotated[
        str | None, typer.Option("--method", help="A method that needs no training: patch (default) or tv.")
    ] = None,
    assignments: options.Set = None,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page, or only print its URL.")
    ] = True,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes any that is free.")] = 0,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Paint what is to disappear from a photo, see it completed, save mask and result.

    Opens a page that only this machine can reach; the command ends when the page is done or closed.
    """
    from inpaint_cli.cli.annotating import refuse_without_completion
    from inpaint_cli.cli.assembly import load_for_completion
    from inpaint_cli.engine.completing import complete_photo
    from inpaint_cli.engine.devices import choose_hardware
    from inpaint_cli.imaging.decoding import printable
    from inpaint_cli.imaging.photos import read_photo
    from inpaint_cli.method import ImageShape
    from inpaint_cli.painting.page import painting_page
    from inpaint_cli.painting.server import PaintingServer
    from inpaint_cli.painting.session import Outputs, Session

    outputs = Outputs(mask_output or beside(photo, "mask", ".png"), output or beside(photo, "inpaint"), overwrite)
    outputs.check()
    opened = read_photo(photo)
    hardware = choose_hardware(device, "fp32")
    height, width, channels = opened.pixels.shape
    named = method or (None if checkpoint else DEFAULT_METHOD)
    loaded = load_for_completion(checkpoint, named, assignments or [], ImageShape(channels, height, width), hardware)
    refuse_without_completion(loaded, "--checkpoint", "`inpaint complete` writes what it says of a photo")

    def completed(hole, seed):
        return complete_photo(loaded.method, opened.pixels, hole, hardware, seed=seed)[0]

    session = Session(opened, completed, outputs, seed)
    server = PaintingServer(session, painting_page(session, printable(photo.name), loaded.name), port)
    typer.echo(server.url)
    if browser:
        webbrowser.open(server.url)
    server.serve()
    for path in session.saved:
        typer.echo(str(path))
    if not quiet:
        notes = (*opened.notes, *loaded.notes, *session.notes) if session.saved else ("nothing was saved",)
        for note in dict.fromkeys(notes):
            typer.echo(f"note: {note}", err=True)


def beside(photo: Path, what: str, extension: str | None = None) -> Path:
    """`photo_mask.png`, `photo_inpaint.jpg`: in the photo's folder, in its format where that can be written."""
    from inpaint_cli.imaging.photos import FORMATS

    own = photo.suffix if photo.suffix.lower() in FORMATS else ".png"
    return photo.with_name(f"{photo.stem}_{what}{extension or own}")
