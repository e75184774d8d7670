"""`inpaint report`: the papers' tables with our figures beside them, and pages of runs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from inpaint_cli.cli import completing, options
from inpaint_cli.cli.terminal import Terminal, say
from inpaint_cli.errors import UsageError

report = typer.Typer(no_args_is_help=True, help="The papers' tables with measured figures beside, and pages of runs.")

TableName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        autocompletion=completing.names("tables"),
        help="A table, such as mde-3; `inpaint report list` has all.",
    ),
]
ResultFiles = Annotated[
    list[Path] | None, typer.Argument(metavar="RESULTS...", help="Files that `inpaint evaluate -o` wrote.")
]
Measured = Annotated[list[Path], typer.Argument(metavar="RESULTS...", help="Files that `inpaint evaluate -o` wrote.")]
Chart = Annotated[Path, typer.Option("-o", "--output", help="The chart: a PNG.")]
Kind = Annotated[
    str,
    typer.Option(
        "--kind", **completing.choices("heat|lines"), help="heat: a map of all figures. lines: a line for each system."
    ),
]
Markdown = Annotated[Path | None, typer.Option("-o", "--output", help="Write Markdown here, not to stdout.")]
AverageRuns = Annotated[
    bool,
    typer.Option(
        "--average-runs", help="Systems that differ in their weights alone, such as other seeds, are one line."
    ),
]
Runs = Annotated[
    list[Path],
    typer.Argument(
        metavar="RUN...", autocompletion=completing.names("runs"), help="Run directories of `inpaint train`."
    ),
]
Page = Annotated[Path, typer.Option("-o", "--output", help="The page: one HTML file.")]
Results = Annotated[
    list[Path] | None,
    typer.Option("--results", help="Also show what `inpaint evaluate -o` wrote; repeat for several."),
]
Images = Annotated[
    list[Path], typer.Argument(metavar="IMAGE...", help="Image files, row by row; blank leaves a place empty.")
]
Grid = Annotated[Path, typer.Option("-o", "--output", help="The grid: a PNG.")]
Columns = Annotated[int, typer.Option("--columns", min=1, help="Images in a row.")]
Rows = Annotated[str | None, typer.Option("--rows", help="What stands left of each row, between commas.")]
Tops = Annotated[str | None, typer.Option("--tops", help="What stands above each column, between commas.")]
Trained = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run directory (its newest checkpoint), a checkpoint or a model's name.")
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Only the first N images.")]
Batch = Annotated[int, typer.Option("--batch", min=1, help="Images in hand at once.")]
Pixel = Annotated[str, typer.Option("--pixel", metavar="X,Y", help="Which pixel, from 0 at the upper left.")]
Figure = Annotated[Path, typer.Option("-o", "--output", help="The figure: an SVG file.")]
Image = Annotated[int, typer.Option("--image", min=0, help="Which image of the split, from 0.")]


@report.command()
def likelihood(
    checkpoint: Trained,
    data: options.Data,
    split: options.Split = "test",
    limit: Limit = None,
    batch: Batch = 16,
    device: options.Device = "auto",
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """How probable images are to a pixel-by-pixel model: bits per dimension, 8 for one that knows nothing.

    The mean over images of the negative log-likelihood of the whole image, in
    bits, over the number of its values; with its 95 % interval. Below it the
    same of three lookup tables, which count the training images' values.
    """
    from inpaint_cli.jobs.likelihood import likelihood as measure

    found = measure(checkpoint, data, split=split, limit=limit, batch=batch, device=device, progress=Terminal(quiet))
    if as_json:
        return say(json.dumps(found._asdict(), indent=2))
    low, high = found.interval_95
    of = f"{found.images} images of {found.split}, data {found.data[:16]}, checkpoint {str(found.checkpoint)[:16]}"
    mean = f"{found.bits_per_dimension:.3f} ± {(high - low) / 2:.3f} bits per dimension"
    say(f"{found.system}, step {found.step}: {mean} ({of})")
    for name, bits in found.tables.items():
        say(f"a lookup table of the training images, {name}: {bits:.3f}")


@report.command()
def probabilities(
    checkpoint: Trained,
    data: options.Data,
    pixel: Pixel,
    output: Figure,
    image: Image = 0,
    split: options.Split = "test",
    device: options.Device = "auto",
    overwrite: options.Overwrite = False,
) -> None:
    """Draw the 256 probabilities of each channel of a pixel, given all pixels before it: the paper's figure 8."""
    place = _place(pixel)
    from inpaint_cli.jobs.likelihood import draw_probabilities

    draw_probabilities(checkpoint, data, place, output, image=image, split=split, device=device, overwrite=overwrite)
    say(output)


@report.command("list")
def list_tables() -> None:
    """Name every table, its place and what it compares."""
    from inpaint_cli.jobs.tables import tables

    entries = tables()
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        say(f"{entry.name:<{width}}  {entry.place}: {entry.title}")


@report.command()
def table(
    name: TableName,
    results: ResultFiles = None,
    output: Markdown = None,
    average_runs: AverageRuns = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Render a paper's table: published and measured figures side by side, ranks, differences, conditions of both.

    Without results: the published figures alone.

    [bold]inpaint report table mde-3 results.json -o table.md[/bold]
    """
    from inpaint_cli.jobs.tables import table as render

    text = render(name, results or (), output=output, average_runs=average_runs, overwrite=overwrite)
    say(output or text.rstrip("\n"))


@report.command()
def chart(
    name: TableName,
    results: Measured,
    output: Chart,
    kind: Kind = "heat",
    overwrite: options.Overwrite = False,
) -> None:
    """Draw the measured figures of a paper's table: systems against conditions, a panel for each metric."""
    from inpaint_cli.jobs.tables import chart as draw

    draw(name, results, output, kind=kind, overwrite=overwrite)
    say(output)


@report.command()
def page(runs: Runs, output: Page, results: Results = None, overwrite: options.Overwrite = False) -> None:
    """Write a page of a run, or of several side by side: curves, samples through training, results, settings.

    One file that asks nothing of the network.

    [bold]inpaint report page runs/mde runs/mde-2 -o page.html[/bold]
    """
    from inpaint_cli.jobs.run_pages import page_of_runs

    page_of_runs(runs, output, results=results or (), overwrite=overwrite)
    say(output)


@report.command("grid")
def grid_of_files(
    images: Images,
    output: Grid,
    columns: Columns,
    rows: Rows = None,
    tops: Tops = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Put images beside and below each other, with labels: a figure of what `inpaint complete` made."""
    from inpaint_cli.jobs.tables import grid_of_files as draw

    draw(images, output, columns=columns, rows=_labels(rows), tops=_labels(tops), overwrite=overwrite)
    say(output)


def _labels(text: str | None) -> list[str] | None:
    return None if text is None else [label.strip() for label in text.split(",")]


def _place(text: str) -> tuple[int, int]:
    """`X,Y` -> (x, y)."""
    try:
        x, y = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--pixel takes X,Y, two whole numbers, not '{text}'") from None
    return x, y
