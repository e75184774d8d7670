"""What masks cost: drawing those of one training step, decoys included, against the step itself."""

import pytest
import torch
from measure import side_by_side

from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.training import Learner
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods import method_class

pytestmark = pytest.mark.benchmark
COUNT = 16
SPECS = (
    *("block:32-64", "rec:0.1-0.9", "face:any", "noise:0.1-0.9", "pattern:0.1-0.4", "strokes:0.2", "strokes:0.1-0.4"),
    "block:32-64|strokes:0.1-0.4|face:any",
    "3*block:32-64|2*strokes:0.1-0.4|face:any|pattern:0.25|extrapolate:0.3-0.8",
)


def step_of(name, size, **settings):
    """One step of the engine, as `inpaint train` sets it up here, with masks that are drawn already; and how many
    batches of masks it asks for."""
    torch.manual_seed(0)
    shape, chosen, hardware = ImageShape(3, size, size), method_class(name), choose_hardware("cpu")
    masks = parse_masks("rec:0.1" if name == "mde" else "block:40")
    method = hardware.place(chosen(chosen.Settings(**settings), shape, masks))
    learner = Learner(method, hardware, Team(), Plan(steps=1000, batch=COUNT))
    image = (torch.rand(COUNT, size, size, 3) * 2 - 1).permute(0, 3, 1, 2)
    drawn = masks.draw(COUNT, shape, generator=torch.Generator().manual_seed(0))

    asked = []

    def decoy():
        asked.append(1)
        return drawn

    def step():
        batch = Batch(image, drawn, {}, decoy)
        for turn in method.turns():
            learner.take_turn(turn, [batch])
        learner.end_step()

    step()
    return step, 1 + len(asked)


def drawing(spec, size, times):
    process, generator = parse_masks(spec), torch.Generator().manual_seed(0)

    def draw():
        for _ in range(times):
            process.draw(COUNT, (3, size, size), generator=generator)

    return draw


@pytest.mark.parametrize(
    ("name", "size", "settings"),
    [("mde", 96, {"width": 16, "perceptual": 0}), ("collagan", 128, {"width": 16, "tasks": "i"})],
)
def test_drawing_against_a_step(name, size, settings):
    step, times = step_of(name, size, **settings)
    seconds = side_by_side({"step": step} | {spec: drawing(spec, size, times) for spec in SPECS}, rounds=40)
    whole = seconds.pop("step")
    threads, precision = torch.get_num_threads(), choose_hardware("cpu").precision
    print(f"\na step of {name}, width 16, {COUNT} images of {size}×{size}, {threads} threads, {precision}: ", end="")
    print(f"{whole * 1e3:.0f} ms; it needs {times} batch{'es' if times > 1 else ''} of masks")
    for spec, value in seconds.items():
        print(f"  {spec:<76} {value * 1e3:>6.1f} ms   {value / whole:>6.2%} of the step")
