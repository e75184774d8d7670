"""A checkpoint is one safetensors file: tensors by name and a JSON header with everything else; no pickle.

Tensor names: model/NAME, ema/NAME, optimizer/PLAYER/PARAMETER/STATE. The header holds method, settings, shape, masks,
step, seed, data identity, versions and the SHA-256 digest of all of it. It holds no time: the same training gives the
same bytes. A slim checkpoint, whose header says so, holds under model/NAME what completion needs alone, maybe rounded.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from inpaint_cli.errors import EnvironmentFault, InputError
from inpaint_cli.files import replacing

HEADER = "inpaint"
FORMAT = 1
PATTERN = "step-*.safetensors"
BEST = "best.safetensors"  # by validation; it is no step of the run
SLIM = {"holds": "completion"}  # in the header of a slim checkpoint


@dataclass(frozen=True)
class Checkpoint:
    """A verified checkpoint: its header and its tensors on the CPU."""

    path: Path
    header: dict[str, Any]
    tensors: dict[str, Tensor]

    @property
    def digest(self) -> str:
        return self.header["digest"]

    @property
    def slim(self) -> bool:
        """Whether training cannot go on from it."""
        return "holds" in self.header

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors under `prefix/`, by the rest of their names."""
        return {name.removeprefix(f"{prefix}/"): t for name, t in self.tensors.items() if name.startswith(f"{prefix}/")}


def content_digest(tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> str:
    """SHA-256 over the header (without its digest) and each tensor's name, type, shape and bytes."""
    digest = hashlib.sha256(json.dumps({k: v for k, v in header.items() if k != "digest"}, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> str:
    """Write atomically; return the content digest."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    header = {"format": FORMAT, **header}
    header["digest"] = content_digest(tensors, header)
    with replacing(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={HEADER: json.dumps(header, sort_keys=True)})
        except SafetensorError as error:
            raise EnvironmentFault(f"{path}: could not be written ({error}); checkpoints before it are whole") from None
    return header["digest"]


def read_checkpoint(path: Path) -> Checkpoint:
    """Read and verify one file; `InputError` when it is missing, damaged or not ours."""
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            header = json.loads(metadata[HEADER]) if HEADER in metadata else None
            tensors = {name: file.get_tensor(name) for name in file.keys()} if header else {}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path}: damaged, or not a checkpoint ({error})") from None
    if header is None or header.get("format") != FORMAT:
        raise InputError(f"{path}: not a checkpoint that this version of inpaint wrote")
    if content_digest(tensors, header) != header.get("digest"):
        raise InputError(f"{path}: damaged: its content does not match its digest")
    return Checkpoint(path, header, tensors)


def newest_valid(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint in `folder` that verifies, and what was wrong with newer ones."""
    problems: list[str] = []
    for path in sorted(folder.glob(PATTERN), reverse=True):
        try:
            return read_checkpoint(path), problems
        except InputError as error:
            problems.append(str(error))
    return None, problems


def find_checkpoint(path: Path) -> Checkpoint:
    """What `--checkpoint RUN|FILE` names: a file, or a run's best by validation, else its newest valid checkpoint."""
    if not path.is_dir():
        return read_checkpoint(path)
    if (path / "checkpoints" / BEST).exists():
        return read_checkpoint(path / "checkpoints" / BEST)
    checkpoint, problems = newest_valid(path / "checkpoints")
    if checkpoint is None:
        raise InputError("\n".join([f"{path}: no usable checkpoint in this run directory", *problems]))
    return checkpoint


def load_weights(module: torch.nn.Module, tensors: Mapping[str, Tensor], where: object) -> None:
    """`load_state_dict` with one message in place of a traceback."""
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise InputError(f"{where}: these weights do not fit the method they name: {error}") from None


def completion_weights(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The model's weights with averaged ones in place where the run kept an average."""
    return checkpoint.part("model") | checkpoint.part("ema")
