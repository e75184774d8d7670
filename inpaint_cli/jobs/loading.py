"""Where registry, data and engine meet: methods from names or checkpoints, built for the data at hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.engine.checkpoints import Checkpoint, completion_weights, find_checkpoint, load_weights
from inpaint_cli.engine.devices import Hardware, choose_hardware
from inpaint_cli.engine.outlines import outlining, refuse_misfits
from inpaint_cli.engine.slimming import keep_what_completes
from inpaint_cli.errors import InpaintError, InputError, UsageError, printable
from inpaint_cli.jobs.refusals import refuse_other_method, refuse_single_channels, refuse_unlearned
from inpaint_cli.jobs.shipped import checkpoint_of
from inpaint_cli.masks import MaskProcess, parse_masks
from inpaint_cli.method import ImageShape, Method
from inpaint_cli.methods import method_class
from inpaint_cli.probes import Design, Probe
from inpaint_cli.probes import Settings as HowToProbe
from inpaint_cli.records.checkpoints import Header
from inpaint_cli.settings import Assignments, assigned, changed_for_completion, make_settings, recalled
from inpaint_cli.weight_files import TRAINED_HELPERS
from inpaint_cli.weights import load_helper


@dataclass(frozen=True)
class Loaded:
    """A method ready to complete, and what its results are to be labelled with."""

    method: Method
    name: str
    digest: str | None = None  # of the checkpoint
    step: int | None = None
    seed: int | None = None  # of the training
    notes: tuple[str, ...] = ()
    header: Header | None = None  # of the checkpoint: all that it says about itself
    on_faces: "Loaded | None" = None  # what completes holes on faces in its place

    @property
    def checkpoint(self) -> dict[str, Any] | None:
        """How results name the weights; None for a method that needs none."""
        if self.digest is None:
            return None
        return {"digest": self.digest, "step": self.step, "batch": self.header.batch if self.header else None}


def build_method(
    name: str,
    settings: Any,
    shape: ImageShape,
    masks: MaskProcess | None,
    weights: Mapping[str, str] | None = None,
) -> tuple[Method, dict[str, str]]:
    """A method with the frozen networks that its losses need; also how those are to be named in results.

    weights: what `--weights` said of each; None builds the method without them, to complete.
    """
    method = method_class(name)(settings, shape, masks)
    labels: dict[str, str] = {}
    if weights is None:
        return method, labels
    for helper in method.needed_helpers():
        load = _load_trained_helper if helper in TRAINED_HELPERS else load_helper
        method.helpers[helper], labels[helper] = load(helper, weights.get(helper))
    return method, labels


def _load_trained_helper(name: str, given: str | None) -> tuple[nn.Module, str]:
    """Another method, trained and frozen, and how it is to be named in results."""
    if given is None:
        raise UsageError(
            f"the losses look through a trained {name}: give --weights {name}=RUN|FILE|NAME "
            f"(inpaint train --method {name} makes one, or inpaint models), or set its weight to 0"
        )
    loaded = from_checkpoint(Path(given), name, {}, choose_hardware("cpu", "fp32"))
    return loaded.method.requires_grad_(False), f"checkpoint {str(loaded.digest)[:16]}, step {loaded.step}"


def check_masks(name: str, method: Method | type[Method], masks: MaskProcess) -> None:
    """Raise `UsageError` where masks differ from channel to channel and the method takes one for all."""
    refuse_single_channels(name, method.per_channel, masks)


def check_shape(loaded: Loaded, prepared: PreparedFile) -> None:
    """Raise `InputError` when the method was made for images of another shape than those of a prepared file."""
    own, given = loaded.method.shape, prepared.shape
    if not loaded.method.any_size and tuple(own) != tuple(given):
        sizes = [f"{s[2]}×{s[1]} with {s[0]} channel{'s' if s[0] > 1 else ''}" for s in (own, given)]
        raise InputError(f"the checkpoint was trained on {sizes[0]}, {prepared.path} holds {sizes[1]}")


def load_for_completion(
    checkpoint: Path | None,
    method: str | None,
    assignments: Assignments,
    hardware: Hardware,
    shape: ImageShape = ImageShape(3, 1, 1),
) -> Loaded:
    """What a checkpoint or a method's name stands for, in evaluation mode on the hardware.

    shape: what a method without a checkpoint is built for; those take any. A method that learns needs a checkpoint;
    what was set for its training stays, what concerns completion can be set anew.
    """
    if checkpoint is not None:
        return from_checkpoint(checkpoint, method, assigned(assignments), hardware)
    if method is None:
        raise UsageError("give --checkpoint RUN|FILE|NAME, or --method patch, which needs no training")
    chosen = method_class(method)
    refuse_unlearned(method)
    built = chosen(make_settings(chosen.Settings, assigned(assignments)), shape, None)
    _refuse_without_completion(built, method, method)
    hardware.place(built)
    return Loaded(built.eval(), method)


def _refuse_without_completion(built: Method, name: str, where: object) -> None:
    if type(built).complete is Method.complete and not built.annotates:
        raise InputError(f"{where}: {name} does not complete images")


def from_checkpoint(path: Path, method: str | None, changes: Mapping[str, Any], hardware: Hardware) -> Loaded:
    """A trained method from what `--checkpoint` names; `method`, where given, is what it has to be."""
    return loaded_from(find_checkpoint(checkpoint_of(path)), method, changes, hardware)


def loaded_from(found: Checkpoint, method: str | None, changes: Mapping[str, Any], hardware: Hardware) -> Loaded:
    """As `from_checkpoint`, of a checkpoint that is read already."""
    header = found.header
    if method is not None:
        refuse_other_method(found.path, header, method)
    settings = _settings_of(found, changes)
    refuse_what_does_not_fit(found, settings)
    built = built_for(header, settings)
    _refuse_without_completion(built, header.method, found.path)
    if found.slim:
        keep_what_completes(built)
    load_weights(built, completion_weights(found), found.path)
    notes = tuple(f"trained with {name}: {label}" for name, label in header.weights.items() if "random" in label)
    hardware.place(built)
    return Loaded(built.eval(), header.method, found.digest, header.step, header.seed, notes, header)


def built_for(header: Header, settings: Any) -> Method:
    """What a header describes, without its weights: a method, or a transfer of its encoder."""
    chosen, shape, masks = method_class(header.method), ImageShape(*header.shape), parse_masks(header.masks)
    transfer = header.transfer
    if transfer is None:
        return chosen(settings, shape, masks)
    encoder = chosen(settings, shape, parse_masks(transfer.pretrained_on))
    design = Design(tuple(transfer.targets.split(",")), transfer.features, transfer.classes, transfer.frozen)
    return Probe(encoder, make_settings(HowToProbe, recalled(HowToProbe, transfer.settings)), masks, design)


def refuse_what_does_not_fit(found: Checkpoint, settings: Any) -> None:
    """`InputError` unless the weights have the sizes that their header and these settings make.

    Nothing of those sizes is made: a header can ask for more memory than there is.
    """
    header = found.header
    try:
        with outlining():
            outline = built_for(header, settings)
    except InpaintError as error:
        raise InputError(f"{printable(found.path)}: {error}") from None
    except Exception as error:  # torch refuses sizes by nearly every kind
        reason = str(error).partition("\n")[0]
        raise InputError(f"{printable(found.path)}: its header describes no {header.method} ({reason})") from None
    if found.slim:
        keep_what_completes(outline)
    refuse_misfits(outline.state_dict(), completion_weights(found), found.path)


def _settings_of(found: Checkpoint, changes: Mapping[str, Any]) -> Any:
    try:
        kind = method_class(found.header.method).Settings
        make_settings(kind, recalled(kind, found.header.settings))
    except UsageError as error:
        raise InputError(
            f"{found.path}: written by a version of inpaint with other methods or settings ({error})"
        ) from None
    return changed_for_completion(kind, found.header.settings, changes)
