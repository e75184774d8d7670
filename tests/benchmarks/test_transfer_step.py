"""A step of transfer: tuned by the engine against plain eager float32, and frozen, with features computed once."""

import pytest
import torch
from harness import Split
from measure import report, side_by_side
from torch import nn

from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.feeding import BatchStream
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.training import Learner, take_step
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape
from inpaint_cli.methods.mde import MDE, Settings
from inpaint_cli.probes import Design, Probe
from inpaint_cli.probes import Settings as HowToProbe

pytestmark = pytest.mark.benchmark
SHAPE, BATCH, IMAGES = ImageShape(3, 96, 96), 16, 64


def encoder(width):
    torch.manual_seed(0)
    return MDE(Settings(width=width, perceptual=0), SHAPE, parse_masks("rec:0.1"))


def labels():
    draws = torch.Generator().manual_seed(0)
    points = 96 * torch.rand(IMAGES, 5, 2, generator=draws)
    return {"attributes": torch.randint(0, 2, (IMAGES, 40), generator=draws).numpy(), "landmarks": points.numpy()}


def engine(width, frozen):
    """A step as `inpaint transfer` takes it here."""
    hardware, masks, plan = choose_hardware("cpu"), parse_masks("none"), Plan(steps=10**6, batch=BATCH)
    features = round(4000 * width / 64)
    probe = Probe(encoder(width), HowToProbe(), masks, Design(("attributes", "landmarks"), features, frozen=frozen))
    split = Split(IMAGES, 96, **labels())
    probe.look_at(split.labels)
    hardware.place(probe)
    if frozen:
        split.labels["features"] = torch.rand(IMAGES, features).numpy()
    learner = Learner(probe, hardware, Team(), plan)
    probe.train()
    stream = BatchStream(split, masks, probe, plan, hardware, Team())
    return lambda: take_step(learner, stream)


def plain(width):
    """What one writes first: float32, Adam as it comes."""
    generator = encoder(width).generator
    heads = nn.ModuleList(nn.Linear(round(4000 * width / 64), count) for count in (40, 10))
    used = [*generator.blocks.parameters(), *generator.down.parameters(), *generator.compress.parameters()]
    optimizer = torch.optim.Adam([*used, *heads.parameters()], 2e-4, (0.5, 0.999))
    image, said = torch.rand(BATCH, *SHAPE), {n: torch.from_numpy(v[:BATCH]).float() for n, v in labels().items()}

    def step():
        features = generator.encode(image)[0]
        attributes, points = (torch.sigmoid(head(features)) for head in heads)
        error = (attributes - said["attributes"]).square().mean()
        error = error + (points - said["landmarks"].flatten(1) / 96).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()

    return step


@pytest.mark.parametrize("width", [64, 24])
def test_a_step(width):
    precision, threads = choose_hardware("cpu").precision, torch.get_num_threads()
    ways = {f"tuned, {precision}": engine(width, False), "tuned, plain eager float32": plain(width),
            "frozen, features computed once": engine(width, True)}  # fmt: skip
    report(
        f"step of transfer, mde of width {width}, batch {BATCH}, {threads} threads", side_by_side(ways), "steps/s", 1
    )
