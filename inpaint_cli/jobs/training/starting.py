"""A training that begins with another one's weights: fine-tuning."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

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

    Players against the networks that complete begin anew where the checkpoint has none, as exported models, or has
    others, as a run whose discriminator judged something else; every optimiser does. `InputError` where weights that
    complete are missing or of other sizes.
    """
    given, own = completion_weights(found), method.state_dict()
    networks = {_network(name) for name in given}
    others = {network for network in networks if _shapes(given, network) != _shapes(own, network)}
    given = {name: given[name] for name in given if _completes(method, name) or _network(name) not in others}
    refuse_misfits({name: own[name] for name in own if name in given or _completes(method, name)}, given, found.path)
    method.load_state_dict(given, strict=False)


def _completes(method: Method, name: str) -> bool:
    return not method.completes_with or name.startswith(tuple(f"{network}." for network in method.completes_with))


def _network(name: str) -> str:
    return name.partition(".")[0]


def _shapes(tensors: Mapping[str, Tensor], network: str) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items() if _network(name) == network}
