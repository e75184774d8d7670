"""`inpaint transfer`: new layers on a pretrained encoder's features, measured on the test split."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from inpaint_cli.cli import completing, options
from inpaint_cli.cli.launching import run_in_processes
from inpaint_cli.cli.terminal import Terminal, say, typed
from inpaint_cli.cli.train import Device, Gpus, Overwrite, Precision, Quiet, Resume

Checkpoint = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        rich_help_panel=options.WHAT,
        autocompletion=completing.names("checkpoints"),
        help="Whose encoder: a run directory, a checkpoint file or a model's name.",
    ),
]
Method = Annotated[
    str | None,
    typer.Option(
        "--method",
        rich_help_panel=options.WHAT,
        autocompletion=completing.names("trained"),
        help="With --untrained: whose encoder, as `--set` makes it.",
    ),
]
Untrained = Annotated[
    bool,
    typer.Option(
        "--untrained",
        rich_help_panel=options.WHAT,
        help="Random weights, of the same network where --checkpoint names one.",
    ),
]
Targets = Annotated[
    str,
    typer.Option(
        "--targets",
        metavar="NAME[,NAME]",
        autocompletion=completing.names("targets"),
        rich_help_panel=options.WHAT,
        help="What is learned: attributes, landmarks, labels.",
    ),
]
Outdir = Annotated[
    Path | None,
    typer.Option(
        "--outdir", rich_help_panel=options.RUN, help="The run directory. Default: runs/METHOD-transfer, …-2, …"
    ),
]
Steps = Annotated[
    int | None,
    typer.Option("--steps", min=1, max=99_999_999, rich_help_panel=options.HOW, help="Updates. Default: 5000."),
]
Batch = Annotated[
    int | None,
    typer.Option(
        "--batch", min=1, rich_help_panel=options.HOW, help="Images per update, over all processes. Default: 16."
    ),
]
Frozen = Annotated[
    bool,
    typer.Option(
        "--frozen",
        rich_help_panel=options.HOW,
        help="The encoder stays as it is: its features are computed once. Else it is tuned.",
    ),
]
Masks = Annotated[str | None, options.masks("What is missing of each image. Default: none.", options.HOW)]
Data = Annotated[Path, options.data(options.WHAT)]
AsJson = Annotated[bool, options.as_json(options.RUN)]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, rich_help_panel=options.HOW, help="Measure on the first N test images.")
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", min=0, rich_help_panel=options.HOW, help="Every random draw follows from it. Default: 0."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        rich_help_panel=options.WHAT,
        help="learning_rate, annealing_power, start, beta1, beta2, landmark_weight; or of an untrained encoder.",
    ),
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", rich_help_panel=options.RUN, help="Also write the results as JSON.")
]


def transfer(
    data: Data,
    checkpoint: Checkpoint = None,
    method: Method = None,
    untrained: Untrained = False,
    targets: Targets = "attributes,landmarks",
    frozen: Frozen = False,
    steps: Steps = None,
    batch: Batch = None,
    masks: Masks = None,
    settings: Settings = None,
    seed: Seed = None,
    limit: Limit = None,
    output: Output = None,
    outdir: Outdir = None,
    as_json: AsJson = False,
    device: Device = "auto",
    gpus: Gpus = 1,
    precision: Precision = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Learn labels on the features of a trained encoder, and measure how well that goes.

    The run directory holds a run like any other: it can be resumed and evaluated.
    The constant answer, which sees no image, stands beside the figures.

    [bold]inpaint transfer --checkpoint runs/mde --data faces.h5 --targets attributes[/bold]
    """
    from inpaint_cli.jobs.refusals import refuse_at_once, refuse_no_encoder

    refuse_at_once(
        [method] if method else [], data, [checkpoint] if checkpoint else [], masks=[masks] if masks else [],
        gpus=gpus, device=device, also=[partial(refuse_no_encoder, checkpoint, method, untrained)],
    )  # fmt: skip
    run_in_processes(gpus, device)
    from inpaint_cli.jobs.transferring.running import transfer as run

    measured = run(
        data, targets, outdir, checkpoint=checkpoint, method=method, untrained=untrained, frozen=frozen, steps=steps,
        batch=batch, masks=masks, seed=seed, settings=settings or (), limit=limit, output=output, precision=precision,
        device=device, resume=resume, overwrite=overwrite, command=typed(), progress=Terminal(quiet),
    ).measured  # fmt: skip
    say(measured.text.rstrip("\n") if as_json else measured.tables)
