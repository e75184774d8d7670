"""An exported graph completes like the method, for any number of images, and says what goes into it."""

import io
import json
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from conftest import inpaint
from harness import HEADER

import inpaint_cli
from inpaint_cli.engine.checkpoints import write_checkpoint
from inpaint_cli.errors import EnvironmentFault, UsageError
from inpaint_cli.jobs import graphs
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape
from inpaint_cli.methods import method_class, method_names
from inpaint_cli.settings import settings_values

needs_onnx = pytest.mark.skipif(
    not all(map(find_spec, graphs.NEEDED["onnx"])), reason="onnx is not installed whole: inpaint-cli[onnx]"
)
SHAPE = ImageShape(3, 32, 32)
DEEP = {"width": 8, "bottleneck": 32}
AS_GRAPHS = {  # settings that make networks small
    "collagan": {"width": 4},
    "context-encoder": {"width": 4},
    "deep-gan": {**DEEP, "discriminator_width": 8},
    "deep-l2": DEEP,
    "deep-wgan": {**DEEP, "discriminator_width": 8},
    "gfc": {"width": 4},
    "mde": {"width": 4, "perceptual": 0},
    "misgan": {"width": 4, "discriminator_width": 4, "z_size": 8},
    "unsupervised": {"width": 4, "discriminator_width": 4, "encoder_width": 4},
}
STEPWISE = {"semantic": {"width": 4}, "sii": {"width": 4}, "pixelcnn": {"width": 8, "layers": 2}}
OTHERS = {"face-parser": {"width": 4}}
MASKS = {"context-encoder": "center:16", "deep-l2": "center:16", "mde": "rec:0.1"}  # the first two paint the middle


def checkpoint_of(name, folder):
    """A method with random weights, and its file."""
    torch.manual_seed(0)
    chosen, masks = method_class(name), parse_masks(MASKS.get(name, "block:8"))
    method = chosen(chosen.Settings(**{**AS_GRAPHS, **STEPWISE, **OTHERS}[name]), SHAPE, masks).eval()
    path = folder / f"{name}.safetensors"
    said = {"method": name, "settings": settings_values(method.settings), "masks": masks.spec, "shape": list(SHAPE)}
    write_checkpoint(path, {f"model/{key}": value for key, value in method.state_dict().items()}, HEADER | said)
    return method, path


def question(method, count):
    """Images and masks as float32, what is missing not a number."""
    generator = torch.Generator().manual_seed(count)
    image = torch.rand(count, *method.shape, generator=generator) * 2 - 1
    mask = method.masks.draw(count, method.shape, generator=generator).float()
    return torch.where(mask > 0, image, torch.nan), mask


def noise_for(card, method, count):
    """What `complete` draws by itself, without a generator."""
    if "noise" not in card["inputs"]:
        return []
    words = card["inputs"]["noise"]
    shape = [count if n == "N" else int(n) for n in words[words.index("[") + 1 : words.index("]")].split(", ")]
    draw = torch.rand if "uniform" in words else torch.randn
    return [draw(shape, generator=torch.Generator().manual_seed(0))]


def assert_completes_alike(run, method, card):
    for count in (1, 4):
        image, mask = question(method, count)
        observed = torch.where(mask > 0, image, 0.0)
        with torch.no_grad():
            expected = method.complete(observed, mask)[:, 0].numpy()
        found = run(image, mask, *noise_for(card, method, count))
        assert np.abs(found - expected).max() < 1e-5, count
        known = np.broadcast_to(mask.numpy() > 0, found.shape)
        assert np.array_equal(found[known], observed.numpy()[known])


def assert_torchscript(name, folder):
    method, path = checkpoint_of(name, folder)
    graph = inpaint_cli.export_graph(path, folder / f"{name}.pt", "torchscript")
    said = {"inpaint": ""}
    loaded = torch.jit.load(io.BytesIO(graph.path.read_bytes()), _extra_files=said)
    assert json.loads(said["inpaint"]) == graph.card and graph.difference < 1e-6
    assert_completes_alike(lambda *inputs: loaded(*inputs).detach().numpy(), method, graph.card)
    return graph


def assert_onnx(name, folder):
    import onnxruntime

    method, path = checkpoint_of(name, folder)
    graph = inpaint_cli.export_graph(path, folder / f"{name}.onnx", "onnx")
    session = onnxruntime.InferenceSession(graph.path, providers=["CPUExecutionProvider"])
    assert json.loads(session.get_modelmeta().custom_metadata_map["inpaint"]) == graph.card
    assert [entry.name for entry in session.get_inputs()] == [*graph.card["inputs"]]

    def run(*inputs):
        return session.run(None, {name: value.numpy() for name, value in zip(graph.card["inputs"], inputs)})[0]  # noqa: B905

    assert_completes_alike(run, method, graph.card)
    return graph


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", AS_GRAPHS)
def test_torchscript_completes_like_the_method(name, tmp_path):
    if name == "gfc":
        with pytest.raises(EnvironmentFault, match=r"does not export gfc as torchscript .*--format onnx may"):
            assert_torchscript(name, tmp_path)
    else:
        assert assert_torchscript(name, tmp_path).card["method"] == name


@needs_onnx
@pytest.mark.parametrize("name", ["deep-l2", *(pytest.param(n, marks=pytest.mark.long) for n in AS_GRAPHS)])
def test_onnx_completes_like_the_method(name, tmp_path):
    graph = assert_onnx(name, tmp_path)
    if name == "deep-l2":
        assert graph.card["holes"] == "rows 4 to 27, columns 4 to 27; others are painted by nobody"


@pytest.mark.parametrize("name", STEPWISE)
def test_what_takes_more_than_one_pass_is_refused_with_its_reason(name, tmp_path):
    _, path = checkpoint_of(name, tmp_path)
    with pytest.raises(UsageError, match=f"{name} completes by (a search|choosing value after value)"):
        inpaint_cli.export_graph(path, tmp_path / "graph", "torchscript")
    assert not (tmp_path / "graph").exists()


def test_every_learned_method_is_a_graph_or_says_why_not():
    for chosen in map(method_class, method_names()):
        if chosen.defaults and chosen.completes and not chosen.works_by:
            assert chosen.__module__.rpartition(".")[2].replace("_", "-") in AS_GRAPHS


def test_what_cannot_be_exported(tmp_path, monkeypatch, trained):
    _, parser = checkpoint_of("face-parser", tmp_path)
    with pytest.raises(UsageError, match="face-parser annotates"):
        inpaint_cli.export_graph(parser, tmp_path / "graph", "torchscript")
    with pytest.raises(UsageError, match="tv needs no training: there is no network to export"):
        inpaint_cli.export_graph("tv", tmp_path / "graph", "torchscript")
    with pytest.raises(UsageError, match="no format 'onx'; did you mean 'onnx'"):
        inpaint_cli.export_graph(trained, tmp_path / "graph", "onx")
    monkeypatch.setattr(graphs, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentFault, match=r"onnx, onnxscript, onnxruntime; pip install 'inpaint-cli\[onnx\]'"):
        inpaint_cli.export_graph(trained, tmp_path / "graph", "onnx")


def test_a_graph_that_answers_otherwise_is_not_written(trained, tmp_path, monkeypatch):
    wrong = graphs.KINDS["torchscript"]._replace(answer=lambda content, inputs: inputs["image"])
    monkeypatch.setitem(graphs.KINDS, "torchscript", wrong)
    with pytest.raises(EnvironmentFault, match="not written, since its completions are up to"):
        inpaint_cli.export_graph(trained, tmp_path / "graph.pt", "torchscript")
    assert not (tmp_path / "graph.pt").exists()


def test_the_command_says_what_goes_in(trained, tmp_path):
    done = inpaint("export", trained, "-o", tmp_path / "mde.pt", "--format", "torchscript", "--about", "So and so.")
    assert done.exit_code == 0, done.stderr
    assert "image: float32 [N, 3, 32, 32]" in done.stdout and "grey levels from mde's" in done.stdout
    assert "completed: float32 [N, 3, 32, 32]" in done.stdout
    refused = inpaint("export", trained, "-o", tmp_path / "m.pt", "--format", "torchscript", "--images", 3)
    assert refused.exit_code == 2 and "--images" in refused.stderr
