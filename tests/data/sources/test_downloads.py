"""Fetching by torchvision, up to the network's edge: no request leaves this machine."""

import urllib.error
import urllib.request

import pytest

from inpaint_cli.data.preparing import download
from inpaint_cli.data.recipes import load_recipe
from inpaint_cli.errors import EnvironmentFault, UsageError

FETCHED = {
    "celeba-96": ("drive.google",),
    "cifar10-32": ("cifar-10-python.tar.gz",),
    "mnist-96": ("train-images-idx3-ubyte.gz",),
    "oxford102-96": ("102flowers.tgz",),
    "svhn-64": ("train_32x32.mat",),
}


@pytest.fixture
def asked(monkeypatch):
    """The addresses that were asked for; none answers."""
    addresses = []

    def refuse(request, *_, **__):
        addresses.append(getattr(request, "full_url", request))
        raise urllib.error.URLError("no network")

    def refuse_drive(number, *_, **__):
        addresses.append(f"drive.google {number}")
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr("torchvision.datasets.celeba.download_file_from_google_drive", refuse_drive)
    return addresses


@pytest.mark.parametrize("name", FETCHED)
def test_without_a_network_one_message_says_what_to_do(name, asked, tmp_path):
    with pytest.raises(EnvironmentFault, match=rf"recipe {name}: .*could not be fetched.*--source"):
        download(load_recipe(name)[0], tmp_path)
    assert any(part in address for address in asked for part in FETCHED[name])


@pytest.mark.parametrize("name", ["celebamask-hq-128", "helen-128", "lsun-bedroom-64", "recipe1m-64"])
def test_sets_that_cannot_be_fetched_say_where_they_are_to_be_had(name, asked, tmp_path):
    with pytest.raises(UsageError, match=r"--download: .* get .*--source"):
        download(load_recipe(name)[0], tmp_path)
    assert not asked
