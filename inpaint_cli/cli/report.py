"""`inpaint report`: the papers' tables with our figures beside them, and pages of runs."""

from pathlib import Path
from typing import Annotated

import typer

from inpaint_cli.cli import options

report = typer.Typer(no_args_is_help=True, help="The papers' tables with measured figures beside, and pages of runs.")


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
    overwrite: options.Overwrite = False,
) -> None:
    """Render a paper's table: published and measured figures side by side, ranks, differences, conditions of both.

    Without results: the published figures alone.
    """
    from inpaint_cli.files import refuse_existing, replacing
    from inpaint_cli.reports.filling import fill
    from inpaint_cli.reports.published import load_table
    from inpaint_cli.reports.results import read_results
    from inpaint_cli.reports.side_by_side import side_by_side

    if output:
        refuse_existing(output, overwrite)
    text = side_by_side(fill(load_table(name), [(path, read_results(path)) for path in results or []]))
    if not output:
        typer.echo(text, nl=False)
        return
    with replacing(output, overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")
    typer.echo(str(output))
