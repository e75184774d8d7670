"""One method on one prepared file, into one run directory."""

import shlex
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from inpaint_cli.engine.compiling import compile_networks
from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.feeding import BatchStream
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import FAILED, Team, TeamLost, join_team, launched_by_us, leave_team
from inpaint_cli.engine.profiling import ProfiledLearner
from inpaint_cli.engine.randomness import seed_default_generators
from inpaint_cli.engine.recording import Recorder
from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.engine.splits import Split
from inpaint_cli.engine.training import Learner, fit
from inpaint_cli.errors import (
    TOO_FEW_AT_ONCE,
    DivergedError,
    EnvironmentFault,
    InpaintError,
    Interrupted,
    UsageError,
    is_out_of_memory,
    is_too_few_at_once,
    out_of_memory,
)
from inpaint_cli.jobs.audience import Audience, Progress, heard_by, remarks
from inpaint_cli.jobs.loading import build_method, refuse_what_does_not_fit
from inpaint_cli.jobs.training.configuration import Resolved, hardware_of, header_of, resolve
from inpaint_cli.jobs.training.logs import opened, refuse_logs
from inpaint_cli.jobs.training.observations import checked
from inpaint_cli.jobs.training.places import place_of_run
from inpaint_cli.jobs.training.starting import start_of, start_with
from inpaint_cli.method import ImageShape, Method
from inpaint_cli.settings import Assignments


@dataclass(frozen=True)
class Trained:
    """A run as it stands: `load(trained.path)` gives its model."""

    path: Path  # of the run directory
    configuration: dict[str, Any]  # as run.json has it
    step: int

    @property
    def metrics(self) -> list[dict[str, float]]:
        """Every loss term of every step, with facts of time and speed, read from the run directory."""
        return RunDirectory(self.path).read_metrics().rows


def train(
    method: str,
    data: Path | str | None = None,
    outdir: Path | str | None = None,
    *,
    masks: str | None = None,
    steps: int | None = None,
    batch: int | None = None,
    accumulate: int | None = None,
    seed: int | None = None,
    settings: Assignments = (),
    weights: Assignments = (),
    precision: str | None = None,
    device: str = "auto",
    checkpoint_every: int | None = None,
    sample_every: int | None = None,
    validate_every: int | None = None,
    patience: int | None = None,
    clip_gradients: float | None = None,
    sync_batchnorm: bool | None = None,
    compile: bool | None = None,
    keep: int | None = None,
    keep_every: int | None = None,
    start_from: Path | str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    profile: int | None = None,
    log: Sequence[str] = (),
    command: str = "",
    progress: Progress = None,
) -> Trained:
    """Train a method on a prepared file; checkpoints, curves and sample grids go to the run directory.

    data: what `prepare` made, default the paper's RECIPE.h5 here; outdir: default runs/METHOD, or
        runs/METHOD-2 and so on where runs are there; resume and overwrite mean the newest of these.
    masks, steps, batch, …: None is the paper's choice, for a resumed run what it began with; batch: images of an update
        over all processes, computed in `accumulate` parts; settings: `{"width": 16}`; weights: files of frozen networks
        by name.
    clip_gradients: the largest norm of a player's gradients; sync_batchnorm: batch norm over all processes; compile:
        networks through torch.compile; keep, keep_every: how many checkpoints stay, and of every how many steps.
    start_from: a run, file or model of this method: with its weights it begins, and its settings where none are given.
    profile: steps that are traced; log: "tensorboard", "wandb": where figures go, too; command: run.json keeps it.
    resume: go on from the newest valid checkpoint. Processes that a launcher such as torchrun started train together.

    Raises `Interrupted` after saving when a signal asks to end, `DivergedError` where a loss is not finite.
    """
    given = {
        "method": method, "data": data, "masks": masks, "steps": steps, "batch": batch, "accumulate": accumulate,
        "seed": seed, "precision": precision, "settings": settings, "weights": weights, "command": command,
        "checkpoint_every": checkpoint_every, "sample_every": sample_every, "validate_every": validate_every,
        "patience": patience, "clip_gradients": clip_gradients, "sync_batchnorm": sync_batchnorm, "compile": compile,
        "keep": keep, "keep_every": keep_every,
    }  # fmt: skip
    refuse_logs(log)
    run, notes = place_of_run(outdir, method, resume or overwrite)
    hardware = hardware_of(run, device, precision, resume)
    with held(run, hardware) as team:
        audience, start = heard_by(progress, team.leads, notes), start_of(start_from, method)
        resolved = resolve(run, given, hardware, team, audience, resume=resume, overwrite=overwrite, start=start)
        return _train(run, resolved, hardware, team, audience, profile, log)


@contextmanager
def held(run: RunDirectory, hardware: Hardware) -> Iterator[Team]:
    """The processes that train together, while the first of them holds the run directory."""
    team = join_team(hardware.device.type)
    try:
        with run.locked() if team.leads else nullcontext():
            team.wait()  # until the leader holds the lock
            yield team
    except InpaintError:
        team.say(FAILED)
        raise
    finally:
        leave_team()


def _train(
    run: RunDirectory,
    resolved: Resolved,
    hardware: Hardware,
    team: Team,
    audience: Audience,
    profile: int | None,
    log: Sequence[str],
) -> Trained:
    plan, shape = resolved.plan, ImageShape(*resolved.prepared.shape)
    seed_default_generators(plan.seed, "initial weights")
    if resolved.earlier.checkpoint:
        refuse_what_does_not_fit(resolved.earlier.checkpoint, resolved.settings)
    method, labels = build_method(resolved.method, resolved.settings, shape, resolved.masks, resolved.weights)
    if resolved.start and not resolved.earlier.checkpoint:
        start_with(method, resolved.start)
    notes = checked(resolved.method, method, resolved.prepared, resolved.masks, plan)
    split = resolved.prepared.split("train")
    method.check_labels({name: column.shape[1:] for name, column in split.labels.items()})
    for network in (method, *method.helpers.values()):
        hardware.place(network)
    words = ["inpaint", "train", "--method", resolved.method, "--outdir", str(run.path), "--resume"]
    going_on = shlex.join([*words, *(word for name in log for word in ("--log", name))])
    subject = Subject(method, split, labels, going_on, notes, profile, log)
    return learned(run, resolved, subject, hardware, team, audience)


class Subject(NamedTuple):
    """What learns from what."""

    method: Method  # where it is to compute
    split: Split
    labels: Mapping[str, str]  # of the frozen networks that its losses look through, as results name them
    going_on: str  # the command that does, in one process
    notes: Sequence[str] = ()  # what the user should know of it
    profile: int | None = None  # steps that are traced
    log: Sequence[str] = ()  # where figures go beside metrics.jsonl


def learned(
    run: RunDirectory, resolved: Resolved, subject: Subject, hardware: Hardware, team: Team, audience: Audience
) -> Trained:
    """To the last step of the plan, from where the run stands."""
    plan, header = resolved.plan, header_of(resolved.configuration, subject.labels)
    stream = BatchStream(subject.split, resolved.masks, subject.method, plan, hardware, team)
    traced = subject.profile and team.leads
    if plan.compile:
        compile_networks(subject.method)
    learner = (ProfiledLearner if traced else Learner)(subject.method, hardware, team, plan)
    with opened(subject.log if team.leads else (), run.path, resolved.configuration, resolved.overwrite) as logs:
        resolved.begin(run, learner, team)
        for note in [*resolved.notes, *subject.notes, *(f"the log: {log.where}" for log in logs)]:
            audience.note(note)
        with (
            audience.progress("training", plan.steps) as advance,
            remarks(audience.note),
            saying_what_is_left(run, in_as_many_processes(subject.going_on, hardware, team), plan),
            _profiling(learner, run, subject.profile, audience),
        ):
            advance(learner.step)
            recorder = Recorder(run, learner, header, resolved.preview_split, advance, audience.note, logs)
            fit(learner, stream, recorder)
    return Trained(run.path, resolved.configuration, learner.step)


def in_as_many_processes(command: str, hardware: Hardware, team: Team) -> str:
    """What goes on as `command` does in one process; of another launcher's command nothing is known here."""
    if team.size == 1:
        return command
    if not launched_by_us():
        return "on every machine, the command that began it, with --resume"
    return f"{command} --gpus {team.size}" + (" --device cpu" if hardware.device.type == "cpu" else "")


def _profiling(
    learner: Learner, run: RunDirectory, steps: int | None, audience: Audience
) -> AbstractContextManager[None]:
    if steps and isinstance(learner, ProfiledLearner):
        return learner.looked_at(run.profile, steps, audience.note)
    return nullcontext()


@contextmanager
def saying_what_is_left(run: RunDirectory, command: str, plan: Plan) -> Iterator[None]:
    """What ended a training, with what is left of it and what to do."""
    try:
        yield
    except Interrupted as error:
        raise Interrupted(f"{error}; {_left(run, command)}", error.signal_number) from None
    except KeyboardInterrupt:
        message = f"ended by a second Ctrl-C, without saving the step in hand; {_left(run, command)}"
        raise Interrupted(message, signal.SIGINT) from None
    except TeamLost as error:
        raise TeamLost(f"{error}; {_left(run, command)}", error.first, error.explained) from None
    except DivergedError as error:
        raise DivergedError(f"{error}; {_kept(run)}. A lower learning rate, or --clip-gradients 1, may help") from None
    except ValueError as error:
        if not is_too_few_at_once(error):
            raise
        raise UsageError(
            f"{TOO_FEW_AT_ONCE}, in each process and part: give a larger --batch than {plan.batch}"
            + (f", or less than --accumulate {plan.accumulate}" if plan.accumulate > 1 else "")
        ) from None
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        helps = "a smaller --batch helps, or --accumulate N, which computes it in N parts"
        raise EnvironmentFault(f"{out_of_memory(error)} with --batch {plan.batch}: {helps}") from None


def _left(run: RunDirectory, command: str) -> str:
    if run.replaces:
        return "the run that it was to replace is as it was"
    return f"{_kept(run)}. To go on: {command}"


def _kept(run: RunDirectory) -> str:
    newest, _ = run.newest()
    return f"the last checkpoint is {newest.path}" if newest else "no checkpoint had been written yet"
