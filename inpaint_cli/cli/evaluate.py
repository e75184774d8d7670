"""`inpaint evaluate`: systems on a prepared split, behind each mask specification."""

from pathlib import Path
from typing import Annotated

import typer

from inpaint_cli.cli import options

WHAT, HOW, RESULT, MACHINE = "What is measured", "How", "Results", "Machine"


def evaluate(
    data: Annotated[Path, typer.Option("--data", rich_help_panel=WHAT, help="A file that `inpaint prepare` wrote.")],
    masks: Annotated[
        list[str], typer.Option("--masks", rich_help_panel=WHAT, help="A masking process; repeat for several.")
    ],
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(
            "--checkpoint",
            rich_help_panel=WHAT,
            help="A run directory (its newest checkpoint) or a checkpoint file; repeat for several.",
        ),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option("--method", rich_help_panel=WHAT, help="One that needs no training, patch or tv; repeatable."),
    ] = None,
    assignments: options.in_panel(WHAT, options.Set) = None,
    split: Annotated[
        str, typer.Option("--split", rich_help_panel=WHAT, help="Which images: train, validation or test.")
    ] = "test",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, rich_help_panel=WHAT, help="Only the first N images.")
    ] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            "--metrics",
            metavar="NAME[,NAME]",
            rich_help_panel=HOW,
            help="What to measure: names, all, or default: those that need neither weights nor labels.",
        ),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            "--weights",
            metavar="NAME=FILE",
            rich_help_panel=HOW,
            help="Weights of a network that a metric looks through: inception=FILE.",
        ),
    ] = None,
    fid_mode: Annotated[
        str, typer.Option("--fid-mode", rich_help_panel=HOW, help="How fid resizes images: pytorch-fid or clean.")
    ] = "pytorch-fid",
    fid_reference: Annotated[
        Path | None,
        typer.Option(
            "--fid-reference",
            rich_help_panel=HOW,
            help="Compare with these statistics (.npz with mu and sigma), not with the originals.",
        ),
    ] = None,
    samples: Annotated[
        int,
        typer.Option(
            "--samples",
            min=1,
            rich_help_panel=HOW,
            help="Completions of each image: figures are means over them, with the best of them beside.",
        ),
    ] = 1,
    compose: Annotated[
        str,
        typer.Option(
            "--compose",
            rich_help_panel=HOW,
            help="known: known pixels as they were. poisson: and Poisson editing at the rim. output: as the method "
            "itself paints them.",
        ),
    ] = "known",
    seed: options.in_panel(HOW, options.Seed) = 0,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", rich_help_panel=RESULT, help="Also write the results as JSON.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", rich_help_panel=RESULT, help="Also write each image's figures as CSV.")
    ] = None,
    grid: Annotated[
        Path | None,
        typer.Option("--grid", rich_help_panel=RESULT, help="Also draw the hardest and the easiest images: a PNG."),
    ] = None,
    show: Annotated[
        int | None,
        typer.Option(
            "--show", min=1, rich_help_panel=RESULT, help="The grid has N images evenly spread, systems side by side."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", rich_help_panel=RESULT, help="Print the results as JSON on stdout.")
    ] = False,
    overwrite: options.in_panel(RESULT, options.Overwrite) = False,
    batch: Annotated[
        int,
        typer.Option(
            "--batch", min=1, rich_help_panel=MACHINE, help="Images in hand at once; figures do not depend on it."
        ),
    ] = 256,
    cache_dir: Annotated[
        Path | None,
        typer.Option(
            "--cache-dir",
            rich_help_panel=MACHINE,
            help="Where statistics of originals are kept. Default: INPAINT_HOME, else the platform's.",
        ),
    ] = None,
    device: options.in_panel(MACHINE, options.Device) = "auto",
    gpus: Annotated[
        int,
        typer.Option(
            "--gpus", min=1, rich_help_panel=MACHINE, help="Number of processes: one per GPU, or with --device cpu."
        ),
    ] = 1,
    quiet: options.in_panel(MACHINE, options.Quiet) = False,
) -> None:
    """Measure completed images, with everything needed to judge the figures.

    Each system completes the same images behind the same masks; where there are
    several, they are compared in pairs. Intervals are of 95 %, by bootstrap.
    """
    from inpaint_cli.cli.assembly import launched_as_team
    from inpaint_cli.cli.measuring import Outputs, Request, measure_systems

    outputs = Outputs(output, csv, grid, show, overwrite, as_json)
    outputs.check()
    request = Request(
        data, tuple(masks), tuple(checkpoint or ()), tuple(method or ()), tuple(assignments or ()), split, limit,
        tuple(metrics or ("default",)), tuple(weights or ()), samples, compose, seed, batch, show, fid_mode,
        fid_reference, cache_dir,
    )  # fmt: skip
    with launched_as_team(gpus, device) as (hardware, team):
        measured = measure_systems(request, hardware, team, quiet)
        if team.leads:
            outputs.write(measured)
    if team.leads:
        measured.raise_for_missing()
