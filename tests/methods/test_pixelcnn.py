"""Pixel CNN: what a pixel sees, and that completion in fronts is completion value by value."""

import math

import pytest
import torch
from naive import value_by_value

from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods.pixelcnn import NEIGHBOURHOODS, PixelCNN, Settings
from inpaint_cli.networks.pixels import to_levels, to_pixels

SHAPE = ImageShape(3, 12, 12)
CPU = torch.device("cpu")


def build(shape=SHAPE, **settings) -> PixelCNN:
    torch.manual_seed(0)
    return PixelCNN(Settings(**{"width": 16, "layers": 2, "dropout": 0.0, **settings}), shape, None)


def slopes(count, seed=0):
    """Colours that rise by a step of their own to the right, or fall: [count, 3, 12, 12]."""
    generator = torch.Generator().manual_seed(seed)
    first, step = torch.randint(60, 196, (count, 3, 1, 1), generator=generator), torch.arange(12)
    return to_pixels(first + torch.randint(-4, 5, (count, 1, 1, 1), generator=generator) * step.expand(1, 1, 12, 12))


def learned(steps, **settings) -> tuple[PixelCNN, list[float]]:
    method, losses = build(**settings), []
    optimizer = torch.optim.Adam(method.parameters(), lr=1e-2)
    for step in range(steps):
        (turn,) = method.turns()
        loss = sum(turn.loss(Batch(slopes(8, seed=step), torch.ones(8, 1, 12, 12))).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return method.eval(), losses


@pytest.fixture(scope="module", params=NEIGHBOURHOODS)
def trained(request) -> PixelCNN:
    """Trained weights give distributions with distinct peaks, as they are in use: near-ties, which the order of a sum
    can decide, are as rare as there."""
    return learned(60, neighbourhood=request.param)[0]


def masks_of(spec, count=3, shape=SHAPE):
    return parse_masks(spec).draw(count, shape, generator=torch.Generator().manual_seed(0))


def test_both_neighbourhoods_are_24_pixels_before():
    zones = {name: set(zone.offsets) for name, zone in NEIGHBOURHOODS.items()}
    assert all(len(zone) == 24 and all(offset < (0, 0) for offset in zone) for zone in zones.values())
    assert zones["corner"] == {(row, column) for row in range(-4, 1) for column in range(-4, 1)} - {(0, 0)}  # figure 7
    assert zones["half"] == {(row, column) for row in range(-3, 1) for column in range(-3, 4) if (row, column) < (0, 0)}


@pytest.mark.parametrize("neighbourhood", NEIGHBOURHOODS)
def test_a_value_depends_on_its_neighbours_and_earlier_channels_alone(neighbourhood):
    method, row, column = build(neighbourhood=neighbourhood), 6, 5
    expected = torch.zeros(12, 12, dtype=torch.bool)
    for down, right in NEIGHBOURHOODS[neighbourhood].offsets:
        expected[row + down, column + right] = True
    image = (torch.rand(1, *SHAPE) * 2 - 1).requires_grad_()
    for channel, logits in enumerate(method.logits(image)):
        (gradient,) = torch.autograd.grad(logits[0, row, column].square().sum(), image, retain_graph=True)
        seen = gradient[0] != 0
        for other in range(3):
            expected[row, column] = other < channel
            assert torch.equal(seen[other], expected)


def test_pixels_beyond_the_edges_are_not_black_or_grey():
    method = build()
    for value in (-1.0, 0.0):
        image = torch.full((1, 3, 12, 12), value)
        logits = method.logits(image)[0][0]
        assert not torch.allclose(logits[0, 0], logits[6, 6], atol=1e-4)
        torch.testing.assert_close(logits[5, 5], logits[9, 11])


MASKS = ["center:6", "block:5", "noise:0.6", "rec:0.2", "colorize:2", "colorize:1", "reverse:0.2", "patches:2,3"]


@pytest.mark.parametrize("spec", MASKS)
def test_fronts_complete_as_one_value_after_the_other_does(trained, spec):
    """Equal to the last bit, though the two ways add up their sums in other orders: only levels reach the image."""
    image, mask = slopes(3, seed=99), masks_of(spec)
    observed = torch.where(mask > 0, image, 0.0)
    with torch.no_grad():
        assert torch.equal(trained.complete(observed, mask)[:, 0], value_by_value(trained, observed, mask))


def test_drawn_samples_are_those_of_one_value_after_the_other(trained):
    image, mask = slopes(2, seed=99), masks_of("noise:0.6", 2)
    observed = torch.where(mask > 0, image, 0.0)
    canvas = observed.repeat_interleave(2, dim=0)
    draws = torch.rand(canvas.shape, generator=torch.Generator().manual_seed(5))
    draws.unflatten(0, (2, 2))[:, 0] = -1
    with torch.no_grad():
        completed = trained.complete(observed, mask, samples=2, generator=torch.Generator().manual_seed(5))
        expected = value_by_value(trained, canvas, mask.repeat_interleave(2, dim=0), draws)
    assert torch.equal(completed.flatten(0, 1), expected)
    assert not torch.equal(completed[:, 0], completed[:, 1])


def test_holes_at_every_border_and_whole_images(trained):
    image = slopes(2, seed=99)
    first, last, every = (0, 3), (9, 12), (0, 12)
    for rows, columns in [(first, every), (last, every), (every, first), (every, last), (every, every)]:
        mask = torch.ones(2, 1, 12, 12)
        mask[..., slice(*rows), slice(*columns)] = 0
        with torch.no_grad():
            completed = trained.complete(image * mask, mask)[:, 0]
            assert torch.equal(completed, value_by_value(trained, image * mask, mask))
    with torch.no_grad():
        assert torch.equal(trained.complete(image, torch.ones(2, 1, 12, 12))[:, 0], image)


def test_known_pixels_after_a_filled_one_are_seen(trained):
    """A known pixel between two missing ones is an input of the second."""
    image, mask = slopes(1, seed=99), torch.ones(1, 1, 12, 12)
    mask[..., 6, 5] = mask[..., 6, 7] = 0
    other = image.clone()
    image[..., 6, 6], other[..., 6, 6] = -1, 1
    with torch.no_grad():
        one, two = (
            trained.complete(each * mask, mask, samples=30, generator=torch.Generator().manual_seed(0))[0]
            for each in (image, other)
        )
    assert torch.equal(one[..., 6, 5], two[..., 6, 5]) and not torch.equal(one[..., 6, 7], two[..., 6, 7])


def passes(method, spec, shape=ImageShape(3, 32, 32)):
    missing = (masks_of(spec, 1, shape) == 0).expand(1, *shape)
    return len(method.plan(missing, CPU))


def test_a_front_is_an_antidiagonal():
    assert passes(build(), "center:8") == 8 + 7  # not 64
    assert passes(build(neighbourhood="half"), "center:8") == 8 + 4 * 7  # 4 to the right for each row down
    corner = build()
    missing = torch.zeros(1, 3, 12, 12, dtype=torch.bool)
    missing[..., 2:6, 3:8] = True
    for number, step in enumerate(corner.plan(missing, CPU)):
        rows, columns = step.front.pixels // 12, step.front.pixels % 12
        assert (rows - 2 + columns - 3 == number).all()


@pytest.mark.parametrize("neighbourhood", NEIGHBOURHOODS)
def test_no_pass_comes_before_what_it_depends_on(neighbourhood):
    """Each pixel's pass is one after the last of its missing neighbours': neither sooner nor later."""
    method, missing = build(neighbourhood=neighbourhood), masks_of("noise:0.5", 1)[0, 0] == 0
    number = {}
    for index, step in enumerate(method.plan(missing.expand(1, 3, 12, 12), CPU), start=1):
        number |= {divmod(pixel, 12): index for pixel in step.front.pixels.tolist()}
    offsets = NEIGHBOURHOODS[neighbourhood].offsets
    for (row, column), own in number.items():
        assert own == 1 + max(number.get((row + down, column + right), 0) for down, right in offsets)
    assert len(number) == missing.sum()


def test_a_part_with_its_margin_is_completed_as_within_the_whole(trained):
    """What is asked of a method for any size."""
    image, mask = slopes(2, seed=99).repeat(1, 1, 2, 2), torch.ones(2, 1, 24, 24)
    mask[..., 10:15, 9:16] = 0
    margin = trained.margin(5, 7)
    rows, columns = slice(10 - margin, 15 + margin), slice(9 - margin, 16 + margin)
    with torch.no_grad():
        whole = trained.complete(image * mask, mask)[..., rows, columns]
        part = trained.complete((image * mask)[..., rows, columns], mask[..., rows, columns])
    assert torch.equal(whole, part)


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_sets(channels):
    method = build(ImageShape(channels, 8, 8))
    terms = method.likelihood(Batch(torch.rand(2, channels, 8, 8) * 2 - 1, torch.ones(2, 1, 8, 8)))
    assert list(terms) == ["bits_per_dimension"]
    assert terms["bits_per_dimension"].item() == pytest.approx(8, abs=0.3)  # untrained: any level is as likely
    assert len(method.logits(torch.zeros(2, channels, 8, 8))) == channels


def test_likelihood_learns_what_follows():
    method, losses = learned(80)
    assert losses[0] == pytest.approx(8, abs=0.3) and losses[-1] < 5.5
    expected, mask = slopes(6, seed=77), torch.ones(6, 1, 12, 12)
    mask[..., 4:9, 4:9] = 0
    with torch.no_grad():
        completed = method.complete(expected * mask, mask)[:, 0]
    missing = mask.expand_as(expected) == 0
    assert (completed - expected)[missing].abs().mean() < 0.5 * expected[missing].abs().mean()


def test_bits_per_dimension_are_the_chain_rule():
    """The likelihood of an image is the product of each value's probability given those before it, 6.1."""
    method, image = build(ImageShape(3, 3, 3)), to_pixels(torch.randint(0, 256, (1, 3, 3, 3)))
    total = 0.0
    with torch.no_grad():
        for row in range(3):
            for column in range(3):
                shares = method.probabilities(image, row, column)[0]
                chosen = shares.gather(1, to_levels(image)[0, :, row, column, None])
                total -= chosen.log2().sum().item()
        bits = method.likelihood(Batch(image, torch.ones(1, 1, 3, 3)))["bits_per_dimension"]
    assert bits.item() == pytest.approx(total / 27, rel=1e-5) and not math.isclose(total / 27, 8, rel_tol=1e-4)


def test_dropout_is_for_training_alone():
    method, image = build(dropout=0.5), torch.rand(1, *SHAPE)
    assert not torch.equal(method.logits(image)[0], method.logits(image)[0])
    method.eval()
    assert torch.equal(method.logits(image)[0], method.logits(image)[0])


def test_completion_is_float32_under_autocast(trained):
    image, mask = slopes(2, seed=99), masks_of("center:6", 2)
    with torch.no_grad():
        plain = trained.complete(image * mask, mask)
        trained._known.clear()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(trained.complete(image * mask, mask), plain)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need a GPU")
@pytest.mark.parametrize("samples", [1, 3])
def test_the_graph_completes_as_without(trained, samples):
    method = build(neighbourhood=trained.settings.neighbourhood)
    method.load_state_dict(trained.state_dict())
    method.eval().cuda()
    image, mask = slopes(2, seed=99).cuda(), masks_of("noise:0.5", 2).cuda()
    results = []
    with torch.no_grad():
        for _ in range(3):  # eager, captured, replayed
            generator = torch.Generator("cuda").manual_seed(0)
            results.append(method.complete(image * mask, mask, samples=samples, generator=generator))
        other = method.complete(-image * mask, mask, samples=samples)
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])
    known = mask.expand(2, 3, 12, 12) > 0
    assert all(torch.equal(sample[known], -image[known]) for sample in other.unbind(1))
