"""`inpaint evaluate`: systems on a prepared split behind each mask specification, or folders that others completed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inpaint_cli.cli import completing, config, options
from inpaint_cli.cli.launching import run_in_processes
from inpaint_cli.cli.terminal import Terminal, say, speaks

if TYPE_CHECKING:
    from inpaint_cli.jobs.evaluation.findings import Measured

WHAT, HOW, RESULT, MACHINE = "What is measured", "How", "Results", "Machine"

Data = Annotated[Path | None, typer.Option("--data", rich_help_panel=WHAT, help="A file that `inpaint prepare` wrote.")]
Masks = Annotated[
    list[str] | None,
    options.masks("A masking process; repeat for several. A photo's own mask is for `inpaint complete --mask`.", WHAT),
]
Completed = Annotated[
    list[str] | None,
    typer.Option(
        "--completed",
        metavar="[NAME=]FOLDER",
        rich_help_panel=WHAT,
        help="Images that another program completed, called as their originals; repeatable. With --data beside our own "
        "systems, else with --originals.",
    ),
]
Originals = Annotated[
    Path | None,
    typer.Option(
        "--originals", metavar="FOLDER", rich_help_panel=WHAT, help="In place of --data: originals of --completed."
    ),
]
MaskFolder = Annotated[
    str | None,
    typer.Option(
        "--mask-folder",
        metavar="FOLDER[,invert]",
        rich_help_panel=WHAT,
        help="The masks of these images, of their names: white is the hole, with ,invert black.",
    ),
]
Checkpoints = Annotated[
    list[Path] | None,
    typer.Option(
        "--checkpoint",
        rich_help_panel=WHAT,
        autocompletion=completing.names("checkpoints"),
        help="A run directory (its newest checkpoint), a checkpoint file or a model's name; repeat for several.",
    ),
]
Methods = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        rich_help_panel=WHAT,
        autocompletion=completing.names("untrained"),
        help="One that needs no training, patch or tv; repeatable.",
    ),
]
Settings = Annotated[list[str] | None, options.settings(WHAT)]
Split = Annotated[str, options.split(WHAT)]
Limit = Annotated[int | None, typer.Option("--limit", min=1, rich_help_panel=WHAT, help="Only the first N images.")]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metrics",
        metavar="NAME[,NAME]",
        rich_help_panel=HOW,
        autocompletion=completing.names("metrics"),
        help="What to measure: names, all, or default: those that need neither weights nor labels.",
    ),
]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        "--weights",
        metavar="NAME=FILE",
        callback=config.on_top,
        rich_help_panel=HOW,
        help="Weights of a network that a metric looks through: inception=FILE; classifier=RUN of `inpaint transfer "
        "--targets labels`.",
    ),
]
FidMode = Annotated[
    str,
    typer.Option(
        "--fid-mode",
        **completing.one_of("pytorch-fid|clean", "--fid-mode"),
        rich_help_panel=HOW,
        help="How fid resizes images.",
    ),
]
FidReference = Annotated[
    Path | None,
    typer.Option(
        "--fid-reference",
        rich_help_panel=HOW,
        metavar="FILE|FOLDER",
        help="Compare with these statistics (.npz with mu and sigma) or images, not with the originals.",
    ),
]
Samples = Annotated[
    int,
    typer.Option(
        "--samples",
        min=1,
        rich_help_panel=HOW,
        help="Completions of each image: figures are means over them, with the best of them beside.",
    ),
]
Compose = Annotated[
    str,
    typer.Option(
        "--compose",
        **completing.one_of("known|poisson|output", "way to --compose"),
        rich_help_panel=HOW,
        help="known: known pixels as they were. poisson: and Poisson editing at the rim. output: as the method "
        "itself paints them.",
    ),
]
ByHoleShare = Annotated[
    float | None,
    typer.Option(
        "--by-hole-share",
        metavar="S",
        rich_help_panel=HOW,
        help="Also rows of the images of which so much is missing: with 0.1 those of 0-10 %, 10-20 %, …",
    ),
]
Seed = Annotated[int, options.seed(HOW)]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", rich_help_panel=RESULT, help="Also write the results as JSON.")
]
Csv = Annotated[
    Path | None, typer.Option("--csv", rich_help_panel=RESULT, help="Also write each image's figures as CSV.")
]
Grid = Annotated[
    Path | None,
    typer.Option("--grid", rich_help_panel=RESULT, help="Also draw the hardest and the easiest images: a PNG."),
]
Show = Annotated[
    int | None,
    typer.Option(
        "--show", min=1, rich_help_panel=RESULT, help="The grid has N images evenly spread, systems side by side."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", rich_help_panel=RESULT, help="Print the results as JSON on stdout.")]
Definitions = Annotated[
    bool,
    typer.Option(
        "--definitions", rich_help_panel=RESULT, help="Also print what each metric is; -o and --json always say it."
    ),
]
Overwrite = Annotated[bool, options.overwrite(RESULT)]
Batch = Annotated[
    int,
    typer.Option(
        "--batch", min=1, rich_help_panel=MACHINE, help="Images in hand at once; figures do not depend on it."
    ),
]
CacheDir = Annotated[
    Path | None,
    typer.Option(
        "--cache-dir",
        rich_help_panel=MACHINE,
        help="Where statistics of originals are kept. Default: INPAINT_HOME, else the platform's.",
    ),
]
Device = Annotated[str, options.device(MACHINE)]
Gpus = Annotated[int, options.gpus(MACHINE)]
Quiet = Annotated[bool, options.quiet(MACHINE)]
Config = Annotated[Path | None, config.option("to_evaluate", HOW)]


def evaluate(
    data: Data = None,
    masks: Masks = None,
    checkpoint: Checkpoints = None,
    method: Methods = None,
    completed: Completed = None,
    originals: Originals = None,
    mask_folder: MaskFolder = None,
    settings: Settings = None,
    split: Split = "test",
    limit: Limit = None,
    metrics: Metrics = None,
    weights: Weights = None,
    fid_mode: FidMode = "pytorch-fid",
    fid_reference: FidReference = None,
    samples: Samples = 1,
    compose: Compose = "known",
    by_hole_share: ByHoleShare = None,
    seed: Seed = 0,
    output: Output = None,
    csv: Csv = None,
    grid: Grid = None,
    show: Show = None,
    as_json: AsJson = False,
    definitions: Definitions = False,
    overwrite: Overwrite = False,
    batch: Batch = 256,
    cache_dir: CacheDir = None,
    device: Device = "auto",
    gpus: Gpus = 1,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Measure completed images, with everything needed to judge the figures.

    Each system completes the same images behind the same masks; where there are
    several, they are compared in pairs. Intervals are of 95 %, by bootstrap.
    What other programs completed is measured with --completed.

    [bold]inpaint evaluate --checkpoint runs/mde --method patch --data photos.h5 --masks block:24 -o results.json[/bold]

    [bold]inpaint evaluate --completed theirs/ --originals photos/ --mask-folder masks/[/bold]
    """
    from inpaint_cli.jobs.evaluation.misuse import refuse_misuse, refuse_names

    own = [str(named) for named in (*(checkpoint or ()), *(method or ()))]
    refuse_misuse(data, masks or (), own, bool(completed), originals, mask_folder, samples)
    refuse_names(
        data, split, masks or (), method or (), checkpoint or (), metrics or ("default",), gpus, device, settings or ()
    )
    run_in_processes(gpus, device)
    from inpaint_cli.jobs.evaluation.measuring import evaluate as measure

    measured = measure(
        data, masks or (), checkpoints=checkpoint or (), methods=method or (), completed=completed or (),
        originals=originals, mask_folder=mask_folder, settings=settings or (), split=split, limit=limit,
        metrics=metrics or ("default",), weights=weights or (), samples=samples, compose=compose,
        by_hole_share=by_hole_share, seed=seed, batch=batch, fid_mode=fid_mode, fid_reference=fid_reference,
        cache_dir=cache_dir, output=output, csv=csv, grid=grid, show=show, overwrite=overwrite, device=device,
        progress=Terminal(quiet),
    )  # fmt: skip
    report(measured, as_json, definitions)


def report(measured: "Measured", as_json: bool, definitions: bool) -> None:
    """All of it as JSON, or tables, and what the metrics are where that was asked for."""
    say(measured.text.rstrip("\n") if as_json else measured.tables)
    if definitions and not as_json:
        say("\n".join(["", *(f"- {text}" for text in measured.definitions)]))
    if speaks():
        measured.raise_for_missing()
