"""`--compile`: the same training within rounding, the same names, and completions and second derivatives as written."""

from dataclasses import replace

import pytest
import torch
from harness import HARDWARE, make, train
from methods.test_every_method import LEARNED, SMALL
from torch import nn

from inpaint_cli.engine import compiling
from inpaint_cli.engine.compiling import compile_networks
from inpaint_cli.engine.feeding import BatchStream
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.randomness import seed_default_generators
from inpaint_cli.engine.training import Learner, fit, take_step
from inpaint_cli.errors import EnvironmentFault
from inpaint_cli.jobs import benching
from inpaint_cli.losses import gradient_penalty
from inpaint_cli.masks import parse_masks
from inpaint_cli.methods import method_class
from inpaint_cli.settings import assigned, make_settings

COMPILED = Plan(steps=5, batch=8, compile=True)
Compile = nn.Module.compile


@pytest.fixture
def quick(monkeypatch):
    """Graphs are made and differentiated as ever, and run as they are: what makes code of them takes long."""
    monkeypatch.setattr(nn.Module, "compile", lambda network, options: Compile(network, backend="aot_eager"))
    monkeypatch.setattr(compiling, "_refuse_what_cannot_compile", lambda device: None)


def assert_equal_within_rounding(one, other):
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], rtol=1e-3, atol=1e-5)


def compiled(plan=COMPILED, **toy):
    made = make(plan, **toy)
    compile_networks(made.method)
    fit(made.learner, made.stream, made.observer)
    return made


@pytest.mark.long
def test_the_same_training_under_the_same_names(quick):
    toy = {"ema_decay": 0.9, "normalise": True}
    plain = train(replace(COMPILED, compile=False), **toy)
    assert_equal_within_rounding(compiled(**toy).learner.tensors(), plain.learner.tensors())


def test_networks_complete_as_they_are_written(quick):
    made, seen = compiled(), []
    made.method.painter.forward = lambda image: seen.append(torch.compiler.is_compiling()) or image
    with made.learner.completing() as method:
        method.complete(torch.zeros(3, 3, 12, 12), torch.ones(3, 1, 12, 12))
    assert seen == [False]


def test_a_penalty_takes_its_second_derivative_of_the_network_as_it_is_written(quick):
    torch.manual_seed(0)
    critic, real, fake = nn.Sequential(nn.Conv2d(3, 1, 3), nn.Tanh()), torch.rand(2, 3, 6, 6), torch.rand(2, 3, 6, 6)
    gradients = []
    for compile in (False, True):
        if compile:
            critic.compile({})
        torch.manual_seed(1)
        penalty = gradient_penalty(lambda images: critic(images).mean((1, 2, 3)), real, fake)
        gradients.append(torch.autograd.grad(penalty, list(critic.parameters())))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_many_networks_are_compiled_to_the_last(monkeypatch):
    graphs = []

    def counted(graph, inputs):
        graphs.append(graph)
        return graph

    monkeypatch.setattr(nn.Module, "compile", lambda network, options: Compile(network, backend=counted))
    monkeypatch.setattr(compiling, "_refuse_what_cannot_compile", lambda device: None)
    torch._dynamo.reset()
    many = nn.ModuleList(nn.Linear(4, 4 + number) for number in range(12))
    many.helpers = {}
    with torch._dynamo.config.patch(recompile_limit=torch._dynamo.config.recompile_limit):
        compile_networks(many)
        for network in many:
            network(torch.zeros(2, 4))
    assert len(graphs) == len(many)


def test_where_nothing_compiles_one_message_says_so(monkeypatch):
    def missing(*arguments):
        raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found\nand more")

    monkeypatch.setattr(torch, "compile", missing)
    with pytest.raises(EnvironmentFault, match=r"No working C\+\+ compiler found\); it needs a C\+\+ compiler") as said:
        compile_networks(make(COMPILED).method)
    assert "\n" not in str(said.value)


def built(name, hardware=HARDWARE):
    kind = method_class(name)
    masks, shape = parse_masks(kind.defaults.masks), benching._paper_shape(kind)
    seed_default_generators(0, "initial weights")
    settings = make_settings(kind.Settings, assigned(SMALL[name]))
    method = benching._built(kind, settings, shape, masks, hardware)
    plan = Plan(steps=1000, batch=2)
    learner = Learner(method, hardware, Team(), plan)
    learner.step = plan.steps - 2  # every stage has begun
    return learner, BatchStream(benching.made_up(method, shape, 8), masks, method, plan, hardware, Team())


@pytest.mark.long
@pytest.mark.timeout(3600)  # misgan's code takes over six minutes of an idle core to make
@pytest.mark.parametrize("name", LEARNED)
def test_every_method_takes_the_same_step(name):
    """With the code that torch makes, and not its graphs alone."""
    torch._dynamo.reset()
    (plain, batches), (other, same) = built(name), built(name)
    compile_networks(other.method)
    for one, two in zip(take_step(plain, batches), take_step(other, same), strict=True):
        terms, theirs = ({term: float(value) for term, value in each.terms.items()} for each in (one, two))
        assert theirs == pytest.approx(terms, rel=1e-2, abs=1e-4)
        assert float(two.norm) == pytest.approx(float(one.norm), rel=2e-2, abs=1e-4)
