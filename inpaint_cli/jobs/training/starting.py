"""A training that begins with another one's weights: fine-tuning."""

from pathlib import Path

from inpaint_cli.engine.checkpoints import Checkpoint, completion_weights, find_checkpoint
from inpaint_cli.engine.outlines import refuse_misfits
from inpaint_cli.jobs.shipped import checkpoint_of
from inpaint_cli.jobs.training.first_look import refuse_start
from inpaint_cli.method import Method


def start_of(named: Path | str | None, method: str) -> Checkpoint | None:
    """What `--start-from RUN|FILE|NAME` names, which has to be of this method."""
    if named is None:
        return None
    found = find_checkpoint(checkpoint_of(named))
    refuse_start(named, found.header, method)
    return found


def start_with(method: Method, found: Checkpoint) -> None:
    """Load what the checkpoint has, averaged weights where it kept an average; what it lacks stays as it was drawn.

    An exported model has the networks that complete alone: the players against it begin anew, as every optimiser does.
    `InputError` where the weights are of other sizes, or a network that completes is missing.
    """
    given, own = completion_weights(found), method.state_dict()
    needed = set(own) if not found.slim else {name for name in own if _completes(method, name)}
    refuse_misfits({name: own[name] for name in own if name in given or name in needed}, given, found.path)
    method.load_state_dict(given, strict=False)


def _completes(method: Method, name: str) -> bool:
    return not method.completes_with or name.startswith(tuple(f"{network}." for network in method.completes_with))
