"""L1 distance as in the deep paper: summed over channels, mean over pixels."""

import numpy as np

from inpaint_cli.metrics.metric import LOWER, Column, Completions, Metric
from inpaint_cli.metrics.pixels import TO_SIGNED, difference, summed_over_channels


def rows(completions: Completions) -> dict[str, np.ndarray]:
    return summed_over_channels("l1", np.abs(difference(completions)), TO_SIGNED, completions)


METRIC = Metric(
    name="l1",
    columns=(Column("l1", "", LOWER), Column("l1_hole", "", LOWER)),
    definition=(
        "L1: absolute difference of values in [-1, 1], summed over channels, mean over pixels, per image, then "
        "averaged over images; l1_hole: the missing values alone, mean over the "
        "pixels with any"
    ),
    rows=rows,
    averages=("l1", "l1_hole"),
)
