"""The training step of `semantic`: the engine with its defaults against a plain eager float32 loop."""

import pytest
import torch
import torch.nn.functional as F
from measure import report, side_by_side

from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.training import Learner
from inpaint_cli.losses import gradient_penalty
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods.semantic import Semantic, Settings
from inpaint_cli.networks.residual import DownConvolution, UpConvolution

pytestmark = pytest.mark.benchmark
SHAPE, COUNT = ImageShape(3, 64, 64), 16


def build(**settings):
    torch.manual_seed(0)
    return Semantic(Settings(width=16, critic_steps=1, **settings), SHAPE, parse_masks("none"))


def engine(**settings):
    """One turn of each player through the engine, as `inpaint train` sets it up here."""
    hardware = choose_hardware("cpu")
    method = hardware.place(build(**settings))
    learner = Learner(method, hardware, Team(), Plan(steps=1000, batch=COUNT))
    image = (torch.rand(COUNT, SHAPE.height, SHAPE.width, SHAPE.channels) * 2 - 1).permute(0, 3, 1, 2)

    def step():
        for turn in method.turns():
            learner.take_turn(turn, [Batch(image, torch.ones(COUNT, 1, 64, 64))])

    return step


def scaled_apart(method):
    """Upsample, then convolve; convolve, then pool: as figures 3 and 4 draw it."""
    for layer in method.modules():
        if isinstance(layer, UpConvolution):
            layer.forward = lambda x, c=layer: F.conv2d(F.interpolate(x, scale_factor=2), c.weight, c.bias, padding=1)
        elif isinstance(layer, DownConvolution):
            layer.forward = lambda x, c=layer: F.avg_pool2d(F.conv2d(x, c.weight, c.bias, padding=1), 2)
    return method


def plain():
    """What one writes first: float32, images and samples through the critics one after the other."""
    method = scaled_apart(build())
    critics = list(method.critics.values())
    first, second = (torch.optim.Adam(n.parameters(), 1e-4, (0.0, 0.9)) for n in (method.critics, method.generator))
    image = torch.rand(COUNT, *SHAPE) * 2 - 1

    def step():
        fake = method.generator(method.draw(COUNT)).detach()
        first.zero_grad()
        distance = sum(critic(fake).mean() - critic(image).mean() for critic in critics)
        (distance + 10 * sum(gradient_penalty(critic, image, fake) for critic in critics)).backward()
        first.step()
        second.zero_grad()
        (-sum(critic(method.generator(method.draw(COUNT))).mean() for critic in critics)).backward()
        second.step()

    return step


def test_wgan_step():
    precision, threads = choose_hardware("cpu").precision, torch.get_num_threads()
    ways = {
        f"engine, {precision}, channels last": engine(),
        "the same, penalty of a quarter of the batch": engine(penalty_share=0.25),
        "plain eager float32": plain(),
    }
    report(f"critics and generator once, width 16, batch {COUNT}, {threads} threads", side_by_side(ways), "steps/s", 1)
