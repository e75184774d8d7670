"""Mean squared error."""

import numpy as np

from inpaint_cli.metrics.metric import LOWER, Column, Completions, Metric, Rows
from inpaint_cli.metrics.pixels import TO_SIGNED, mean_squared_errors

NAMES = ("mse", "mse_hole", "mse_signed", "mse_signed_hole")


def rows(completions: Completions) -> dict[str, np.ndarray]:
    whole, hole = mean_squared_errors(completions)
    return dict(zip(NAMES, (whole, hole, whole * TO_SIGNED**2, hole * TO_SIGNED**2), strict=True))


def count_without_hole(rows: Rows) -> dict[str, int]:
    return {"images_without_hole": int(np.isnan(rows["mse_hole"]).sum())}


METRIC = Metric(
    name="mse",
    columns=tuple(Column(name, "", LOWER, 5 if "signed" in name else 2) for name in NAMES),
    definition=(
        "MSE: mean squared difference of pixel values in 0-255, over all channels, per image, then averaged over "
        "images; mse_signed: the same of values in [-1, 1]; mse_hole and mse_signed_hole: over the missing values "
        "alone (of each channel, where masks differ between channels), averaged over the images that have a hole"
    ),
    rows=rows,
    averages=NAMES,
    count=count_without_hole,
)
