"""The training step of `deep-l2`: the engine with its defaults against plain eager float32 with torch's own dropout."""

import pytest
import torch
from measure import report, side_by_side
from torch import nn

from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.training import Learner
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods.deep_l2 import DeepL2, Settings
from inpaint_cli.networks.dropout import Dropout

pytestmark = pytest.mark.benchmark
SHAPE, MASKS = ImageShape(3, 32, 32), parse_masks("center:8")
PAPER = {"encoder": "basic", "width": 32, "dropout": 0.5}


def images(count):
    return torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(1)) * 2 - 1


def with_torchs_dropout(network):
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, Dropout):
                setattr(module, name, nn.Dropout(child.probability))
    return network


def plain(count, **settings):
    """What one writes first: the network in float32, a weighted squared error, dropout and Adam as they come."""
    torch.manual_seed(0)
    network = with_torchs_dropout(DeepL2(Settings(**settings), SHAPE, MASKS).autoencoder)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    image, mask = images(count), torch.ones(count, 1, 32, 32)
    mask[..., 12:20, 12:20] = 0
    weight = torch.full((16, 16), 20.0)
    weight[4:12, 4:12] = 1

    def step():
        painted = network(image * mask)
        loss = (weight * (painted - image[..., 8:24, 8:24]) ** 2).sum() / (64 * count)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def engine(count, **settings):
    """The same through the engine, as `inpaint train` sets it up here."""
    torch.manual_seed(0)
    hardware = choose_hardware("cpu")
    method = hardware.place(DeepL2(Settings(**settings), SHAPE, MASKS))
    learner = Learner(method, hardware, Team(), Plan(steps=1000, batch=count))
    image = images(count).contiguous(memory_format=torch.channels_last)
    draws = torch.Generator().manual_seed(0)

    def step():
        batch = Batch(image, MASKS.draw(count, SHAPE, generator=draws), {})
        for turn in method.turns():
            terms = learner.take_turn(turn, [batch])
        learner.end_step()
        return sum(value.item() for value in terms.values())

    return step


def test_both_ways_learn_the_same():
    """Without dropout the first losses agree up to bf16's digits: what is timed is one computation."""
    ways = [way(4, width=8, dropout=0) for way in (plain, engine)]
    assert ways[0]() == pytest.approx(ways[1](), rel=0.01)


@pytest.mark.parametrize(("width", "count"), [(32, 128), (16, 32)])
def test_training_step(width, count):
    settings = PAPER | {"width": width}
    precision, threads = choose_hardware("cpu").precision, torch.get_num_threads()
    ways = {
        f"engine, {precision}, channels last": engine(count, **settings),
        "plain eager float32": plain(count, **settings),
    }
    seconds = side_by_side(ways)
    report(f"training step of deep-l2, width {width}, batch {count}, {threads} threads", seconds, "images/s", count)


def test_dropout():
    """The largest of the network's activations: this dropout and torch's."""
    image = torch.randn(128, 32, 32, 32).to(torch.bfloat16).to(memory_format=torch.channels_last)
    ways = {"dropout by words of bits": Dropout(0.5), "torch's dropout": nn.Dropout(0.5)}
    seconds = side_by_side({name: lambda layer=layer: layer(image) for name, layer in ways.items()})
    report("dropout of 128 × 32 × 32 × 32 values in bf16", seconds, "calls/s", 1)
