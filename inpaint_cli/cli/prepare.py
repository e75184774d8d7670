"""`inpaint prepare`: original files in, one prepared file out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inpaint_cli.cli import options

if TYPE_CHECKING:
    from inpaint_cli.data.preparing import Prepared


def prepare(
    recipe: Annotated[
        str, typer.Argument(help="A recipe's name, such as mnist-96, celeba-96, folder or demo, or a .toml file.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The prepared file to make. Default: RECIPE.h5 here.")
    ] = None,
    source: Annotated[Path | None, typer.Option("--source", help="The folder of the original files.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many rows in each split.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that decode (default: the cores, at most 4).")
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Side of the prepared images, where the recipe allows another.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse the set at its first unreadable image.")] = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Prepare a data set: one file that every method trains on and is evaluated on."""
    from inpaint_cli.cli.progress import progress_bar
    from inpaint_cli.data.pool import default_workers
    from inpaint_cli.data.preparing import prepare_file
    from inpaint_cli.data.recipes import load_recipe

    chosen, text = load_recipe(recipe)
    with progress_bar("preparing", quiet=quiet) as progress:
        prepared = prepare_file(
            chosen.resized(size),
            text,
            source,
            output or Path(f"{chosen.name}.h5"),
            limit=limit,
            workers=workers or default_workers(),
            strict=strict,
            overwrite=overwrite,
            progress=progress,
        )
    if not quiet:
        print(_summary(prepared))


def _summary(prepared: "Prepared") -> str:
    from inpaint_cli.imaging.decoding import printable

    file, skipped = prepared.file, prepared.skipped
    channels, height, width = file.shape
    lines = [
        f"{printable(file.path)}: {file.recipe_name}, {sum(prepared.rows.values()):,} images"
        f" of {width}×{height}, {'RGB' if channels == 3 else 'grey'}",
        *(f"  {split:<12}{rows:>9,}" for split, rows in prepared.rows.items()),
        f"labels: {', '.join(prepared.labels) or 'none'}",
    ]
    if prepared.without_image:
        lines.append(f"listed without an image in the source: {prepared.without_image:,} rows")
    if skipped.count:
        lines.append(f"skipped: {skipped.count:,}")
        lines += [f"  {reason}" for reason in skipped.reasons]
        lines += [f"  … and {skipped.count - len(skipped.reasons):,} more"] * (skipped.count > len(skipped.reasons))
    return "\n".join([*lines, f"terms: {file.terms}", f"identity: {file.identity}"])
