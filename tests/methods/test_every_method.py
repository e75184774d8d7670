"""What every method in the folder promises."""

import re

import pytest
import torch
from harness import HEADER

from inpaint_cli.engine.checkpoints import read_checkpoint, write_checkpoint
from inpaint_cli.engine.slimming import CHANGES, keep_what_completes
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape, Method
from inpaint_cli.methods import method_class, method_names

SMALL = {  # settings that make a method quick to try
    "collagan": {"width": 4},
    "context-encoder": {"width": 4},
    "deep-gan": {"width": 8, "bottleneck": 32, "discriminator_width": 8},
    "deep-l2": {"width": 8, "bottleneck": 32},
    "deep-wgan": {"width": 8, "bottleneck": 32, "discriminator_width": 8},
    "diagonal-bilstm": {"layers": 2, "hidden": 4, "head": 12},
    "face-parser": {"width": 4},
    "flattened-row-lstm": {"hidden": 8},
    "gfc": {"width": 4},
    "mde": {"width": 4, "perceptual": 0},
    "misgan": {"width": 4, "discriminator_width": 4, "z_size": 8, "critic_steps": 2},
    "pixelcnn": {"width": 8, "layers": 2},
    "row-lstm": {"layers": 2, "hidden": 4, "head": 12},
    "semantic": {"width": 4, "search_steps": 6, "restarts": 2, "candidates": 16, "critic_steps": 2},
    "unsupervised": {"width": 4, "discriminator_width": 4, "encoder_width": 4},
    "sii": {"width": 4, "search_steps": 6, "restarts": 2, "candidates": 16},
}
TRAINED_ON = {"mde": "rec:0.1"}  # masks that fit small images
SHAPE = ImageShape(3, 32, 32)
FEWER = ImageShape(3, 16, 16)  # for those that complete value by value
BY_VALUE = ("diagonal-bilstm", "flattened-row-lstm", "row-lstm")
MIXTURE = "2*block:4-12|strokes:0.1-0.4|face:any"
MASKS = ["center:8", "block:8", "noise:0.8", "rec:0.1", "extrapolate:0.25", "colorize:2", "reverse:0.1", "patches:3,6"]
MASKS += [MIXTURE, "rec:0.1-0.9|block:8"]
LEARNED = [name for name in method_names() if method_class(name).defaults]
LABELS = {  # as prepared files hold them
    "landmarks": torch.tensor([[10.0, 12.0], [21.0, 12.5], [16.0, 18.0], [12.0, 23.0], [20.0, 23.0]]).expand(4, 5, 2),
    "parsing": torch.randint(0, 11, (4, 32, 32), generator=torch.Generator().manual_seed(1)).to(torch.uint8),
}


def build(name, shape=SHAPE, spec=None):
    torch.manual_seed(0)
    chosen = method_class(name)
    masks = parse_masks(spec or TRAINED_ON.get(name, "block:8")) if chosen.defaults else None
    method = chosen(chosen.Settings(**SMALL.get(name, {})), shape, masks)
    method.helpers |= {helper: build(helper, shape).eval() for helper in method.needed_helpers()}
    return method


BUILT = {name: build(name) for name in method_names()}
COMPLETING = [name for name, method in BUILT.items() if method.completes]
ANNOTATING = [name for name, method in BUILT.items() if method.annotates]


def draw(spec, count, shape=SHAPE, seed=0):
    return parse_masks(spec).draw(count, shape, generator=torch.Generator().manual_seed(seed))


def suits(name, spec):
    """Whether a method takes masks of this kind."""
    return BUILT[name].per_channel or not parse_masks(spec).per_channel


def answer(method, observed, mask):
    """What a method makes of images, as tensors by name."""
    with torch.no_grad():
        completed = {"image": method.complete(observed, mask)} if method.completes else {}
        return completed | (method.annotate(observed, mask) if method.annotates else {})


@pytest.mark.parametrize("spec", [None, MIXTURE])
@pytest.mark.parametrize("name", LEARNED)
def test_each_turn_reaches_every_parameter_of_its_player(name, spec):
    """At the end of the training, when all stages have begun."""
    method = build(name, spec=spec)
    image = torch.rand(4, *SHAPE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    spec = method.masks.spec
    batch = Batch(image, draw(spec, 4), LABELS, lambda: draw(spec, 4, seed=1), progress=0.99)
    learners = set()
    for turn in method.turns():
        parameters = method.players[turn.player].parameters()
        loss = sum(turn.loss(batch).values())
        assert torch.isfinite(loss)
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
        assert all(torch.isfinite(gradient).all() and gradient.any() for gradient in gradients)
        learners |= set(parameters)
    assert learners == set(method.parameters())


@pytest.mark.parametrize(("name", "spec"), [(n, spec) for n in COMPLETING for spec in MASKS if suits(n, spec)])
def test_complete_keeps_known_pixels_and_answers_any_mask(name, spec):
    shape = FEWER if name in BY_VALUE else SHAPE
    method = build(name, shape).eval()
    image, mask = torch.rand(2, *shape) * 2 - 1, draw(spec, 2, shape)
    observed = torch.where(mask > 0, image, 0.0)
    with torch.no_grad():
        completed = method.complete(observed, mask, samples=2, generator=torch.Generator().manual_seed(0))
    assert completed.shape == (2, 2, *shape)
    assert torch.isfinite(completed).all() and completed.abs().max() <= 1 + 1e-4
    known = mask.expand_as(image) > 0
    assert all(torch.equal(sample[known], observed[known]) for sample in completed.unbind(1))
    assert torch.equal(*completed.unbind(1)) or not method.one_completion


@pytest.mark.parametrize("name", [name for name in LEARNED if name in COMPLETING])
def test_previews_are_rows_of_images(name):
    method, mask = build(name).eval(), draw("block:8", 2)
    with torch.no_grad():
        rows = method.preview(torch.zeros(2, *SHAPE), mask)
    assert rows and all(images.shape == (2, *SHAPE) and torch.isfinite(images).all() for images in rows.values())


@pytest.mark.parametrize("name", ANNOTATING)
def test_annotates_in_the_form_of_the_labels(name):
    method, mask = build(name).eval(), draw("block:8", 2)
    with torch.no_grad():
        predicted = method.annotate(torch.zeros(2, *SHAPE), mask)
    assert set(predicted) == set(method.annotates)
    for label, values in predicted.items():
        assert values.shape == (2, *LABELS[label].shape[1:]) and torch.isfinite(values.float()).all()
    if "parsing" in predicted:
        assert predicted["parsing"].min() >= 0 and predicted["parsing"].max() <= 10


@pytest.mark.parametrize("name", method_names())
def test_grey_images_stay_grey(name):
    shape = ImageShape(1, 32, 32)
    method, mask = build(name, shape).eval(), draw("block:8", 2, shape)
    found = answer(method, torch.zeros(2, *shape), mask)
    assert found and found.get("image", torch.zeros(2, 1, *shape)).shape == (2, 1, *shape)


@pytest.mark.parametrize("name", LEARNED)
def test_saved_and_loaded_answers_alike(name, tmp_path):
    method, other = build(name).eval(), build(name).eval()
    for parameter in method.parameters():
        parameter.data.add_(0.01)
    tensors = {f"model/{key}": tensor for key, tensor in method.state_dict().items()}
    write_checkpoint(tmp_path / "step-00000001.safetensors", tensors, HEADER)
    other.load_state_dict(read_checkpoint(tmp_path / "step-00000001.safetensors").part("model"))
    mask = draw("block:8", 2)
    observed = torch.rand(2, *SHAPE) * mask
    one, two = answer(method, observed, mask), answer(other, observed, mask)
    assert one and all(torch.equal(one[kind], two[kind]) for kind in one)


@pytest.mark.parametrize("name", LEARNED)
def test_it_answers_alike_without_the_networks_that_training_alone_needs(name):
    """Those that are named are enough, and what rounding changes of each answer can be measured."""
    method, slim = build(name).eval(), keep_what_completes(build(name).eval())
    mask = draw("block:8", 2)
    observed = torch.rand(2, *SHAPE) * mask
    one, two = answer(method, observed, mask), answer(slim, observed, mask)
    assert all(torch.equal(one[kind], two[kind]) for kind in one)
    assert {*slim.state_dict()} <= {*method.state_dict()} and {*method.annotates} < {*CHANGES}
    for ask in ("features", "maps"):
        if getattr(type(method), ask) is not getattr(Method, ask):
            assert torch.equal(getattr(method, ask)(observed, mask), getattr(slim, ask)(observed, mask))


@pytest.mark.parametrize("name", [name for name in LEARNED if method_class(name).features is not Method.features])
def test_features_come_from_the_networks_that_are_named(name):
    """What transfer tunes and keeps."""
    method = build(name).eval()
    features = method.features(torch.rand(2, *SHAPE), torch.ones(2, 1, *SHAPE[1:]))
    gradients = torch.autograd.grad(features.sum(), [*method.parameters()], allow_unused=True)
    used = {n for (n, _), gradient in zip(method.named_parameters(), gradients, strict=True) if gradient is not None}
    named = {n for n, _ in method.named_parameters() if n.startswith(tuple(f"{e}." for e in method.encodes_with))}
    assert features.dim() == 2 and used == named and used


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
