"""Where registry, data and engine meet: methods from names or checkpoints, built for the data at hand."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from inpaint_cli.errors import InputError, UsageError

TRAINED_HELPERS = ("face-parser",)  # methods that others' losses look through, once they are trained
PATIENCE = timedelta(days=14)  # of a process that is done for the one with the most to do


@dataclass(frozen=True)
class Loaded:
    """A method ready to complete, and what its results are to be labelled with."""

    method: Any
    name: str
    digest: str | None = None  # of the checkpoint
    step: int | None = None
    seed: int | None = None  # of the training
    notes: tuple[str, ...] = ()


def build_method(
    name: str, settings: Any, shape: Any, masks: Any, weights: Mapping[str, str] | None = None
) -> tuple[Any, dict]:
    """A method with the frozen networks that its losses need; also how those are to be named in results.

    weights: what `--weights` said of each; None builds the method without them, to complete.
    """
    from inpaint_cli.methods import method_class
    from inpaint_cli.weights import load_helper

    method = method_class(name)(settings, shape, masks)
    labels = {}
    for helper in method.needed_helpers() if weights is not None else ():
        load = _load_trained_helper if helper in TRAINED_HELPERS else load_helper
        method.helpers[helper], labels[helper] = load(helper, weights.get(helper))
    return method, labels


def _load_trained_helper(name: str, given: str | None) -> tuple[Any, str]:
    """Another method, trained and frozen, and how it is to be named in results."""
    from inpaint_cli.engine.devices import choose_hardware

    if given is None:
        raise UsageError(
            f"the losses look through a trained {name}: give --weights {name}=RUN|FILE "
            f"(inpaint train --method {name} makes one), or set its weight to 0"
        )
    loaded = _from_checkpoint(Path(given), name, {}, choose_hardware("cpu", "fp32"))
    return loaded.method.requires_grad_(False), f"checkpoint {loaded.digest[:16]}, step {loaded.step}"


def check_masks(name: str, method: Any, masks: Any) -> None:
    """Raise `UsageError` where masks differ from channel to channel and the method takes one for all."""
    if masks.per_channel and not method.per_channel:
        from inpaint_cli.methods import method_class, method_names

        able = [other for other in method_names() if method_class(other).per_channel]
        raise UsageError(
            f"{name} completes pixels that are missing whole; {masks.spec} hides single channels, which only "
            f"{', '.join(able)} can do"
        )


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

    shape: what a method without a checkpoint is built for. A method that learns needs a checkpoint; what was set for
    its training stays, what concerns completion can be set anew.
    """
    from inpaint_cli.methods import method_class
    from inpaint_cli.settings import assigned, make_settings

    if checkpoint is not None:
        return _from_checkpoint(checkpoint, method, assigned(assignments), hardware)
    if method is None:
        raise UsageError("give --checkpoint RUN|FILE, or --method patch, which needs no training")
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

    if type(built).complete is Method.complete and not built.annotates:
        raise InputError(f"{where}: {name} does not complete images")


def _from_checkpoint(path: Path, method: str | None, changes: Mapping[str, str], hardware: Any) -> Loaded:
    from inpaint_cli.engine.checkpoints import completion_weights, find_checkpoint, load_weights
    from inpaint_cli.masks import parse_masks
    from inpaint_cli.method import ImageShape
    from inpaint_cli.methods import method_class
    from inpaint_cli.settings import changed_for_completion, make_settings

    found = find_checkpoint(path)
    header = found.header
    if method is not None and method != header["method"]:
        raise InputError(f"{found.path}: a checkpoint of {header['method']}, not of {method}")
    try:
        kind = method_class(header["method"]).Settings
        make_settings(kind, header["settings"])
    except UsageError as error:
        raise InputError(
            f"{found.path}: written by a version of inpaint with other methods or settings ({error})"
        ) from None
    settings = changed_for_completion(kind, header["settings"], changes)
    built, _ = build_method(header["method"], settings, ImageShape(*header["shape"]), parse_masks(header["masks"]))
    _refuse_without_completion(built, header["method"], found.path)
    load_weights(built, completion_weights(found), found.path)
    notes = tuple(f"trained with {name}: {label}" for name, label in header["weights"].items() if "random" in label)
    return Loaded(hardware.place(built).eval(), header["method"], found.digest, header["step"], header["seed"], notes)
