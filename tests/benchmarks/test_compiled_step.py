"""`--compile`: a step of the engine with networks through torch.compile against one with them as they are written."""

import time

import pytest
import torch
from measure import engine_step, report, side_by_side

from inpaint_cli.engine.compiling import compile_networks
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape
from inpaint_cli.methods import method_class

pytestmark = pytest.mark.benchmark
ROUNDS = 15
CASES = {"deep-l2": ("block:8", 32, 32), "context-encoder": ("block:48", 96, 16)}  # masks, side, batch


def step(name, compiled):
    spec, side, batch = CASES[name]
    kind, masks = method_class(name), parse_masks(spec)
    torch.manual_seed(0)
    method = kind(kind.Settings(width=16), ImageShape(3, side, side), masks)
    if compiled:
        compile_networks(method)
    return engine_step(method, batch, masks)


@pytest.mark.parametrize("name", CASES)
def test_a_compiled_step(name):
    ways = {"as written": step(name, False), "--compile": step(name, True)}
    _, side, batch = CASES[name]
    seconds = side_by_side(ways, ROUNDS, time.process_time)
    report(f"step of {name}, width 16, batch {batch}, {side}×{side}", seconds, "steps/s", 1)
