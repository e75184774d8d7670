"""The files of weights that losses and metrics ask for, and where the libraries that made them keep each."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch


def _hub_cache(file: str) -> Path:
    """Where torch.hub, and with it torchvision and pytorch-fid, keeps a file."""
    return Path(torch.hub.get_dir()) / "checkpoints" / file


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
