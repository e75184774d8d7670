"""Frozen networks that losses use: their weights are files, found where torchvision keeps them or named by the user.

`--weights vgg16=FILE` names a file, `vgg16=download` lets torchvision fetch it, and `vgg16=random` is for tests of the
machinery: it is labelled in everything that comes of it. Nothing is ever random or downloaded silently.
"""

import hashlib
import pickle
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import VGG16_Weights

from inpaint_cli.errors import EnvironmentFault, InputError, UsageError, unknown
from inpaint_cli.networks.vgg import VGG16Blocks


@dataclass(frozen=True)
class Source:
    """Where one network's weights come from."""

    file: str  # torchvision's name; the last part is how its SHA-256 begins
    size: str
    page: str
    build: Callable[[dict[str, Tensor] | None], nn.Module]
    download: Callable[[], dict[str, Tensor]]
    without: str  # how to do without it

    @property
    def cached(self) -> Path:
        return Path(torch.hub.get_dir()) / "checkpoints" / self.file

    @property
    def digest_start(self) -> str:
        return Path(self.file).stem.rsplit("-", 1)[1]


SOURCES = {
    "vgg16": Source(
        file="vgg16-397923af.pth",
        size="528 MB",
        page="torchvision's page of VGG16_Weights.IMAGENET1K_V1",
        build=VGG16Blocks,
        download=lambda: VGG16_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True),
        without="--set perceptual=0 trains without the perceptual loss",
    )
}


def parse_weights(assignments: Iterable[str]) -> dict[str, str]:
    """`["vgg16=FILE"]` -> {"vgg16": "FILE"}."""
    given = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not value:
            raise UsageError(f"--weights takes NAME=FILE, not '{assignment}'")
        if name not in SOURCES:
            raise UsageError(unknown("weights", name, SOURCES))
        given[name] = value
    return given


def load_helper(name: str, given: str | None) -> tuple[nn.Module, str]:
    """The frozen network and how it is to be named in results: a digest, or `random weights, not comparable`."""
    source = SOURCES[name]
    if given == "random":
        return source.build(None), "random weights, not comparable"
    if given == "download":
        _download(name, source)
    path = source.cached if given in (None, "download") else Path(given)
    if not path.is_file():
        raise (
            EnvironmentFault(_missing(name, source, path))
            if given is None
            else InputError(f"{path}: no such weights file")
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if path == source.cached and not digest.startswith(source.digest_start):
        raise InputError(
            f"{path}: damaged: its SHA-256 begins {digest[:8]}, not {source.digest_start}; delete it and fetch it again"
        )
    return _network(path, source), f"sha256 {digest[:16]}"


def _download(name: str, source: Source) -> None:
    try:
        source.download()
    except (OSError, RuntimeError) as error:
        raise EnvironmentFault(
            f"the download of {source.file} failed ({error})\n{_missing(name, source, source.cached)}"
        ) from None


def _network(path: Path, source: Source) -> nn.Module:
    try:
        state = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
        return source.build(state)
    except (
        OSError,
        RuntimeError,
        KeyError,
        ValueError,
        EOFError,
        AttributeError,
        SafetensorError,
        pickle.UnpicklingError,
    ) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path}: not the weights that {source.file} holds ({reason})") from None


def _missing(name: str, source: Source, path: Path) -> str:
    return (
        f"no {name} weights here: {path} does not exist. Get {source.file} ({source.size}; SHA-256 begins "
        f"{source.digest_start}; see {source.page}) and put it there, or give --weights {name}=FILE, or "
        f"--weights {name}=download where there is a network; or do without: {source.without}"
    )
