"""`inpaint prepare`: original files in, one prepared file out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from inpaint_cli.cli import completing, options
from inpaint_cli.cli.terminal import Terminal, say
from inpaint_cli.errors import UsageError, printable

if TYPE_CHECKING:
    from inpaint_cli.jobs.sets.preparing import Forecast, Prepared

WHAT, LABELS, HOW = "What is prepared", "Labels and masks", "How"

Recipe = Annotated[
    str | None,
    typer.Argument(
        autocompletion=completing.names("recipes"),
        help="A recipe's name, such as celeba-96, folder or demo, or a .toml file. Without it: list them.",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", rich_help_panel=WHAT, help="The prepared file to make. Default: RECIPE.h5 here."),
]
Source = Annotated[
    Path | None,
    typer.Option(
        "--source", rich_help_panel=WHAT, help="The folder of the original files; for recipe folder also one archive."
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, rich_help_panel=WHAT, help="At most this many rows in each split.")]
Workers = Annotated[
    int | None,
    typer.Option(min=1, max=64, rich_help_panel=HOW, help="Processes that decode (default: the cores, at most 4)."),
]
Size = Annotated[
    int | None, typer.Option(rich_help_panel=WHAT, help="Side of the prepared images, where the recipe allows another.")
]
Colours = Annotated[
    Literal["rgb", "gray"] | None,
    typer.Option(
        "--mode",
        **completing.one_of("rgb|gray", "mode"),
        rich_help_panel=WHAT,
        help="Colours, where they are not to be the recipe's.",
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", rich_help_panel=HOW, help="Refuse the set at its first unreadable image.")
]
Parsing = Annotated[
    Path | None,
    typer.Option(
        "--parsing",
        autocompletion=completing.names("checkpoints"),
        metavar="CHECKPOINT",
        rich_help_panel=LABELS,
        help="Label each image's parts with this trained face-parser (its run, a checkpoint or a model's name), for a "
        "source without label maps.",
    ),
]
Landmarks = Annotated[
    bool,
    typer.Option(
        "--landmarks",
        rich_help_panel=LABELS,
        help="With --parsing: also the five points that the maps show; faces without them are left out.",
    ),
]
Masks = Annotated[
    str | None,
    typer.Option(
        "--masks",
        autocompletion=completing.names("masks"),
        rich_help_panel=LABELS,
        help="Store a mask with each image: folder:PATH, folder:PATH,paired or another specification. `--masks stored` "
        "takes them when it is trained or evaluated on.",
    ),
]
Observe = Annotated[
    str | None,
    typer.Option(
        "--observe",
        autocompletion=completing.names("masks"),
        metavar="SPEC",
        rich_help_panel=LABELS,
        help="Write observations alone: noise:0.9 or another specification hides a part of each image for good, its "
        "mask is stored, labels are not. For methods that learn from nothing else (unsupervised, misgan).",
    ),
]
Splits = Annotated[
    Literal["folders", "hash"] | None,
    typer.Option(
        "--splits",
        **completing.one_of("folders|hash", "--splits"),
        rich_help_panel=WHAT,
        help="folders: those called train, val, test … are the splits. hash: images are dealt by their names. "
        "Default: folders where they are plainly meant so, hash where there are none.",
    ),
]
AllowLeaks = Annotated[
    bool,
    typer.Option(
        "--allow-leaks", rich_help_panel=HOW, help="Take exact copies of one image in several splits, and say so."
    ),
]
Download = Annotated[
    bool,
    typer.Option(
        "--download", rich_help_panel=WHAT, help="First fetch the original files into --source, where that is possible."
    ),
]
Device = Annotated[str, options.device(LABELS)]
Overwrite = Annotated[bool, options.overwrite(HOW)]
Quiet = Annotated[bool, options.quiet(HOW)]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", rich_help_panel=HOW, help="Say what would be made, and how much disk it needs; write nothing."
    ),
]


def prepare(
    recipe: Recipe = None,
    output: Output = None,
    source: Source = None,
    limit: Limit = None,
    workers: Workers = None,
    size: Size = None,
    mode: Colours = None,
    strict: Strict = False,
    parsing: Parsing = None,
    landmarks: Landmarks = False,
    masks: Masks = None,
    observe: Observe = None,
    splits: Splits = None,
    allow_leaks: AllowLeaks = False,
    device: Device = "auto",
    download: Download = False,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Prepare a data set: one file that every method trains on and is evaluated on.

    [bold]inpaint prepare folder --source photos/ -o photos.h5 --size 128[/bold]

    [bold]inpaint prepare[/bold] lists the recipes.
    """
    from inpaint_cli.jobs.sets import preparing

    if recipe is None:
        return say("\n".join(f"{entry.name:<20} {entry.title}" for entry in preparing.recipes()))
    if dry_run and download:
        raise UsageError("--download writes files and --dry-run writes none; give one of them")
    if dry_run:
        forecast = preparing.forecast(
            recipe, source, output, limit=limit, size=size, mode=mode, parsing=parsing, landmarks=landmarks,
            masks=masks, observe=observe, splits=splits, device=device, overwrite=overwrite,
        )  # fmt: skip
        return say(foretold(forecast))
    prepared = preparing.prepare(
        recipe, source, output, limit=limit, workers=workers, size=size, mode=mode, strict=strict, parsing=parsing,
        landmarks=landmarks, masks=masks, observe=observe, splits=splits, allow_leaks=allow_leaks, device=device,
        download=download, overwrite=overwrite, progress=Terminal(quiet),
    )  # fmt: skip
    if not quiet:
        say(summary(prepared))


def foretold(forecast: "Forecast") -> str:
    """What --dry-run says."""
    recipe, rows, plan, measured = forecast.recipe, forecast.rows, forecast.plan, forecast.plan.measure
    columns = [f"{name} {'×'.join(map(str, shape)) or 'a number'}" for name, shape in measured.columns.items()]
    lines = [
        f"{printable(forecast.output)}: would hold recipe {recipe.name} ({recipe.title}), at most {rows:,} images"
        f" of {recipe.size}×{recipe.size}, {'RGB' if recipe.mode == 'rgb' else 'grey'}",
        *(f"  {split:<12}{count:>9,}" for split, count in plan.rows.items()),
        f"columns: {', '.join(columns) or 'unknown: none of the first images can be read'}",
        f"read from: {'; '.join(measured.origins)}",
        f"disk: {rows * measured.row_bytes:,} bytes for the file, {measured.needed(rows):,} while it is made,"
        f" {forecast.free:,} free",
        f"terms: {recipe.terms}",
    ]
    if plan.layout:
        lines.insert(1, f"layout: {plan.layout}")
    if plan.without_image:
        lines.insert(-1, f"listed without an image in the source: {plan.without_image:,} rows")
    return "\n".join([*lines, "nothing was written (--dry-run)"])


def summary(prepared: "Prepared") -> str:
    """What was made, and what was left out."""
    file, skipped = prepared.file, prepared.skipped
    channels, height, width = file.shape
    lines = [
        f"{printable(file.path)}: {file.recipe_name}, {sum(prepared.rows.values()):,} images"
        f" of {width}×{height}, {'RGB' if channels == 3 else 'grey'}",
        *(f"  {split:<12}{rows:>9,}" for split, rows in prepared.rows.items()),
        f"labels: {', '.join(prepared.labels) or 'none'}",
    ]
    if prepared.layout:
        lines.append(f"layout: {prepared.layout}")
    lines.append(f"copies: {prepared.copied.words}")
    if file.has_masks:
        lines.append(f"masks: stored, {printable(file.options.get('masks', ''))}")
    if prepared.without_image:
        lines.append(f"listed without an image in the source: {prepared.without_image:,} rows")
    if skipped.count:
        lines.append(f"skipped: {skipped.count:,}")
        lines += [f"  {reason}" for reason in skipped.reasons]
        lines += [f"  … and {skipped.count - len(skipped.reasons):,} more"] * (skipped.count > len(skipped.reasons))
    return "\n".join([*lines, f"terms: {file.terms}", f"identity: {file.identity}"])
