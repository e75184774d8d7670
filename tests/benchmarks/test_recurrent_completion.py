"""Completing an 8×8 hole with the recurrent models, against a full forward pass for each of its 192 values."""

import time

import pytest
import torch
from measure import report, side_by_side

from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods import method_class
from inpaint_cli.networks.pixels import choose, to_pixels

pytestmark = pytest.mark.benchmark
COUNT, HOLE = 16, parse_masks("center:8")
SETTINGS = {
    "flattened-row-lstm": {},
    "row-lstm": {"hidden": 24, "layers": 2, "head": 96},
    "diagonal-bilstm": {"hidden": 24, "layers": 2, "head": 96},
}


def smooth_images(count, side, generator):
    """Blurred noise, as photographs are smooth, on the 256 levels."""
    coarse = torch.rand(count, 3, 6, 6, generator=generator) * 2 - 1
    fine = torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic").clamp(-1, 1)
    return to_pixels(((fine + 1) * 127.5).round())


@torch.enable_grad()
def trained(name):
    """Some steps of training on small images, which the same weights take larger ones after: with random weights all
    levels are about as likely, and their order is a matter of rounding, which no use of a trained model knows."""
    torch.manual_seed(0)
    chosen, generator = method_class(name), torch.Generator().manual_seed(0)
    method = chosen(chosen.Settings(**SETTINGS[name]), ImageShape(3, 32, 32), HOLE)
    optimizer = torch.optim.Adam(method.parameters(), lr=1e-2)
    for _ in range(40):
        loss = method.likelihood(Batch(smooth_images(8, 10, generator), None))["bits_per_dimension"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return method.eval()


def value_by_value(method, observed, mask):
    """What one writes first: the network on all of every image, and one value of its answer taken; value after value.

    Yields after each, so that a part of it can be timed; `observed` is filled in place.
    """
    for row, column in (mask[0, 0] == 0).nonzero().tolist():
        for channel in range(observed.shape[1]):
            levels = choose(method.logits(observed)[channel][:, row, column], None)
            observed[:, channel, row, column] = to_pixels(levels)
            yield


@pytest.mark.parametrize("name", SETTINGS)
@torch.no_grad()
def test_completing_a_hole(name):
    """All 192 values of all 16 images are compared; the naive way is timed while it makes them, once."""
    method, generator, answers = trained(name), torch.Generator().manual_seed(1), []
    mask = HOLE.draw(COUNT, ImageShape(3, 32, 32), generator=generator)
    observed = smooth_images(COUNT, 32, generator) * mask

    def unplanned():
        method._known.clear()
        answers.append(method.complete(observed, mask)[:, 0])

    seconds = side_by_side({f"{name}, a mask not seen before": unplanned}, rounds=2)
    naive, start = observed.clone(), time.perf_counter()
    values = sum(1 for _ in value_by_value(method, naive, mask))
    seconds["a full forward pass for each value"] = time.perf_counter() - start
    assert values == 192
    report(f"8×8 hole in 32×32, batch {COUNT}, {torch.get_num_threads()} threads", seconds, "images/s", COUNT)
    assert all(torch.equal(answer, naive) for answer in answers)
    changed = (naive != observed)[mask.expand_as(observed) == 0]
    assert changed.float().mean() > 0.9  # 0 is no level: whatever is filled differs
