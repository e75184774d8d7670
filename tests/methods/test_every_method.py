"""What every method in the folder promises."""

import re

import pytest
import torch

from inpaint_cli.engine.checkpoints import read_checkpoint, write_checkpoint
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods import method_class, method_names

SMALL = {"mde": {"width": 4, "perceptual": 0}}  # settings that make a method quick to try
SHAPE = ImageShape(3, 32, 32)
MASKS = ["center:8", "block:8", "noise:0.8", "rec:0.1", "extrapolate:0.25", "colorize:2", "reverse:0.1", "patches:3,6"]
LEARNED = [name for name in method_names() if method_class(name).defaults]


def build(name, shape=SHAPE):
    torch.manual_seed(0)
    chosen = method_class(name)
    masks = parse_masks(chosen.defaults.masks) if chosen.defaults else None
    return chosen(chosen.Settings(**SMALL.get(name, {})), shape, masks)


def draw(spec, count, shape=SHAPE, seed=0):
    return parse_masks(spec).draw(count, shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", LEARNED)
def test_each_turn_reaches_every_parameter_of_its_player(name):
    method = build(name)
    image = torch.rand(4, *SHAPE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    batch = Batch(image, draw(method.masks.spec, 4), {}, lambda: draw(method.masks.spec, 4, seed=1))
    learners = set()
    for turn in method.turns():
        parameters = method.players[turn.player].parameters()
        loss = sum(turn.loss(batch).values())
        assert torch.isfinite(loss)
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
        assert all(torch.isfinite(gradient).all() and gradient.any() for gradient in gradients)
        learners |= set(parameters)
    assert learners == set(method.parameters())


@pytest.mark.parametrize("spec", MASKS)
@pytest.mark.parametrize("name", method_names())
def test_complete_keeps_known_pixels_and_answers_any_mask(name, spec):
    method = build(name).eval()
    image, mask = torch.rand(2, *SHAPE) * 2 - 1, draw(spec, 2)
    observed = torch.where(mask > 0, image, 0.0)
    with torch.no_grad():
        completed = method.complete(observed, mask, samples=2, generator=torch.Generator().manual_seed(0))
    assert completed.shape == (2, 2, *SHAPE)
    assert torch.isfinite(completed).all() and completed.abs().max() <= 1 + 1e-4
    known = mask.expand_as(image) > 0
    assert all(torch.equal(sample[known], observed[known]) for sample in completed.unbind(1))


@pytest.mark.parametrize("name", method_names())
def test_grey_images_stay_grey(name):
    shape = ImageShape(1, 32, 32)
    method, mask = build(name, shape).eval(), draw("block:8", 2, shape)
    with torch.no_grad():
        assert method.complete(torch.zeros(2, *shape), mask).shape == (2, 1, *shape)


@pytest.mark.parametrize("name", LEARNED)
def test_saved_and_loaded_completes_alike(name, tmp_path):
    method, other = build(name).eval(), build(name).eval()
    for parameter in method.parameters():
        parameter.data.add_(0.01)
    tensors = {f"model/{key}": tensor for key, tensor in method.state_dict().items()}
    write_checkpoint(tmp_path / "step-00000001.safetensors", tensors, {})
    other.load_state_dict(read_checkpoint(tmp_path / "step-00000001.safetensors").part("model"))
    mask = draw("block:8", 2)
    observed = torch.rand(2, *SHAPE) * mask
    with torch.no_grad():
        assert torch.equal(method.complete(observed, mask), other.complete(observed, mask))


@pytest.mark.parametrize("name", method_names())
def test_its_file_names_paper_and_equations(name):
    module = __import__(method_class(name).__module__, fromlist=["__doc__"])
    assert re.search(r"\b(19|20)\d\d\b", module.__doc__), "the header names the paper with its year"
    assert re.search(r"Eq\.|equation|min_u|∇", module.__doc__), "the header maps equations to functions"


@pytest.mark.parametrize("name", method_names())
def test_every_default_names_its_source(name):
    from inpaint_cli.settings import describe

    rows = describe(method_class(name).Settings)
    assert rows and all(source for _, _, _, source in rows)
