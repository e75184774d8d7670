"""`inpaint train`: one method on one prepared file, into one run directory."""

import sys
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from inpaint_cli.cli import options


def train(
    method: Annotated[str, typer.Option("--method", help="What to train; `inpaint methods` lists them.")],
    data: Annotated[
        Path | None,
        typer.Option("--data", help="A file that `inpaint prepare` wrote. Default: the paper's RECIPE.h5 here."),
    ] = None,
    outdir: Annotated[Path | None, typer.Option("--outdir", help="The run directory. Default: runs/METHOD.")] = None,
    masks: Annotated[
        str | None, typer.Option("--masks", help="The masking process, such as rec:0.1. Default: the paper's.")
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Updates. Default: the paper's.")] = None,
    batch: Annotated[
        int | None, typer.Option("--batch", min=1, help="Images per update, over all processes. Default: the paper's.")
    ] = None,
    accumulate: Annotated[
        int | None, typer.Option("--accumulate", min=1, help="Parts that a batch is computed in, to save memory.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Every random draw follows from it. Default: 0.")
    ] = None,
    device: options.Device = "auto",
    gpus: Annotated[
        int, typer.Option("--gpus", min=1, help="Number of processes: one per GPU, or with --device cpu.")
    ] = 1,
    precision: Annotated[
        str | None, typer.Option("--precision", help="auto, bf16 or fp32. auto takes bf16 where the hardware has it.")
    ] = None,
    assignments: options.Set = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            "--weights", metavar="NAME=FILE", help="Weights of a frozen network, e.g. vgg16=FILE (or =download)."
        ),
    ] = None,
    checkpoint_every: Annotated[
        int | None, typer.Option(min=1, help="Steps between checkpoints. Default: 1000.")
    ] = None,
    sample_every: Annotated[int | None, typer.Option(min=1, help="Steps between sample grids. Default: 500.")] = None,
    validate_every: Annotated[
        int | None,
        typer.Option(min=1, help="Steps between validations; the best weights are kept, and complete. Default: never."),
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Stop after this many validations without a better one.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on from the newest valid checkpoint in the run directory, if there is one."),
    ] = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a method on a prepared file; checkpoints, curves and sample grids go to the run directory."""
    from inpaint_cli.engine.processes import launch, launched

    if gpus > 1 and not launched():
        raise SystemExit(launch(gpus, device, sys.argv[1:]))
    given = {
        "method": method, "data": data, "masks": masks, "steps": steps, "batch": batch, "accumulate": accumulate,
        "seed": seed, "precision": precision, "settings": assignments, "weights": weights,
        "checkpoint_every": checkpoint_every, "sample_every": sample_every, "validate_every": validate_every,
        "patience": patience,
    }  # fmt: skip
    outdir = outdir or Path("runs") / method
    _join_and_train(outdir, given, device=device, resume=resume, overwrite=overwrite, quiet=quiet)


def _join_and_train(outdir: Path, given: dict[str, Any], *, device: str, **how: bool) -> None:
    """Join the other processes, if any; the leading one holds the run directory while it trains."""
    from inpaint_cli.engine.devices import choose_hardware
    from inpaint_cli.engine.processes import join_team, leave_team, local_rank
    from inpaint_cli.engine.runs import RunDirectory

    run = RunDirectory(outdir)
    begun_with = run.read_configuration()["precision"] if how["resume"] and run.used else "auto"
    hardware = choose_hardware(device, given["precision"] or begun_with, local_rank())
    team = join_team(hardware.device.type)
    try:
        with run.locked() if team.leads else nullcontext():
            team.wait()  # until the leader holds the lock
            _train(run, given, hardware, team, **how)
    finally:
        leave_team()


def _train(
    run: Any, given: dict[str, Any], hardware: Any, team: Any, *, resume: bool, overwrite: bool, quiet: bool
) -> None:
    from inpaint_cli.cli.assembly import build_method
    from inpaint_cli.cli.configuration import header_of, resolve
    from inpaint_cli.engine.feeding import BatchStream
    from inpaint_cli.engine.randomness import seed_default_generators
    from inpaint_cli.engine.recording import Recorder
    from inpaint_cli.engine.training import Learner, Plan, fit
    from inpaint_cli.errors import DivergedError, EnvironmentFault, is_out_of_memory, out_of_memory

    job = resolve(run, given, hardware, team, resume=resume, overwrite=overwrite)
    plan = Plan(**{field.name: job.configuration[field.name] for field in fields(Plan)})
    seed_default_generators(plan.seed, "initial weights")
    method, labels = build_method(job.method, job.settings, job.prepared.shape, job.masks, job.weights)
    split = job.prepared.split("train")
    method.check_labels({name: column.shape[1:] for name, column in split.labels.items()})
    stream = BatchStream(split, job.masks, method, plan, hardware, team)
    for network in (method, *method.helpers.values()):
        hardware.place(network)
    learner = Learner(method, hardware, team, plan)
    job.begin(run, learner, team)
    if team.leads and not quiet:
        for note in job.notes():
            typer.echo(f"note: {note}", err=True)
    header = header_of(job.configuration, labels)
    recorder = Recorder(run, learner, header, job.preview_split, quiet)
    try:
        fit(learner, stream, recorder)
    except DivergedError as error:
        newest, _ = run.newest()
        kept = f"the last good checkpoint is {newest.path}" if newest else "no checkpoint had been written yet"
        raise DivergedError(f"{error}; {kept}. A lower learning rate, or --precision fp32, may help") from None
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        helps = "a smaller --batch helps, or --accumulate N, which computes it in N parts"
        raise EnvironmentFault(f"{out_of_memory(error)} with --batch {plan.batch}: {helps}") from None
    finally:
        recorder.close()
    if team.leads:
        typer.echo(str(run.path))
