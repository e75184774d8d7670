"""Traces of steps: of as many as were asked for, whole or absent, and nothing else is changed by looking."""

import gzip
import json

import pytest
import torch
from harness import ALONE, HARDWARE, make, train

from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.profiling import ProfiledLearner
from inpaint_cli.engine.training import fit


def profiled(path, steps, asked, accumulate=1):
    """A training whose next `asked` steps are looked at, and what is said of them."""
    plan, notes = Plan(steps=steps, batch=4, accumulate=accumulate), []
    made = make(plan)
    made.learner = made.observer.learner = ProfiledLearner(made.method, HARDWARE, ALONE, plan)
    with made.learner.looked_at(path, asked, notes.append):
        fit(made.learner, made.stream, made.observer)
    return made, notes


def names(path):
    with gzip.open(path) as file:
        return [each.get("name") for each in json.load(file)["traceEvents"] if each.get("ph") == "X"]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_turns_and_batches_have_their_names(tmp_path, accumulate):
    """The toy's critic takes two turns a step."""
    made, notes = profiled(tmp_path / "trace.json.gz", 6, 3, accumulate)
    found = names(tmp_path / "trace.json.gz")
    assert found.count("turn of critic") == 6 and found.count("turn of painter") == 3
    assert found.count("batch") == 9 * (accumulate + 1), "the last of each turn says that there is none left"
    assert "aten::convolution" in found
    assert notes == [f"the trace of 3 steps is {tmp_path}/trace.json.gz: TensorBoard and ui.perfetto.dev open it"]
    straight = train(Plan(steps=6, batch=4, accumulate=accumulate)).method.state_dict()
    assert all(torch.equal(tensor, straight[name]) for name, tensor in made.method.state_dict().items())
    assert [path.name for path in tmp_path.iterdir()] == ["trace.json.gz"]


@pytest.mark.parametrize(("steps", "traced"), [(1, 0), (3, 2)])
def test_a_training_that_ends_before_has_a_trace_of_what_it_came_to(tmp_path, steps, traced):
    path = tmp_path / "trace.json.gz"
    _, notes = profiled(path, steps, 9)
    assert path.exists() is (traced > 0) and len(notes) == (traced > 0)
    assert traced == 0 or names(path).count("turn of painter") == traced
