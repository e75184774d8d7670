"""The training step of `unsupervised`: the engine with its defaults against a plain eager float32 loop."""

import pytest
import torch
import torch.nn.functional as F
from measure import engine_step, report, side_by_side

from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape
from inpaint_cli.methods.unsupervised import Settings, Unsupervised

pytestmark = pytest.mark.benchmark
SHAPE, COUNT, MASKS = ImageShape(3, 64, 64), 16, parse_masks("noise:0.9")


def made(width):
    torch.manual_seed(0)
    return Unsupervised(Settings(width=width, discriminator_width=width // 2, encoder_width=width // 2), SHAPE, MASKS)


def plain(width):
    """What one writes first: float32, each observation through D by itself, Adam as it comes."""
    method = made(width)
    generator, discriminator, encoder = method.generator, method.discriminator, method.encoder
    adam = {name: torch.optim.Adam(p.parameters(), 4e-5, (0.0, 0.99)) for name, p in method.players.items()}
    image, draws = torch.rand(COUNT, *SHAPE) * 2 - 1, torch.Generator().manual_seed(0)

    def step():
        own, fresh = (MASKS.draw(COUNT, SHAPE, generator=draws) for _ in range(2))
        y, z = image * own, torch.randn(COUNT, method.z_size)
        completed = generator(y, z) * (1 - own) + y
        observed = completed * fresh
        mean, log_variance = encoder(y)
        again = generator(observed, mean + (log_variance / 2).exp() * torch.randn_like(mean)) * (1 - fresh) + observed
        observed_again = again * own
        adam["discriminator"].zero_grad()
        real, *fake = (discriminator(seen.detach()) for seen in (y, observed, observed_again))
        (2 * F.relu(1 - real).mean() + sum(F.relu(1 + score).mean() for score in fake)).backward()
        adam["discriminator"].step()
        adam["generator"].zero_grad()
        found, _ = encoder(observed * (1 - own))
        error = (own * (y - observed_again)).square().sum() / (own.sum() * SHAPE.channels) + (z - found).square().mean()
        (error - discriminator(observed).mean() - discriminator(observed_again).mean()).backward()
        adam["generator"].step()

    return step


@pytest.mark.parametrize("width", [128, 32])
def test_training_step(width):
    precision, threads = choose_hardware("cpu").precision, torch.get_num_threads()
    ways = {
        f"engine, {precision}, channels last": engine_step(made(width), COUNT, MASKS),
        "plain eager float32": plain(width),
    }
    seconds = side_by_side(ways, rounds=3)
    report(f"training step of unsupervised, width {width}, batch {COUNT}, {threads} threads", seconds, "steps/s", 1)
