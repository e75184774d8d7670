"""`inpaint train`: one method on one prepared file, into one run directory."""

from pathlib import Path
from typing import Annotated

import typer

from inpaint_cli.cli import completing, config, options
from inpaint_cli.cli.launching import run_in_processes
from inpaint_cli.cli.terminal import Terminal, say, typed

Method = Annotated[
    str,
    typer.Option(
        "--method",
        rich_help_panel=options.WHAT,
        help="What to train; `inpaint methods` lists them.",
        autocompletion=completing.names("trained"),
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        rich_help_panel=options.WHAT,
        help="A file that `inpaint prepare` wrote. Default: the paper's RECIPE.h5 here.",
    ),
]
Outdir = Annotated[
    Path | None,
    typer.Option(
        "--outdir", rich_help_panel=options.RUN, help="The run directory. Default: runs/METHOD, runs/METHOD-2, …"
    ),
]
Masks = Annotated[
    str | None,
    options.masks("The masking process, such as rec:0.1. Default: the paper's.", options.WHAT),
]
Steps = Annotated[
    int | None,
    typer.Option("--steps", min=1, max=99_999_999, rich_help_panel=options.HOW, help="Updates. Default: the paper's."),
]
Batch = Annotated[
    int | None,
    typer.Option(
        "--batch",
        min=1,
        rich_help_panel=options.HOW,
        help="Images per update, over all processes. Default: the paper's.",
    ),
]
Accumulate = Annotated[
    int | None,
    typer.Option(
        "--accumulate", min=1, rich_help_panel=options.HOW, help="Parts that a batch is computed in, to save memory."
    ),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", min=0, rich_help_panel=options.HOW, help="Every random draw follows from it. Default: 0."),
]
Gpus = Annotated[
    int,
    typer.Option(
        "--gpus", min=1, rich_help_panel=options.MACHINE, help="Number of processes: one per GPU, or with --device cpu."
    ),
]
Precision = Annotated[str | None, options.precision(options.MACHINE)]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        "--weights",
        metavar="NAME=FILE",
        callback=config.on_top,
        rich_help_panel=options.WHAT,
        help="Weights of a frozen network: vgg16=FILE (or =download), face-parser=RUN|FILE|NAME.",
    ),
]
CheckpointEvery = Annotated[
    int | None, typer.Option(min=1, rich_help_panel=options.RUN, help="Steps between checkpoints. Default: 1000.")
]
SampleEvery = Annotated[
    int | None, typer.Option(min=1, rich_help_panel=options.RUN, help="Steps between sample grids. Default: 500.")
]
ValidateEvery = Annotated[
    int | None,
    typer.Option(
        min=1,
        rich_help_panel=options.HOW,
        help="Steps between validations; the best weights are kept, and complete. Default: never.",
    ),
]
Patience = Annotated[
    int | None,
    typer.Option(min=1, rich_help_panel=options.HOW, help="Stop after this many validations without a better one."),
]
ClipGradients = Annotated[
    float | None,
    typer.Option(
        "--clip-gradients",
        min=0,
        rich_help_panel=options.HOW,
        help="The largest norm of a player's gradients. Default: as they are.",
    ),
]
SyncBatchnorm = Annotated[
    bool | None,
    typer.Option(
        "--sync-batchnorm",
        rich_help_panel=options.HOW,
        help="Batch norm over all processes. Default: each normalises its own images.",
    ),
]
Compile = Annotated[
    bool | None,
    typer.Option(
        "--compile/--no-compile",
        rich_help_panel=options.MACHINE,
        help="Run networks through torch.compile. Default: no; on the CPU it was measured to be slower.",
    ),
]
Keep = Annotated[
    int | None,
    typer.Option("--keep", min=1, rich_help_panel=options.RUN, help="Checkpoints that stay: the newest N. Default: 2."),
]
KeepEvery = Annotated[
    int | None,
    typer.Option(
        "--keep-every",
        min=1,
        metavar="M",
        rich_help_panel=options.RUN,
        help="Also those of every M-th step. Default: none.",
    ),
]
Profile = Annotated[
    int | None,
    typer.Option(
        "--profile",
        min=1,
        metavar="N",
        rich_help_panel=options.RUN,
        help="Write a trace of N steps, for TensorBoard or Perfetto.",
    ),
]
Log = Annotated[
    list[str] | None,
    typer.Option(
        "--log",
        **completing.choices("tensorboard|wandb"),
        rich_help_panel=options.RUN,
        help="Send figures there, too; repeat for both. Each is an extra: pip install 'inpaint-cli\\[tensorboard]'.",
    ),
]
Config = Annotated[Path | None, config.option("to_train", options.WHAT)]
StartFrom = Annotated[
    Path | None,
    typer.Option(
        "--start-from",
        metavar="RUN|FILE|NAME",
        rich_help_panel=options.WHAT,
        help="Begin with this one's weights, of the same method, and with its settings where none are given.",
    ),
]
Settings = Annotated[list[str] | None, options.settings(options.WHAT)]
Device = Annotated[str, options.device(options.MACHINE)]
Overwrite = Annotated[bool, options.overwrite(options.RUN)]
Quiet = Annotated[bool, options.quiet(options.MACHINE)]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        rich_help_panel=options.RUN,
        help="Go on from the newest valid checkpoint of --outdir, or of the newest of runs/METHOD, runs/METHOD-2, …",
    ),
]


def train(
    method: Method,
    data: Data = None,
    outdir: Outdir = None,
    masks: Masks = None,
    steps: Steps = None,
    batch: Batch = None,
    accumulate: Accumulate = None,
    seed: Seed = None,
    device: Device = "auto",
    gpus: Gpus = 1,
    precision: Precision = None,
    settings: Settings = None,
    weights: Weights = None,
    checkpoint_every: CheckpointEvery = None,
    sample_every: SampleEvery = None,
    validate_every: ValidateEvery = None,
    patience: Patience = None,
    clip_gradients: ClipGradients = None,
    sync_batchnorm: SyncBatchnorm = None,
    compile: Compile = None,
    keep: Keep = None,
    keep_every: KeepEvery = None,
    start_from: StartFrom = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    profile: Profile = None,
    log: Log = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Train a method on a prepared file; checkpoints, curves and sample grids go to the run directory.

    [bold]inpaint train --method mde --data photos.h5 --masks block:24[/bold]

    [bold]inpaint train --method mde --resume --steps 20000[/bold] goes on with the last run of that method.
    """
    from inpaint_cli.jobs.training.first_look import refuse_training

    refuse_training(
        method, data, masks, settings or (), gpus, device, resume=resume, overwrite=overwrite, outdir=outdir,
        start_from=start_from, weights=weights or (), validate_every=validate_every, patience=patience, logs=log or (),
    )  # fmt: skip
    run_in_processes(gpus, device)
    from inpaint_cli.jobs.training.running import train as run

    trained = run(
        method, data, outdir, masks=masks, steps=steps, batch=batch, accumulate=accumulate, seed=seed,
        settings=settings or (), weights=weights or (), precision=precision, device=device,
        checkpoint_every=checkpoint_every, sample_every=sample_every, validate_every=validate_every,
        patience=patience, clip_gradients=clip_gradients, sync_batchnorm=sync_batchnorm, compile=compile,
        keep=keep, keep_every=keep_every, start_from=start_from,
        resume=resume, overwrite=overwrite, profile=profile, log=log or (), command=typed(), progress=Terminal(quiet),
    )  # fmt: skip
    say(trained.path)
