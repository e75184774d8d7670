"""A checkpoint is one safetensors file: tensors by name and a JSON header with everything else; no pickle.

Tensor names: model/NAME, ema/NAME, optimizer/PLAYER/PARAMETER/STATE. The header (`records.checkpoints`) holds method,
settings, shape, masks, step, seed, data identity, versions and the SHA-256 digest of all of it. It holds no time: the
same training gives the same bytes. A slim checkpoint, whose header says so, holds under model/NAME what completion
needs alone, maybe rounded.
"""

import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from inpaint_cli.engine.outlines import refuse_misfits
from inpaint_cli.errors import EnvironmentFault, InputError, Remark, printable
from inpaint_cli.files import replacing
from inpaint_cli.records.checkpoints import (
    BEST,
    IN_METADATA,
    Header,
    best_or_newest,
    header_values,
    opened,
    parse_header,
    step_name,
    steps_in,
)

SLIM = {"holds": "completion"}  # in the header of a slim checkpoint
FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
KINDS = (*FLOATING, torch.int64, torch.int32, torch.uint8, torch.bool)  # of tensors
WEIGHTS = ("model/", "ema/")  # what completes: no optimiser's state


@dataclass(frozen=True)
class Checkpoint:
    """A verified checkpoint: its header and its tensors on the CPU."""

    path: Path
    header: Header
    tensors: dict[str, Tensor]

    @property
    def digest(self) -> str:
        return self.header.digest

    @property
    def slim(self) -> bool:
        """Whether training cannot go on from it."""
        return self.header.slim

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors under `prefix/`, by the rest of their names."""
        return {name.removeprefix(f"{prefix}/"): t for name, t in self.tensors.items() if name.startswith(f"{prefix}/")}


# ---- one file --------------------------------------------------------------------------------------------------------


def content_digest(tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> str:
    """SHA-256 over the header (without its digest) and each tensor's name, type, shape and bytes."""
    digest = hashlib.sha256(json.dumps({k: v for k, v in header.items() if k != "digest"}, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> str:
    """Write atomically; return the content digest. header: plain values, as `records.checkpoints.Header` names them."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    values = header_values(header)
    values["digest"] = content_digest(tensors, values)
    with replacing(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={IN_METADATA: json.dumps(values, sort_keys=True)})
        except SafetensorError as error:
            raise EnvironmentFault(f"{path}: could not be written ({error}); checkpoints before it are whole") from None
    return values["digest"]


def read_checkpoint(path: Path) -> Checkpoint:
    """Read and verify one file; `InputError` when it is missing, damaged, not ours, or has weights that are none."""
    with opened(path, "pt") as (file, text):
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    header, plain = parse_header(text, path)
    _refuse_other_kinds(path, tensors)
    if content_digest(tensors, plain) != header.digest:
        raise InputError(f"{printable(path)}: damaged: its content does not match its digest")
    _refuse_weights_that_are_none(path, tensors)
    return Checkpoint(path, header, tensors)


def is_checkpoint(path: Path) -> bool:
    """Whether the file calls itself one of ours; it may be damaged all the same."""
    try:
        with opened(path, "pt"):
            return True
    except InputError:
        return False


def _refuse_other_kinds(path: Path, tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if tensor.dtype not in KINDS:
            raise InputError(f"{printable(path)}: damaged: {printable(name)} is of type {tensor.dtype}")


def _refuse_weights_that_are_none(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """A run never writes them: they would paint one colour, or nothing."""
    for name, tensor in tensors.items():
        if name.startswith(WEIGHTS) and tensor.dtype in FLOATING and not bool(tensor.isfinite().all()):
            raise InputError(f"{printable(path)}: unusable: the weights {printable(name)} are not finite")


# ---- those of a run --------------------------------------------------------------------------------------------------


def read_named(path: Path) -> Checkpoint:
    """A run's best, or that of the step that it is called after; `InputError` also where it is another's."""
    found = read_checkpoint(path)
    if path.name not in (BEST, step_name(found.header.step)):
        raise InputError(f"{printable(path)}: holds step {found.header.step}, and is called after another")
    return found


def newest_valid(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint in `folder` that verifies, and what was wrong with newer ones."""
    problems: list[str] = []
    for path in steps_in(folder).values():
        try:
            return read_named(path), problems
        except InputError as error:
            problems.append(str(error))
    return None, problems


def find_checkpoint(path: Path) -> Checkpoint:
    """What `--checkpoint RUN|FILE` names: a file, or a run's best by validation, else its newest valid checkpoint.

    What is passed over, since it is damaged, is a `Remark`.
    """
    if not path.is_dir():
        return read_checkpoint(path)
    found, problems = best_or_newest(path, read_named)
    for problem in problems:
        warnings.warn(f"passed over {problem}", Remark, stacklevel=2)
    return found


# ---- into a network --------------------------------------------------------------------------------------------------


def load_weights(module: torch.nn.Module, tensors: Mapping[str, Tensor], where: object) -> None:
    """`load_state_dict` with one message in place of a traceback."""
    refuse_misfits(module.state_dict(), tensors, where)
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise InputError(f"{where}: these weights do not fit the method they name: {error}") from None


def completion_weights(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The model's weights with averaged ones in place where the run kept an average."""
    return checkpoint.part("model") | checkpoint.part("ema")
