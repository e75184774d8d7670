"""What further tasks cost: the training step of collagan with three tasks against that with completion alone."""

import pytest
import torch
from measure import report, side_by_side

from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.training import Learner
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods.collagan import CollaGAN, Settings

pytestmark = pytest.mark.benchmark
SHAPE, COUNT, MASKS = ImageShape(3, 128, 128), 16, parse_masks("block:64")


def step_of(**settings):
    """One step of the engine, as `inpaint train` sets it up here."""
    torch.manual_seed(0)
    hardware = choose_hardware("cpu")
    method = hardware.place(CollaGAN(Settings(**settings), SHAPE, MASKS))
    learner = Learner(method, hardware, Team(), Plan(steps=1000, batch=COUNT))
    image = (torch.rand(COUNT, 128, 128, 3) * 2 - 1).permute(0, 3, 1, 2)
    labels = {
        "parsing": torch.randint(0, 11, (COUNT, 128, 128), dtype=torch.uint8),
        "landmarks": torch.rand(COUNT, 5, 2) * 100 + 14,
    }
    draws = torch.Generator().manual_seed(0)

    def step():
        batch = Batch(image, MASKS.draw(COUNT, SHAPE, generator=draws), labels)
        for turn in method.turns():
            learner.take_turn(turn, [batch])
        learner.end_step()

    return step


@pytest.mark.parametrize("width", [64, 16])
def test_three_tasks_against_one(width):
    precision, threads = choose_hardware("cpu").precision, torch.get_num_threads()
    ways = {
        "i": step_of(width=width, tasks="i"),
        "i,s,d": step_of(width=width),
        "i,s,d, judges of maps at full width": step_of(width=width, judge_share=1),
    }
    title = f"training step of collagan, width {width}, batch {COUNT}, {threads} threads, {precision}"
    report(title, side_by_side(ways, rounds=3), "steps/s", 1)
