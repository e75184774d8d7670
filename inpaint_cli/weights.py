"""Frozen networks that losses and metrics use: their weights are files, found where the libraries that made them keep
them, or named by the user.

`--weights vgg16=FILE` names a file, `vgg16=download` lets its library fetch it, and `vgg16=random` is for tests of the
machinery: it is labelled in everything that comes of it. Nothing is ever random or downloaded silently.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from inpaint_cli.errors import EnvironmentFault, InputError, UsageError
from inpaint_cli.weight_files import CLASSIFIER, SOURCES, Source, existing, missing, refuse_absent

State = dict[str, Tensor]


class Network(NamedTuple):
    """A network of one or more files: `build` takes their states, None = random."""

    build: Callable[..., nn.Module]
    files: tuple[str, ...]
    random: str = "random weights, not comparable"


def _vgg16(state: State | None) -> nn.Module:
    from inpaint_cli.networks.vgg import VGG16Blocks  # torchvision, whose import takes as long as torch's

    return VGG16Blocks(state)


def _inception(state: State | None) -> nn.Module:
    from inpaint_cli.networks.inception import Inception

    return Inception(state)


def _lpips(alexnet: State | None, weights: State | None) -> nn.Module:
    from inpaint_cli.networks.lpips import LPIPS

    return LPIPS(alexnet, weights)


NETWORKS = {
    "vgg16": Network(_vgg16, ("vgg16",)),
    "inception": Network(_inception, ("inception",), "random features, not comparable"),
    "lpips": Network(_lpips, ("alexnet", "lpips"), "random features, not comparable"),
}


class Networks(NamedTuple):
    """Networks ready to use, how results are to name each, and why others are not there (each an EnvironmentFault)."""

    loaded: dict[str, nn.Module]
    labels: dict[str, str]
    missing: dict[str, EnvironmentFault]


def load_networks(names: Iterable[str], given: Mapping[str, str]) -> Networks:
    """The networks that metrics name, each once: `classifier` is Inception itself unless `--weights classifier=FILE`.

    Files that the user named are checked strictly (`InputError`); absent ones that nobody named are listed.
    """
    result = Networks({}, {}, {})
    for name in dict.fromkeys(names):
        own = CLASSIFIER if name == CLASSIFIER and CLASSIFIER in given else "inception" if name == CLASSIFIER else name
        if own not in result.loaded and own not in result.missing:
            _load_into(result, own, given)
        if own in result.missing:
            result.missing[name] = result.missing[own]
        else:
            result.loaded[name] = result.loaded[own]
            result.labels[name] = result.labels[own] if own == name else f"Inception, {result.labels[own]}"
    return result


def _load_into(result: Networks, name: str, given: Mapping[str, str]) -> None:
    try:
        result.loaded[name], result.labels[name] = load_network(name, given)
    except EnvironmentFault as fault:
        result.missing[name] = fault


def load_helper(name: str, given: str | None) -> tuple[nn.Module, str]:
    """`load_network` for a network of one file."""
    return load_network(name, {} if given is None else {name: given})


def load_network(name: str, given: Mapping[str, str]) -> tuple[nn.Module, str]:
    """The frozen network and how it is to be named in results: a digest, or `random …, not comparable`.

    given: what the user said of its files, by their names. `EnvironmentFault` says which file is missing, where to get
    it and where to put it.
    """
    if name == CLASSIFIER:
        from inpaint_cli.networks.classifier import load_classifier

        path = existing(Path(given[CLASSIFIER]))
        classifier = load_classifier(path)
        return classifier, f"{classifier.description.name}, sha256 {_digest(path)[:16]}"
    network = NETWORKS[name]
    if "random" in (given.get(file) for file in network.files):
        return network.build(*(None for _ in network.files)), network.random
    paths = [_located(file, given.get(file)) for file in network.files]
    states = [_state(path, SOURCES[file]) for file, path in zip(network.files, paths, strict=True)]
    built = _built(network, states, paths)
    return built, "sha256 " + " + ".join(_digest(path)[:16] for path in paths)


def _located(name: str, given: str | None) -> Path:
    """The file, checked as far as its digest is known."""
    source = SOURCES[name]
    if given == "download":
        _download(name, source)
    refuse_absent(name, given)
    if given not in (None, "download"):
        return Path(given)
    digest = _digest(source.cached)
    if not digest.startswith(source.digest_start):
        raise InputError(
            f"{source.cached}: damaged: its SHA-256 begins {digest[:8]}, not {source.digest_start}; delete it and "
            "fetch it again"
        )
    return source.cached


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(name: str, source: Source) -> None:
    if source.download is None:
        raise UsageError(
            f"--weights {name}=download: {source.file} is in {source.page}; install that, or name the file"
        )
    try:
        source.download()
    except (OSError, RuntimeError) as error:
        raise EnvironmentFault(f"the download of {source.file} failed ({error})\n{missing(name)}") from None


def _state(path: Path, source: Source) -> State:
    """The tensors of a file by name; no pickle is trusted."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # readers of foreign files raise nearly every kind
        raise InputError(_refusal(path, source.file, error)) from None


def _built(network: Network, states: list[State], paths: list[Path]) -> nn.Module:
    try:
        return network.build(*states)
    except Exception as error:  # a state of other names, shapes or kinds
        files = " and ".join(SOURCES[file].file for file in network.files)
        raise InputError(_refusal(" and ".join(map(str, paths)), files, error)) from None


def _refusal(path: object, files: str, error: Exception) -> str:
    return f"{path}: not the weights that {files} holds ({(str(error) or type(error).__name__).splitlines()[0]})"
