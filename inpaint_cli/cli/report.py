"""`inpaint report`: the papers' tables with our figures beside them, and pages of runs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from inpaint_cli.cli import options
from inpaint_cli.cli.likelihood import likelihood, probabilities

report = typer.Typer(no_args_is_help=True, help="The papers' tables with measured figures beside, and pages of runs.")
for command in (likelihood, probabilities):
    report.command()(command)


@report.command("list")
def list_tables() -> None:
    """Name every table, its place and what it compares."""
    from inpaint_cli.reports.published import load_table, table_names

    width = max(map(len, table_names()))
    for name in table_names():
        table = load_table(name)
        typer.echo(f"{name:<{width}}  {table.place}: {table.title}")


@report.command()
def table(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A table, such as mde-3; `inpaint report list` has all.")],
    results: Annotated[
        list[Path] | None, typer.Argument(metavar="RESULTS...", help="Files that `inpaint evaluate -o` wrote.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write Markdown here, not to stdout.")] = None,
    average_runs: Annotated[
        bool,
        typer.Option(
            "--average-runs", help="Systems that differ in their weights alone, such as other seeds, are one line."
        ),
    ] = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Render a paper's table: published and measured figures side by side, ranks, differences, conditions of both.

    Without results: the published figures alone.
    """
    from inpaint_cli.files import refuse_existing, replacing
    from inpaint_cli.reports.averaging import averaged
    from inpaint_cli.reports.filling import fill
    from inpaint_cli.reports.published import load_table
    from inpaint_cli.reports.results import read_results
    from inpaint_cli.reports.side_by_side import side_by_side

    if output:
        refuse_existing(output, overwrite)
    found = [(path, read_results(path)) for path in results or []]
    if average_runs and found:
        found = [(found[0][0], averaged(result for _, own in found for result in own))]
    text = side_by_side(fill(load_table(name), found))
    if not output:
        typer.echo(text, nl=False)
        return
    with replacing(output, overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")
    typer.echo(str(output))


@report.command()
def page(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories of `inpaint train`.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The page: one HTML file.")],
    results: Annotated[
        list[Path] | None,
        typer.Option("--results", help="Also show what `inpaint evaluate -o` wrote; repeat for several."),
    ] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Write a page of a run, or of several side by side: curves, samples through training, results, settings.

    One file that asks nothing of the network.
    """
    from inpaint_cli.files import refuse_existing
    from inpaint_cli.reports.results import read_comparisons, read_results
    from inpaint_cli.reports.run_page import write_run_page

    refuse_existing(output, overwrite)
    figures = [result.model_dump() for path in results or [] for result in read_results(path)]
    comparisons = [comparison for path in results or [] for comparison in read_comparisons(path)]
    write_run_page(output, _read_runs(runs), figures, comparisons, overwrite)
    typer.echo(str(output))


@report.command("grid")
def grid_of_files(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Image files, row by row; blank leaves a place empty.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The grid: a PNG.")],
    columns: Annotated[int, typer.Option("--columns", min=1, help="Images in a row.")],
    rows: Annotated[str | None, typer.Option("--rows", help="What stands left of each row, between commas.")] = None,
    tops: Annotated[str | None, typer.Option("--tops", help="What stands above each column, between commas.")] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Put images beside and below each other, with labels: a figure of what `inpaint complete` made."""
    import numpy as np

    from inpaint_cli.files import refuse_existing, replacing
    from inpaint_cli.imaging.decoding import decode
    from inpaint_cli.reports.grids import grid

    refuse_existing(output, overwrite)
    lines = [images[start : start + columns] for start in range(0, len(images), columns)]
    left, above = _labels("--rows", rows, len(lines)), _labels("--tops", tops, min(columns, len(images)))
    nothing = np.full((1, 1, 3), 255, np.uint8)
    cells = [[nothing if str(path) == "blank" else decode(path) for path in line] for line in lines]
    picture = grid(cells, labels_top=above, labels_left=left)
    with replacing(output, overwrite) as temporary:
        picture.save(temporary, format="PNG")
    typer.echo(str(output))


def _labels(option: str, text: str | None, count: int) -> list[str] | None:
    from inpaint_cli.errors import UsageError

    labels = None if text is None else [label.strip() for label in text.split(",")]
    if labels is not None and len(labels) != count:
        raise UsageError(f"{option} names {len(labels)}, and there are {count}")
    return labels


def _read_runs(paths: list[Path]) -> list[Any]:
    """What the run directories hold, named as shortly as they can be told apart."""
    from inpaint_cli.engine.runs import RunDirectory
    from inpaint_cli.errors import InputError
    from inpaint_cli.reports.run_page import Run

    names = [path.resolve().name for path in paths]
    names = names if len({*names}) == len(names) else [str(path) for path in paths]
    found = []
    for path, name in zip(paths, names, strict=True):
        run = RunDirectory(path)
        if not run.used:
            raise InputError(f"{path}: no run directory: it has no {run.configuration.name}; `inpaint train` makes one")
        rows = run.read_metrics()
        columns = {
            key: [row.get(key, float("nan")) for row in rows] for key in dict.fromkeys(k for r in rows for k in r)
        }
        samples = {int(grid.stem.removeprefix("step-")): grid for grid in run.samples.glob("step-*.png")}
        found.append(Run(name, run.read_configuration(), columns, samples))
    return found
