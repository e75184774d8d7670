"""Latent search with networks of DCGAN's size at 64×64: its step against the plain one, and how many steps it needs.

The generator learns for about a minute to draw simple faces from z; the photos are such faces with what it cannot draw.
"""

import itertools
import time
from dataclasses import replace

import pytest
import torch
from measure import report, side_by_side

from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape
from inpaint_cli.methods.sii import SII, Settings
from inpaint_cli.networks.folding import frozen_copy
from inpaint_cli.searching.blocks import BLOCK
from inpaint_cli.searching.descent import LOOK_EVERY, Machine, Plan
from inpaint_cli.searching.printed import BETAS, RATE
from inpaint_cli.searching.rows import Rows
from inpaint_cli.searching.search import search

pytestmark = pytest.mark.benchmark
SHAPE, COUNT, STEPS, PARTS = ImageShape(3, 64, 64), 64, 1000, 14
FEW = 16  # images of which the plain way's energies are taken


def faces(parts):
    """Ellipses for head, hair, eyes and mouth, placed and coloured by numbers in [-1, 1]: [N, 14] -> [N, 3, 64, 64]."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")

    def ellipse(left, top, width, height):
        across, down = x - left[:, None, None], y - top[:, None, None]
        inside = 1 - (across / width[:, None, None]).square() - (down / height[:, None, None]).square()
        return torch.sigmoid(8 * inside)[:, None]

    def colour(red, green, blue):
        return torch.stack([red, green, blue], dim=1)[:, :, None, None]

    p = parts.unbind(dim=1)
    shift, one = 0.15 * p[0], torch.ones_like(p[0])
    image = colour(p[1], p[2], p[3]) * (0.7 + 0.3 * y)
    hair, skin = colour(0.5 * p[5] - 0.4, 0.5 * p[5] - 0.5, -0.8 * one), 0.3 * p[7]
    iris, mouth = colour(-0.8 * one, p[10], p[11]), colour(0.5 * one, -0.6 * one, -0.5 * one)
    apart, open_ = 0.25 - 0.04 * p[8], 0.06 + 0.03 * p[9]
    layers = [
        (ellipse(shift, -0.2 * one, 0.75 + 0.1 * p[4], 0.8 * one), hair),
        (ellipse(shift, 0.1 * one, 0.55 + 0.1 * p[6], 0.7 * one), colour(skin + 0.5, skin + 0.1, skin)),
        (ellipse(shift - apart, -0.05 * one, 0.12 * one, open_), iris),
        (ellipse(shift + apart, -0.05 * one, 0.12 * one, open_), iris),
        (ellipse(shift, 0.45 + 0.05 * p[12], 0.25 * one, 0.08 + 0.06 * p[13]), mouth),
    ]
    for where, own in layers:
        image = torch.lerp(image, own.expand_as(image), where.expand_as(image))
    return image.clamp(-1, 1)


def trained(seconds=60.0):
    """SII with DCGAN's widths, whose generator has learned to draw `faces` of a fixed map of z; and that map."""
    torch.manual_seed(0)
    method = SII(Settings(), SHAPE, None).to(memory_format=torch.channels_last)
    matrix = torch.randn(method.z_size, PARTS) * 0.17
    optimizer = torch.optim.Adam(method.generator.parameters(), 2e-3, (0.5, 0.99), fused=True)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        z = method.draw(32)
        drawn = faces((z @ matrix).clamp(-1, 1))
        with torch.autocast("cpu", torch.bfloat16):
            loss = (method.generator(z) - drawn).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return method.eval(), matrix


def photos(count):
    """Faces with texture that no z gives, and a hole of half the side in their middle."""
    generator = torch.Generator().manual_seed(1)
    images = faces(torch.rand(count, PARTS, generator=generator) * 2 - 1)
    images = (images + 0.05 * torch.randn(images.shape, generator=generator)).clamp(-1, 1)
    mask = parse_masks("center:32").draw(count, SHAPE, generator=generator)
    return torch.where(mask > 0, images, 0.0), mask


@pytest.fixture(scope="module")
def method():
    return trained()[0]


def plain_step(method):
    """What one writes first: float32, contiguous, every weight's gradient computed, torch's Adam on z."""
    learning = SII(method.settings, SHAPE, None).to(memory_format=torch.contiguous_format).eval()
    learning.load_state_dict(method.state_dict())
    observed, mask = photos(COUNT)
    energy = learning.energy(observed, mask)
    z = torch.randn(COUNT, method.z_size).requires_grad_()
    optimizer = torch.optim.Adam([z], RATE, BETAS)

    def step():
        images = learning.generator(z)
        total = energy.contextual(images) + energy.prior_weight * learning.prior(images)
        optimizer.zero_grad()
        total.sum().backward()
        optimizer.step()
        z.data.clamp_(-1, 1)

    return step


def our_steps(method, plan, dtype):
    """`LOOK_EVERY` steps of the search, on all images."""
    observed, mask = photos(COUNT)
    energy = method.energy(observed, mask)
    networks, rows = frozen_copy(method, dtype), Rows(method.draw(COUNT), 1)
    blocks = torch.arange(COUNT).split(BLOCK["cpu"])
    looks = itertools.count(1)
    machine = Machine(networks, dtype, energy.rows(blocks[0]), plan, method.z_size)

    def steps():
        for places in blocks:
            machine.load(rows, places, energy.rows(places), 0)
            if plan.turns(next(looks) * LOOK_EVERY):
                machine.turn()
            machine.run(LOOK_EVERY)
            machine.store(rows, places, LOOK_EVERY, plan)

    return steps


def test_a_step(method):
    """Milliseconds of a search step for 64 images."""
    plan = Plan.of(method.settings)
    ours, plainly = our_steps(method, plan, torch.bfloat16), plain_step(method)
    exact = our_steps(method, replace(plan, prior_every=1), torch.bfloat16)
    slow = our_steps(method, replace(plan, prior_every=1), torch.float32)

    def several(step):
        return lambda: [step() for _ in range(LOOK_EVERY)]

    ways = {
        f"frozen, folded, bf16, prior every {plan.prior_every} steps": ours,
        "the same, prior in each step": exact,
        "the same, float32": slow,
        "plain": several(plainly),
    }
    seconds = side_by_side(ways, rounds=1)
    report(f"search step, {COUNT} images, {torch.get_num_threads()} threads", seconds, "steps/s", LOOK_EVERY)


def test_steps_to_the_same_energy(method):
    """Steps, and generator evaluations over all starts, until the mean energy is what the plain way has at its end."""
    observed, mask = photos(FEW)
    energy = method.energy(observed, mask)
    plainly = Plan("printed", steps=STEPS)

    def mean_energy(plan):
        with torch.autocast("cpu", torch.bfloat16):
            found = search(method, energy, mask, plan, method.draw, generator=torch.Generator().manual_seed(0))
        return found.energies.mean().item(), found.steps.float().sum(dim=1).mean().item()

    goal, _ = mean_energy(plainly)
    print(f"\nplain search of {STEPS} steps from one z: mean energy {goal:.3f}")
    for steps in (16, 32, 48, 64, 96, 128, 192, 256):
        reached, taken = mean_energy(replace(Plan.of(method.settings), steps=steps))
        print(f"  at most {steps:>4} steps: mean energy {reached:.3f}, {taken:.0f} steps over all starts of an image")
        if reached <= goal:
            print(f"  {STEPS / steps:.1f} times fewer steps, {STEPS / taken:.1f} times fewer of all starts together")
            break
