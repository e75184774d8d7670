"""What there is of a run to go on with: its configuration and its newest checkpoint, which must say the same."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from inpaint_cli.engine.checkpoints import Checkpoint
from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.errors import InputError, UsageError, printable
from inpaint_cli.methods import method_class
from inpaint_cli.records.runs import Configuration
from inpaint_cli.settings import recalled

# What makes a run the run that it is. Steps may be more, data may lie elsewhere, and the precision may be another where
# that is asked for.
ARITHMETIC = ("method", "masks", "batch", "accumulate", "seed", "clip_gradients", "sync_batchnorm", "data_identity")
DECIDES = (*ARITHMETIC, "masks_digest", "started_from", "transfer")
IN_HEADER = (*ARITHMETIC, "started_from", "transfer", "precision", "settings", "shape", "recipe", "steps", "versions")
ANEW = "--overwrite begins anew"


@dataclass(frozen=True)
class Earlier:
    """What an earlier process left: nothing, where there is no run."""

    saved: Mapping[str, Any] = field(default_factory=dict)  # as run.json has it
    checkpoint: Checkpoint | None = None  # to go on from
    notes: tuple[str, ...] = ()  # what the user should know

    @property
    def step(self) -> int:
        """That is done."""
        return self.checkpoint.header.step if self.checkpoint else 0


def earlier_run(run: RunDirectory) -> Earlier:
    """`InputError` where something of a run is there and nothing to go on from: to begin at 0 would lose the rest."""
    if not run.used:
        return Earlier(notes=(f"there is no run in {printable(run.path)} yet: it begins",))
    newest, problems = run.newest()
    passed_over = tuple(f"passed over {problem}" for problem in problems)
    if newest is None:
        return Earlier(_begun_without_checkpoint(run, problems), notes=("no checkpoint had been written: begins at 0",))
    going_on = f"going on from {printable(newest.path)}"
    if run.configuration.exists():
        saved = run.read_configuration()
        _refuse_disagreement(run, saved, newest)
        return Earlier(saved, newest, (*passed_over, going_on))
    rebuilt = f"{printable(run.configuration)} is missing, and written again from the checkpoint's header"
    return Earlier(_from_header(newest), newest, (*passed_over, rebuilt, going_on))


def _begun_without_checkpoint(run: RunDirectory, problems: Iterable[str]) -> Mapping[str, Any]:
    """What run.json says of a run that ended before it wrote a checkpoint."""
    if problems:
        raise InputError("\n".join([f"{printable(run.path)}: no usable checkpoint to go on from; {ANEW}", *problems]))
    if not run.configuration.exists():
        raise InputError(f"{printable(run.path)}: neither run.json nor a checkpoint is there to go on from; {ANEW}")
    saved = run.read_configuration()
    done = max((row["step"] for row in run.read_metrics().rows), default=0)
    if done > Configuration.model_validate(saved).checkpoint_every:  # at it, the first one was still being written
        raise InputError(
            f"{printable(run.path)}: its metrics reach step {done:.0f} and its checkpoints are gone; {ANEW}"
        )
    return saved


def _from_header(found: Checkpoint) -> Mapping[str, Any]:
    return {name: value for name, value in found.header.plain().items() if name in IN_HEADER}


def _refuse_disagreement(run: RunDirectory, saved: Mapping[str, Any], found: Checkpoint) -> None:
    """run.json and the checkpoint beside it come of one training. Settings that one of them lacks are younger."""
    ours = {**saved.get("settings", {}), **saved}
    names = {*ARITHMETIC, "started_from", "transfer", "shape", "recipe"}
    theirs = {**found.header.settings, **found.header.model_dump(include=names)}
    for name, value in theirs.items():
        if name in ours and ours[name] != value:
            raise InputError(
                f"{printable(run.configuration)} says {name} {printable(ours[name])}, and {printable(found.path)} was "
                f"trained with {printable(value)}: one of them was changed. Put it right, or remove run.json, which is "
                f"then written again from the checkpoint; {ANEW}"
            )


def refuse_changes(run: RunDirectory, configuration: Mapping[str, Any], saved: Mapping[str, Any]) -> None:
    """`UsageError` where a resumed run would compute something else than it began with.

    A setting that came with a newer version was not there when the run began, and holds what held before; one that is
    no more is passed over.
    """
    kept = recalled(method_class(configuration["method"]).Settings, saved.get("settings", {}))
    began = {**kept, **{name: saved[name] for name in DECIDES if name in saved}}
    for name, value in began.items():
        now = configuration[name] if name in DECIDES else configuration["settings"].get(name)
        if now != value:
            raise UsageError(
                f"{run.path} was begun with {name} {value}, now it is {now}: --resume goes on "
                "with what was begun (leave that option out), --overwrite or another --outdir begins anew"
            )


def refuse_fewer_steps(run: RunDirectory, steps: int, done: int) -> None:
    """`UsageError` where a run has gone further than it is asked to."""
    if steps < done:
        raise UsageError(
            f"{run.path} has done {done} steps, more than --steps {steps}: give more, or leave --steps out"
        )


def changes_of_place(configuration: Mapping[str, Any], earlier: Earlier) -> list[str]:
    """What is another than before and may be: figures are no longer, bit for bit, those of an uninterrupted run."""
    if earlier.checkpoint is None:
        return []
    before = {**earlier.saved, "precision": earlier.checkpoint.header.precision}
    return [
        f"{name} {before[name]} before, {configuration[name]} from here on"
        for name in ("precision", "processes", "device", "compile")
        if before.get(name) not in (None, "", configuration[name])
    ]
