"""LPIPS: zero for identical images, and the authors' own package's numbers with the same weights."""

import numpy as np
import pytest
import torch
from torchvision.models import alexnet

from inpaint_cli.metrics import Completions, choose, measure
from inpaint_cli.networks.lpips import BLOCK, CHANNELS, LPIPS

RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def states():
    torch.manual_seed(0)
    linear = {f"lin{index}.model.1.weight": torch.rand(1, channels, 1, 1) for index, channels in enumerate(CHANNELS)}
    return alexnet().state_dict(), linear


@pytest.fixture(scope="module")
def network(states):
    return LPIPS(*states)


def lpips(original, completed, network):
    completions = Completions(original, completed, np.ones(original.shape[:3], bool), networks={"lpips": network})
    return measure(completions, choose(["lpips"]))["lpips"]


def images(count=3, size=64, channels=3):
    return RANDOM.integers(0, 256, (count, size, size, channels), dtype=np.uint8)


def test_identical_images_are_at_no_distance_and_others_are(network):
    original = images()
    assert (lpips(original, original, network) == 0).all()
    assert (lpips(original, 255 - original, network) > 1e-4).all()


def test_the_authors_package_agrees(states, network):
    package = pytest.importorskip("lpips")
    trunk, linear = states
    theirs = package.LPIPS(net="alex", pretrained=False, pnet_rand=True, verbose=False)
    theirs.load_state_dict({**theirs.state_dict(), **linear})
    stages = {f"net.{name}": tensor for name, tensor in theirs.net.state_dict().items()}
    features = {name.removeprefix("features."): tensor for name, tensor in trunk.items()}
    theirs.load_state_dict({name: features[name.split(".", 2)[2]] for name in stages}, strict=False)
    first, second = images(), images()
    signed = [torch.from_numpy(stack).permute(0, 3, 1, 2) / 127.5 - 1 for stack in (first, second)]
    with torch.no_grad():
        expected = theirs.eval()(*signed).flatten().numpy()
    np.testing.assert_allclose(lpips(first, second, network), expected, rtol=1e-4)


def test_an_image_does_not_depend_on_its_batch(network):
    first, second = images(BLOCK + 2), images(BLOCK + 2)
    whole = lpips(first, second, network)
    np.testing.assert_array_equal(whole[-1:], lpips(first[-1:], second[-1:], network))


def test_grey_images_are_seen_as_colour(network):
    first, second = images(channels=1), images(channels=1)
    colour = [np.repeat(stack, 3, axis=-1) for stack in (first, second)]
    np.testing.assert_array_equal(lpips(first, second, network), lpips(*colour, network))
