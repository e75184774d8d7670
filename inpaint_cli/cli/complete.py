"""`inpaint complete`: one photo, one mask, one or several completions."""

from pathlib import Path
from typing import Annotated

import typer

from inpaint_cli.cli import options


def complete(
    photo: Annotated[Path, typer.Argument(help="The photo: PNG, JPEG, WebP, TIFF or BMP.")],
    mask: Annotated[Path, typer.Option("--mask", help="An image of the photo's size: white is the hole.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write; the extension chooses the format.")],
    checkpoint: options.Checkpoint = None,
    method: Annotated[str | None, typer.Option("--method", help="A method that needs no training: tv.")] = None,
    assignments: options.Set = None,
    samples: Annotated[
        int,
        typer.Option("--samples", min=1, help="Different completions; with more than one, OUT becomes OUT_1, OUT_2, …"),
    ] = 1,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Complete the hole of a photo; every known pixel stays as it is."""
    from inpaint_cli.cli.assembly import load_for_completion
    from inpaint_cli.engine.completing import complete_photo
    from inpaint_cli.engine.devices import choose_hardware
    from inpaint_cli.files import refuse_existing
    from inpaint_cli.imaging.photos import output_format, read_mask, read_photo, write_photo
    from inpaint_cli.method import ImageShape

    outputs = numbered(output, samples)
    for path in outputs:
        output_format(path)
        refuse_existing(path, overwrite)
    opened = read_photo(photo)
    hole = read_mask(mask, opened.size)
    hardware = choose_hardware(device, "fp32")
    height, width, channels = opened.pixels.shape
    loaded = load_for_completion(checkpoint, method, assignments or [], ImageShape(channels, height, width), hardware)
    completed = complete_photo(loaded.method, opened.pixels, hole, hardware, samples=samples, seed=seed)
    notes = (*opened.notes, *loaded.notes)
    if samples > 1 and (completed == completed[0]).all():
        notes += (f"all samples are the same: this {loaded.name} knows one completion of this hole",)
    for path, pixels in zip(outputs, completed, strict=True):
        notes += write_photo(opened, pixels, path, overwrite)
        typer.echo(str(path))
    if not quiet:
        for note in dict.fromkeys(notes):
            typer.echo(f"note: {note}", err=True)


def numbered(output: Path, samples: int) -> list[Path]:
    """OUT.png, or OUT_1.png … OUT_n.png for several samples."""
    if samples == 1:
        return [output]
    return [output.with_stem(f"{output.stem}_{number}") for number in range(1, samples + 1)]
