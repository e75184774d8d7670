"""Completing an 8×8 hole with `pixelcnn`, against a full forward pass for each of its 192 values."""

import pytest
import torch
from measure import report, side_by_side

from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods.pixelcnn import PixelCNN, Settings
from inpaint_cli.networks.pixels import choose, to_pixels

pytestmark = pytest.mark.benchmark
SHAPE, COUNT, MASKS = ImageShape(3, 32, 32), 16, parse_masks("center:8")


def smooth_images(count, generator):
    """Blurred noise, as photographs are smooth, on the 256 levels."""
    coarse = torch.rand(count, 3, 6, 6, generator=generator) * 2 - 1
    fine = torch.nn.functional.interpolate(coarse, SHAPE[1:], mode="bicubic").clamp(-1, 1)
    return to_pixels(((fine + 1) * 127.5).round())


@torch.enable_grad()
def trained() -> PixelCNN:
    """Some steps of training: with random weights all levels are about as likely, and their order is a matter of
    rounding, which no use of a trained model knows."""
    torch.manual_seed(0)
    method, generator = PixelCNN(Settings(dropout=0), SHAPE, MASKS), torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(method.parameters(), lr=5e-3)
    for _ in range(40):
        loss = method.likelihood(Batch(smooth_images(4, generator), torch.ones(4, 1, 32, 32)))["bits_per_dimension"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return method.eval()


def value_by_value(method, observed, mask):
    """What one writes first: the network on all of every image, and one value of its answer taken."""
    canvas = observed.clone()
    for row, column in (mask[0, 0] == 0).nonzero().tolist():
        for channel in range(SHAPE.channels):
            levels = choose(method.logits(canvas)[channel][:, row, column], None)
            canvas[:, channel, row, column] = to_pixels(levels)
    return canvas


@torch.no_grad()
def test_completing_a_hole():
    method, generator = trained(), torch.Generator().manual_seed(1)
    mask = MASKS.draw(COUNT, SHAPE, generator=generator)
    observed, answers = smooth_images(COUNT, generator) * mask, {}

    def noting(name, complete):
        def way():
            answers[name] = complete()

        return way

    def unplanned():
        method._known.clear()
        return method.complete(observed, mask)[:, 0]

    ways = {
        "pixelcnn, a mask that comes again": lambda: method.complete(observed, mask)[:, 0],
        "pixelcnn, a mask not seen before": unplanned,
        "a full forward pass for each value": lambda: value_by_value(method, observed, mask),
    }
    seconds = side_by_side({name: noting(name, way) for name, way in ways.items()}, rounds=1)
    report(f"8×8 hole in 32×32, batch {COUNT}, {torch.get_num_threads()} threads", seconds, "images/s", COUNT)
    first, *others = answers.values()
    assert all(torch.equal(first, other) for other in others)
    changed = (first != observed)[mask.expand_as(observed) == 0]
    assert changed.float().mean() > 0.9  # 0 is no level: whatever is filled differs
