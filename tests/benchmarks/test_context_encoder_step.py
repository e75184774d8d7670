"""The training step of `context-encoder`: the engine with its defaults against a plain eager float32 loop of the same
networks, which finds the overlap by max pooling, as one does first.
"""

import pytest
import torch
import torch.nn.functional as F
from measure import report, side_by_side

from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.training import Learner
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods.context_encoder import ContextEncoder, Settings

pytestmark = pytest.mark.benchmark
SHAPE, COUNT, MASKS = ImageShape(3, 128, 128), 64, parse_masks("block:64")


def images():
    """[64, 3, 128, 128] in [-1, 1], channels-last as the engine's batches are."""
    draws = torch.Generator().manual_seed(1)
    return (torch.rand(COUNT, SHAPE.height, SHAPE.width, SHAPE.channels, generator=draws) * 2 - 1).permute(0, 3, 1, 2)


def plain(width):
    """What one writes first: float32, each loss in turn, Adam as it comes."""
    torch.manual_seed(0)
    method = ContextEncoder(Settings(width=width), SHAPE, MASKS)
    generator, discriminator = method.generator, method.discriminator
    rates = {generator: 2e-3, discriminator: 2e-4}
    optimizers = {n: torch.optim.Adam(n.parameters(), rate, (0.5, 0.999)) for n, rate in rates.items()}
    image, draws = images().contiguous(), torch.Generator().manual_seed(0)
    bce = F.binary_cross_entropy_with_logits

    def descend(network, loss):
        optimizers[network].zero_grad()
        loss.backward()
        optimizers[network].step()

    def step():
        mask = MASKS.draw(COUNT, SHAPE, generator=draws)
        fake = generator(image * mask)
        real_says, fake_says = discriminator(image), discriminator(fake.detach())
        descend(discriminator, bce(real_says, torch.ones_like(real_says)) + bce(fake_says, torch.zeros_like(fake_says)))
        near = F.max_pool2d(1 - mask, 15, 1, 7)
        weights = (1 - mask) + 10 * (near - (1 - mask))
        error = (weights * (fake - image) ** 2).sum() / (3 * (weights > 0).sum())
        fake_says = discriminator(fake)
        descend(generator, 0.999 * error + 0.001 * bce(fake_says, torch.ones_like(fake_says)))
        return 0.999 * error.item()

    return step


def engine(width):
    """The same through the engine, as `inpaint train` sets it up here."""
    torch.manual_seed(0)
    hardware = choose_hardware("cpu")
    method = hardware.place(ContextEncoder(Settings(width=width), SHAPE, MASKS))
    learner = Learner(method, hardware, Team(), Plan(steps=1000, batch=COUNT))
    image, draws = images(), torch.Generator().manual_seed(0)

    def step():
        batch = Batch(image, MASKS.draw(COUNT, SHAPE, generator=draws))
        terms = {name: term for turn in method.turns() for name, term in learner.take_turn(turn, [batch]).items()}
        learner.end_step()
        return terms["reconstruction"].item()

    return step


def test_both_learn_alike():
    """Three steps' losses agree as well as bf16 does with float32."""
    one, other = engine(8), plain(8)
    for _ in range(3):
        assert one() == pytest.approx(other(), rel=0.03)


@pytest.mark.parametrize("width", [64, 16])
def test_training_step(width):
    precision, threads = choose_hardware("cpu").precision, torch.get_num_threads()
    seconds = side_by_side(
        {f"engine, {precision}, channels last": engine(width), "plain eager float32": plain(width)}, rounds=3
    )
    report(f"training step of context-encoder, width {width}, batch {COUNT}, {threads} threads", seconds, "steps/s", 1)
