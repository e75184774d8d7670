"""Whose features are put to use: a checkpoint's, or those of a network that has learned nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.engine.checkpoints import Checkpoint, find_checkpoint
from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.randomness import seed_default_generators
from inpaint_cli.errors import InputError, UsageError, printable
from inpaint_cli.jobs.loading import check_shape, loaded_from
from inpaint_cli.jobs.refusals import refuse_no_encoder
from inpaint_cli.jobs.shipped import checkpoint_of
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape, Method
from inpaint_cli.methods import method_class, method_names
from inpaint_cli.probes import Settings as HowToProbe
from inpaint_cli.settings import Assignments, assigned, make_settings

OWN = {field.name for field in fields(HowToProbe)}  # settings of the transfer; all others are the encoder's


@dataclass(frozen=True)
class Asked:
    """What the user named."""

    checkpoint: Path | None
    method: str | None
    untrained: bool
    settings: Assignments

    def check(self) -> None:
        """`UsageError` for what does not go together."""
        refuse_no_encoder(self.checkpoint, self.method, self.untrained)

    @property
    def words(self) -> str:
        """As they stand on the command line."""
        named = f"--method {self.method}" if self.checkpoint is None else f"--checkpoint {self.checkpoint}"
        changed = [f" --set {name}={value}" for name, value in assigned(self.settings).items()]
        return named + " --untrained" * self.untrained + "".join(changed)

    def split(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is set of the transfer, and of the encoder."""
        given = assigned(self.settings)
        own = {name: value for name, value in given.items() if name in OWN}
        return own, {name: value for name, value in given.items() if name not in OWN}


@dataclass(frozen=True)
class Encoder:
    """A method whose `features` are put to use, on the CPU, and where it comes from."""

    name: str
    method: Method
    masks: str  # of its pretraining, or that it was built for
    step: int  # 0: random weights
    digest: str | None = None
    batch: int | None = None  # images of an update of its pretraining

    @property
    def features(self) -> int:
        """How many it gives of an image."""
        image = torch.zeros(2, *self.method.shape)
        with torch.no_grad():
            return self.method.eval().features(image, torch.ones_like(image[:, :1])).shape[1]


def encoder_of(asked: Asked, prepared: PreparedFile, seed: int) -> Encoder:
    """`InputError` where the method has no features, or was made for other images."""
    found = None if asked.checkpoint is None else find_checkpoint(checkpoint_of(asked.checkpoint))
    name = _checked(found, asked)
    _, changes = asked.split()
    if found is None or asked.untrained:
        return _untrained(name, found, changes, prepared, seed)
    loaded = loaded_from(found, asked.method, changes, choose_hardware("cpu", "fp32"))
    check_shape(loaded, prepared)
    return Encoder(name, loaded.method, found.header.masks, found.header.step, found.digest, found.header.batch)


def _checked(found: Checkpoint | None, asked: Asked) -> str:
    """The method's name, where it has features."""
    name = found.header.method if found else str(asked.method)
    if found and found.header.transfer:
        raise InputError(
            f"{printable(found.path)}: has been transferred already: give the checkpoint of the pretraining"
        )
    if method_class(name).features is Method.features:
        able = [other for other in method_names() if method_class(other).features is not Method.features]
        raise InputError(f"{name} has no encoder whose features could be read; these have one: {', '.join(able)}")
    return name


def _untrained(
    name: str, found: Checkpoint | None, changes: Mapping[str, Any], prepared: PreparedFile, seed: int
) -> Encoder:
    """Random weights: of the method as it is set, or of the network that a checkpoint describes."""
    chosen = method_class(name)
    settings = make_settings(chosen.Settings, {**(found.header.settings if found else {}), **changes})
    assert chosen.defaults is not None  # it learns
    masks = found.header.masks if found else chosen.defaults.masks
    seed_default_generators(seed, "initial weights")
    process = parse_masks(masks)
    try:
        process.check(prepared.shape)
    except UsageError as problem:  # of masks that nobody gave
        raise UsageError(f"{problem}: {masks} are what {name} is trained on, for larger images") from None
    return Encoder(name, chosen(settings, ImageShape(*prepared.shape), process), masks, 0)
