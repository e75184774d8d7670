"""What one writes first, to hold the fast ways against."""

import torch

from inpaint_cli.networks.pixels import choose, to_pixels


def value_by_value(method, observed, mask, draws=None):
    """The naive way: the whole network on whole images for each missing value."""
    canvas, missing = observed.clone(), (mask == 0).expand_as(observed)
    for row, column in missing.any(1).any(0).nonzero().tolist():  # in scan order
        for channel in range(canvas.shape[1]):
            where = missing[:, channel, row, column]
            drawn = None if draws is None else draws[:, channel, row, column]
            levels = choose(method.logits(canvas)[channel][:, row, column], drawn, method.settings.temperature)
            canvas[:, channel, row, column] = torch.where(where, to_pixels(levels), canvas[:, channel, row, column])
    return canvas
