"""`inpaint prepare`: original files in, one prepared file out."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inpaint_cli.cli import options

if TYPE_CHECKING:
    from inpaint_cli.data.labelling import Labeller
    from inpaint_cli.data.preparing import Plan, Prepared
    from inpaint_cli.data.recipes import Recipe


class Mode(StrEnum):
    """Colours of the prepared images."""

    rgb = "rgb"
    gray = "gray"


def prepare(
    recipe: Annotated[
        str, typer.Argument(help="A recipe's name, such as mnist-96, celeba-96, folder or demo, or a .toml file.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The prepared file to make. Default: RECIPE.h5 here.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--source", help="The folder of the original files; for recipe folder also one archive."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many rows in each split.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that decode (default: the cores, at most 4).")
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Side of the prepared images, where the recipe allows another.")
    ] = None,
    mode: Annotated[Mode | None, typer.Option(help="Colours, where they are not to be the recipe's.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse the set at its first unreadable image.")] = False,
    parsing: Annotated[
        Path | None,
        typer.Option(
            "--parsing",
            metavar="CHECKPOINT",
            help="Label each image's parts with this trained face-parser (its run or a checkpoint), for a source "
            "without label maps.",
        ),
    ] = None,
    landmarks: Annotated[
        bool,
        typer.Option(
            "--landmarks",
            help="With --parsing: also the five points that the maps show; faces without them are left out.",
        ),
    ] = False,
    device: options.Device = "auto",
    download: Annotated[
        bool, typer.Option("--download", help="First fetch the original files into --source, where that is possible.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be made, and how much disk it needs; write nothing.")
    ] = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Prepare a data set: one file that every method trains on and is evaluated on."""
    from inpaint_cli.cli.progress import progress_bar
    from inpaint_cli.data.pool import default_workers
    from inpaint_cli.data.preparing import plan, prepare_file
    from inpaint_cli.data.recipes import load_recipe

    chosen, text = load_recipe(recipe)
    chosen = chosen.resized(size).model_copy(update={"mode": mode.value} if mode else {})
    output = output or Path(f"{chosen.name}.h5")
    labeller = _labeller(parsing, landmarks, device)
    if download:
        _download(chosen, source, dry_run)
    if dry_run:
        print(_forecast(chosen, output, plan(chosen, source, output, limit, overwrite, labeller)))
        return
    with progress_bar("preparing", quiet=quiet) as progress:
        prepared = prepare_file(
            chosen,
            text,
            source,
            output,
            limit=limit,
            workers=workers or default_workers(),
            strict=strict,
            overwrite=overwrite,
            labeller=labeller,
            progress=progress,
        )
    if not quiet:
        print(_summary(prepared))


def _labeller(checkpoint: Path | None, landmarks: bool, device: str) -> "Labeller | None":
    """The trained parser that --parsing names."""
    from inpaint_cli.errors import UsageError

    if checkpoint is not None:
        from inpaint_cli.cli.annotating import labeller_from

        return labeller_from(checkpoint, landmarks, device)
    if landmarks:
        raise UsageError("--landmarks takes the points from label maps: it needs --parsing CHECKPOINT")
    if device != "auto":
        raise UsageError("--device is where --parsing labels images; without it nothing is computed on one")
    return None


def _download(recipe: "Recipe", source: Path | None, dry_run: bool) -> None:
    """Fetch the source; what the readers print goes to stderr, and the terms stand before it."""
    import sys
    from contextlib import redirect_stdout

    from inpaint_cli.data.preparing import download
    from inpaint_cli.errors import UsageError

    if dry_run:
        raise UsageError("--download writes files and --dry-run writes none; give one of them")
    if source is None:
        raise UsageError("--download needs --source, the folder to fetch the original files into")
    print(f"terms: {recipe.terms}", file=sys.stderr)
    with redirect_stdout(sys.stderr):
        download(recipe, source)


def _forecast(recipe: "Recipe", output: Path, plan: "Plan") -> str:
    from inpaint_cli.data.room import available
    from inpaint_cli.imaging.decoding import printable

    rows, measured = sum(plan.rows.values()), plan.measure
    columns = [f"{name} {'×'.join(map(str, shape)) or 'a number'}" for name, shape in measured.columns.items()]
    lines = [
        f"{printable(output)}: would hold recipe {recipe.name} ({recipe.title}), at most {rows:,} images"
        f" of {recipe.size}×{recipe.size}, {'RGB' if recipe.mode == 'rgb' else 'grey'}",
        *(f"  {split:<12}{count:>9,}" for split, count in plan.rows.items()),
        f"columns: {', '.join(columns) or 'unknown: none of the first images can be read'}",
        f"read from: {'; '.join(measured.origins)}",
        f"disk: {rows * measured.row_bytes:,} bytes for the file, {measured.needed(rows):,} while it is made,"
        f" {available(output):,} free",
        f"terms: {recipe.terms}",
    ]
    if plan.without_image:
        lines.insert(-1, f"listed without an image in the source: {plan.without_image:,} rows")
    return "\n".join([*lines, "nothing was written (--dry-run)"])


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
