"""Where registry, data and engine meet: methods from names or checkpoints, built for the data at hand."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from inpaint_cli.errors import InputError, UsageError

PATIENCE = timedelta(days=14)  # of a process that is done for the one with the most to do


@dataclass(frozen=True)
class Loaded:
    """A method ready to complete, and what its results are to be labelled with."""

    method: Any
    name: str
    digest: str | None = None  # of the checkpoint
    step: int | None = None
    notes: tuple[str, ...] = ()


def build_method(
    name: str, settings: Any, shape: Any, masks: Any, weights: Mapping[str, str] | None = None
) -> tuple[Any, dict]:
    """A method with the frozen networks that its losses need; also how those are to be named in results."""
    from inpaint_cli.methods import method_class
    from inpaint_cli.weights import load_helper

    method = method_class(name)(settings, shape, masks)
    labels = {}
    for helper in method.needed_helpers() if weights is not None else ():
        method.helpers[helper], labels[helper] = load_helper(helper, weights.get(helper))
    return method, labels


@contextmanager
def launched_as_team(processes: int, device: str) -> Iterator[tuple[Any, Any]]:
    """The hardware and the team of this process; with `processes` > 1 the command runs in as many, and ends here."""
    from inpaint_cli.engine.devices import choose_hardware
    from inpaint_cli.engine.processes import join_team, launch, launched, leave_team, local_rank

    if processes > 1 and not launched():
        raise SystemExit(launch(processes, device, sys.argv[1:]))
    hardware = choose_hardware(device, "fp32", local_rank())
    team = join_team("cpu", patience=PATIENCE)  # only plain data is exchanged
    try:
        yield hardware, team
    finally:
        leave_team()


def check_shape(loaded: Loaded, prepared: Any) -> None:
    """Raise `InputError` when the method was made for images of another shape than those of a prepared file."""
    own, given = loaded.method.shape, prepared.shape
    if not loaded.method.any_size and tuple(own) != tuple(given):
        sizes = [f"{s[2]}×{s[1]} with {s[0]} channel{'s' if s[0] > 1 else ''}" for s in (own, given)]
        raise InputError(f"the checkpoint was trained on {sizes[0]}, {prepared.path} holds {sizes[1]}")


def load_for_completion(
    checkpoint: Path | None, method: str | None, assignments: Iterable[str], shape: Any, hardware: Any
) -> Loaded:
    """What `--checkpoint` or `--method` names, in evaluation mode on the hardware.

    shape: what a method without a checkpoint is built for. A method that learns needs a checkpoint.
    """
    if checkpoint is not None:
        return _from_checkpoint(checkpoint, method, assignments, hardware)
    if method is None:
        raise UsageError("give --checkpoint RUN|FILE, or --method patch, which needs no training")
    from inpaint_cli.methods import method_class
    from inpaint_cli.settings import assigned, make_settings

    chosen = method_class(method)
    if chosen.defaults is not None:
        raise UsageError(
            f"{method} completes with what it learned: give --checkpoint RUN|FILE (inpaint train --method {method})"
        )
    built = chosen(make_settings(chosen.Settings, assigned(assignments)), shape, None)
    _refuse_without_completion(built, method, method)
    return Loaded(hardware.place(built).eval(), method)


def _refuse_without_completion(built: Any, name: str, where: object) -> None:
    from inpaint_cli.method import Method

    if type(built).complete is Method.complete:
        raise InputError(f"{where}: {name} does not complete images")


def _from_checkpoint(path: Path, method: str | None, assignments: Iterable[str], hardware: Any) -> Loaded:
    from inpaint_cli.engine.checkpoints import completion_weights, find_checkpoint, load_weights
    from inpaint_cli.masks import parse_masks
    from inpaint_cli.method import ImageShape
    from inpaint_cli.methods import method_class
    from inpaint_cli.settings import make_settings

    if list(assignments):
        raise UsageError("--set does not go with --checkpoint: its settings are those it was trained with")
    found = find_checkpoint(path)
    header = found.header
    if method is not None and method != header["method"]:
        raise InputError(f"{found.path}: a checkpoint of {header['method']}, not of {method}")
    try:
        settings = make_settings(method_class(header["method"]).Settings, header["settings"])
    except UsageError as error:
        raise InputError(
            f"{found.path}: written by a version of inpaint with other methods or settings ({error})"
        ) from None
    built, _ = build_method(header["method"], settings, ImageShape(*header["shape"]), parse_masks(header["masks"]))
    _refuse_without_completion(built, header["method"], found.path)
    load_weights(built, completion_weights(found), found.path)
    notes = tuple(f"trained with {name}: {label}" for name, label in header["weights"].items() if "random" in label)
    return Loaded(hardware.place(built).eval(), header["method"], found.digest, header["step"], notes)
