"""L2 distance as in the deep paper: summed over channels, mean over pixels."""

import numpy as np

from inpaint_cli.metrics.metric import LOWER, Column, Completions, Metric
from inpaint_cli.metrics.pixels import TO_SIGNED, squared_error, summed_over_channels


def rows(completions: Completions) -> dict[str, np.ndarray]:
    return summed_over_channels("l2", squared_error(completions), TO_SIGNED**2, completions)


METRIC = Metric(
    name="l2",
    columns=(Column("l2", "", LOWER), Column("l2_hole", "", LOWER)),
    definition=(
        "L2: squared difference of values in [-1, 1], summed over channels, mean over pixels, per image, then "
        "averaged over images (the deep paper's loss, which prints no pixel scale); l2_hole: the missing values "
        "alone, mean over the pixels with any"
    ),
    rows=rows,
    averages=("l2", "l2_hole"),
)
