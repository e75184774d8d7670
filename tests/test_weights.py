"""Frozen networks: their weights are found, named, or refused with what to do; never random silently."""

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import get_model, vgg16

from inpaint_cli.errors import EnvironmentFault, InputError, UsageError
from inpaint_cli.metrics.frechet import load_statistics
from inpaint_cli.networks.classifier import Description, save_classifier
from inpaint_cli.networks.lpips import CHANNELS
from inpaint_cli.networks.vgg import VGG16Blocks
from inpaint_cli.weight_files import SOURCES, parse_weights
from inpaint_cli.weights import load_helper, load_network, load_networks


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return {name: tensor for name, tensor in vgg16().state_dict().items() if name.startswith("features.")}


def test_absent_weights_say_how_to_get_them():
    with pytest.raises(EnvironmentFault) as error:
        load_helper("vgg16", None)
    for expected in ("vgg16-397923af.pth", "--weights vgg16=FILE", "perceptual=0", "397923af"):
        assert expected in str(error.value)


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_a_named_file_is_used(kind, state, tmp_path):
    path = tmp_path / f"weights.{kind}"
    save_file(state, path) if kind == "safetensors" else torch.save(state, path)
    network, label = load_helper("vgg16", str(path))
    assert label.startswith("sha256 ") and "random" not in label
    image = torch.rand(1, 3, 32, 32)
    expected = VGG16Blocks(state)(image)
    assert all(torch.equal(a, b) for a, b in zip(network(image), expected, strict=True))


def test_random_weights_are_chosen_by_name_and_labelled():
    network, label = load_helper("vgg16", "random")
    assert label == "random weights, not comparable"
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_files_that_are_not_these_weights_are_refused(tmp_path):
    (tmp_path / "text.pth").write_text("no weights")
    torch.save({"features.0.weight": torch.zeros(2)}, tmp_path / "other.pth")
    for name in ("text.pth", "other.pth"):
        with pytest.raises(InputError, match=name):
            load_helper("vgg16", str(tmp_path / name))
    with pytest.raises(InputError, match="no such"):
        load_helper("vgg16", str(tmp_path / "absent.pth"))


@pytest.mark.parametrize("variable", [None, "TORCH_HOME", "XDG_CACHE_HOME"])
def test_the_cache_is_where_torch_has_it(variable, tmp_path, monkeypatch):
    monkeypatch.delenv("TORCH_HOME")
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "own"))
    assert SOURCES["vgg16"].cached.parent == Path(torch.hub.get_dir()) / "checkpoints"


def test_a_damaged_cache_is_noticed():
    cached = SOURCES["vgg16"].cached
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"damaged")
    with pytest.raises(InputError, match="its SHA-256 begins"):
        load_helper("vgg16", None)


def test_a_download_without_network_says_so(monkeypatch):
    def refused(*args, **options):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refused)
    with pytest.raises(EnvironmentFault, match="no route to host") as error:
        load_helper("vgg16", "download")
    assert "--weights vgg16=FILE" in str(error.value)


def test_each_absent_file_is_named_and_the_other_networks_are_there():
    found = load_networks(["inception", "classifier", "lpips"], {"inception": "random"})
    assert found.loaded["classifier"] is found.loaded["inception"]  # its features are computed once for both
    assert found.labels["inception"] == "random features, not comparable"
    assert found.labels["classifier"] == "Inception, random features, not comparable"
    message = str(found.missing["lpips"])
    for expected in ("alexnet-owt-7be5be79.pth", "--weights alexnet=FILE", "every metric but LPIPS"):
        assert expected in message
    message = str(load_networks(["classifier"], {}).missing["classifier"])
    for expected in ("pt_inception-2015-12-05-6726825d.pth", "6726825d", "pytorch-fid", "--weights inception=FILE"):
        assert expected in message


def test_a_classifier_of_the_users_takes_inceptions_place(tmp_path):
    path = tmp_path / "classifier.safetensors"
    description = Description(architecture="squeezenet1_1", classes=4, name="four faces", size=48)
    save_classifier(path, get_model("squeezenet1_1", num_classes=4).state_dict(), description)
    found = load_networks(["classifier"], {"classifier": str(path)})
    assert found.labels["classifier"].startswith("four faces, sha256 ") and not found.missing
    with pytest.raises(InputError, match="no such weights file"):
        load_networks(["classifier"], {"classifier": str(tmp_path / "absent.safetensors")})


def test_a_network_of_two_files_names_both(tmp_path):
    from torchvision.models import alexnet

    linear = {f"lin{i}.model.1.weight": torch.rand(1, c, 1, 1) for i, c in enumerate(CHANNELS)}
    torch.save(alexnet().state_dict(), tmp_path / "trunk.pth")
    torch.save(linear, tmp_path / "linear.pth")
    given = {"alexnet": str(tmp_path / "trunk.pth"), "lpips": str(tmp_path / "linear.pth")}
    network, label = load_network("lpips", given)
    assert torch.equal(network.linear4.flatten(), linear["lin4.model.1.weight"].flatten())
    assert label.count("sha256") == 1 and label.count("+") == 1
    with pytest.raises(InputError, match=r"trunk\.pth and .*trunk\.pth: not the weights"):
        load_network("lpips", {**given, "lpips": given["alexnet"]})
    with pytest.raises(UsageError, match="authors' package"):
        load_network("lpips", {**given, "lpips": "download"})


def test_no_pickle_is_trusted(tmp_path):
    path = tmp_path / "inception.pth"
    path.write_bytes(pickle.dumps({"fc.weight": Untrusted()}))
    with pytest.raises(InputError, match=r"inception\.pth"):
        load_helper("inception", str(path))
    assert not Untrusted.opened


@pytest.mark.parametrize(
    "content",
    [
        b"", b"root:x:0:0:root:/root:/bin/bash\n", b"\x80\x02.", b"PK\x03\x04", b"\x00" * 300, bytes(range(256)),
        pickle.dumps({1: 2}), pickle.dumps([[[]]] * 9), pickle.dumps({"fc.weight": 3}),
    ],
    ids=range(9),
)  # fmt: skip
@pytest.mark.parametrize("ending", [".pth", ".safetensors", ""])
def test_other_files_are_one_message(tmp_path, content, ending):
    path = tmp_path / f"other{ending}"
    path.write_bytes(content)
    for name in ("inception", "vgg16"):
        with pytest.raises(InputError, match="other"):
            load_helper(name, str(path))
    with pytest.raises(InputError, match="other"):
        load_network("classifier", {"classifier": str(path)})
    with pytest.raises(InputError, match="other"):
        load_statistics(path)


class Untrusted:
    opened = False

    def __reduce__(self):
        return setattr, (Untrusted, "opened", True)


def test_the_names_are_checked():
    assert parse_weights(["vgg16=a=b"]) == {"vgg16": "a=b"}
    with pytest.raises(UsageError, match="did you mean 'vgg16'"):
        parse_weights(["vgg=file"])
    with pytest.raises(UsageError, match="NAME=FILE"):
        parse_weights(["vgg16"])


def test_blocks_are_those_of_vgg16_before_each_pooling(state):
    network, image = VGG16Blocks(state), torch.rand(2, 3, 64, 64)
    outputs = network(image)
    assert [tuple(output.shape[1:]) for output in outputs] == [
        (64, 64, 64),
        (128, 32, 32),
        (256, 16, 16),
        (512, 8, 8),
        (512, 4, 4),
    ]
    whole = vgg16().features
    whole.load_state_dict({name.removeprefix("features."): tensor for name, tensor in state.items()})
    normalised = (image - network.mean) / network.std
    torch.testing.assert_close(nn_pool(outputs[-1]), whole(normalised), rtol=1e-4, atol=1e-5)
    assert [len(o) for o in network(torch.rand(1, 1, 32, 32))] == [1] * 5  # grey is seen as colour


def nn_pool(tensor):
    return torch.nn.functional.max_pool2d(tensor, 2)
