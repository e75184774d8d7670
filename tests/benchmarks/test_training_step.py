"""The training step of `mde`: the engine with its defaults against a plain eager float32 loop of the same networks."""

import pytest
import torch
import torch.nn.functional as F
from measure import engine_step, report, side_by_side

from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape
from inpaint_cli.methods.mde import MDE, Settings

pytestmark = pytest.mark.benchmark
SHAPE, COUNT, MASKS = ImageShape(3, 96, 96), 24, parse_masks("rec:0.1")


def made(width):
    torch.manual_seed(0)
    return MDE(Settings(width=width, perceptual=0), SHAPE, MASKS)


def plain(width):
    """What one writes first: each network in float32, each loss in turn, Adam as it comes."""
    method = made(width)
    generator, discriminator, seeker = method.generator, method.discriminator, method.mask_seeker
    optimizers = {n: torch.optim.Adam(n.parameters(), 2e-4, (0.5, 0.999)) for n in (generator, discriminator, seeker)}
    image, draws = torch.rand(COUNT, *SHAPE), torch.Generator().manual_seed(0)
    bce = F.binary_cross_entropy_with_logits

    def descend(network, loss):
        optimizers[network].zero_grad()
        loss.backward()
        optimizers[network].step()

    def step():
        mask, decoy = (MASKS.draw(COUNT, SHAPE, generator=draws) for _ in range(2))
        fake = generator(image * mask)
        real_says, fake_says = discriminator(image), discriminator(fake.detach())
        descend(discriminator, bce(real_says, torch.ones_like(real_says)) + bce(fake_says, torch.zeros_like(fake_says)))
        descend(seeker, bce(seeker(fake.detach()), mask))
        fake_says = discriminator(fake)
        error = ((1 - mask) * (fake - image)).square().mean() + (mask * (fake - image)).square().mean()
        fooled = 1e-2 * bce(fake_says, torch.ones_like(fake_says)) + 10 * bce(seeker(fake), decoy)
        descend(generator, error + fooled)

    return step


@pytest.mark.parametrize("width", [64, 16])
def test_training_step(width):
    precision, threads = choose_hardware("cpu").precision, torch.get_num_threads()
    seconds = side_by_side(
        {
            f"engine, {precision}, channels last": engine_step(made(width), COUNT, MASKS),
            "plain eager float32": plain(width),
        }
    )
    report(f"training step of mde, width {width}, batch {COUNT}, {threads} threads", seconds, "steps/s", 1)


def test_what_the_hardware_offers():
    """One convolution of the network, forward and backward: what precision and memory format alone can give."""

    def convolution(dtype, memory_format):
        layer = torch.nn.Conv2d(128, 256, 4, 2, 1).to(dtype=dtype, memory_format=memory_format)
        image = torch.rand(COUNT, 128, 24, 24, dtype=dtype).to(memory_format=memory_format).requires_grad_()
        return lambda: layer(image).sum().backward()

    ways = {
        "bf16, channels last": convolution(torch.bfloat16, torch.channels_last),
        "float32, as it comes": convolution(torch.float32, torch.contiguous_format),
    }
    report("one convolution, 128 to 256 channels at 24×24", side_by_side(ways, rounds=20), "calls/s", 1)
