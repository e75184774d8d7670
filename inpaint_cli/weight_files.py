"""The files of weights that losses and metrics ask for, and where the libraries that made them keep each.

Nothing that computes is imported, so that a file that is not there is said at once.
"""

import importlib.util
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from inpaint_cli.errors import EnvironmentFault, InputError, UsageError, unknown


def _hub_cache(file: str) -> Path:
    """Where torch.hub, and with it torchvision and pytorch-fid, keeps a file."""
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("TORCH_HOME") or f"{caches}/torch").expanduser() / "hub" / "checkpoints" / file


def _lpips_package(file: str) -> Path:
    """Where the authors' package carries its small files, if it is installed."""
    found = importlib.util.find_spec("lpips")
    folders = found.submodule_search_locations if found else None
    return Path(folders[0] if folders else "lpips") / "weights" / "v0.1" / file


def _from_torchvision(kind: str) -> None:
    """Into its cache. The library is imported here, where it is wanted: it takes as long as all of torch."""
    from torchvision import models

    getattr(models, kind).IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)


def _from_pytorch_fid() -> None:
    import torch
    from pytorch_fid.inception import FID_WEIGHTS_URL

    torch.hub.load_state_dict_from_url(FID_WEIGHTS_URL, map_location="cpu", check_hash=True)


@dataclass(frozen=True)
class Source:
    """Where one file of weights comes from."""

    file: str
    digest_start: str  # of its SHA-256
    size: str
    page: str
    without: str  # how to do without it
    download: Callable[[], object] | None = None
    place: Callable[[str], Path] = _hub_cache

    @property
    def cached(self) -> Path:
        return self.place(self.file)


SOURCES = {
    "vgg16": Source(
        file="vgg16-397923af.pth",
        digest_start="397923af",
        size="528 MB",
        page="torchvision's page of VGG16_Weights.IMAGENET1K_V1",
        download=lambda: _from_torchvision("VGG16_Weights"),
        without="--set perceptual=0 trains without the perceptual loss",
    ),
    "inception": Source(
        file="pt_inception-2015-12-05-6726825d.pth",
        digest_start="6726825d",
        size="91 MB",
        page="pytorch-fid's release fid_weights",
        download=_from_pytorch_fid,
        without="every metric but the FID and the inception score is computed all the same",
    ),
    "alexnet": Source(
        file="alexnet-owt-7be5be79.pth",
        digest_start="7be5be79",
        size="233 MB",
        page="torchvision's page of AlexNet_Weights.IMAGENET1K_V1",
        download=lambda: _from_torchvision("AlexNet_Weights"),
        without="every metric but LPIPS is computed all the same",
    ),
    "lpips": Source(
        file="alex.pth",
        digest_start="df73285e",
        size="6 kB",
        page="weights/v0.1 of the authors' package lpips, which carries it",
        place=_lpips_package,
        without="every metric but LPIPS is computed all the same",
    ),
}
TRAINED_HELPERS = ("face-parser",)  # methods that others' losses look through, once they are trained
CLASSIFIER = "classifier"  # the user's, or Inception where none is given


def parse_weights(assignments: Iterable[str] | Mapping[str, object], also: Iterable[str] = ()) -> dict[str, str]:
    """`["vgg16=FILE"]`, or the files by name -> {"vgg16": "FILE"}. also: names beside those of `SOURCES`."""
    if isinstance(assignments, Mapping):
        assignments = [f"{name}={file}" for name, file in assignments.items()]
    given, names = {}, (*SOURCES, CLASSIFIER, *also)
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not value:
            raise UsageError(f"--weights takes NAME=FILE, not '{assignment}'")
        if name not in names:
            raise UsageError(unknown("weights", name, names))
        given[name] = value
    return given


def refuse_absent(name: str, given: str | None) -> None:
    """`EnvironmentFault` where a file lies nowhere; `InputError` where the one that was named is not there."""
    if given is None and not SOURCES[name].cached.is_file():
        raise EnvironmentFault(missing(name))
    if given not in (None, "download", "random"):
        existing(Path(given))


def existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path}: no such weights file")
    return path


def missing(name: str) -> str:
    """That a file is where its library keeps it not, and what can be done."""
    source = SOURCES[name]
    fetching = f", or --weights {name}=download where there is a network" if source.download else ""
    return (
        f"no {name} weights here: {source.cached} does not exist. Get {source.file} ({source.size}; SHA-256 begins "
        f"{source.digest_start}; see {source.page}) and put it there, or give --weights {name}=FILE{fetching}; or do "
        f"without: {source.without}"
    )
