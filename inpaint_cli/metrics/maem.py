"""Mean approximate exact match, section 1 of the deep paper."""

import numpy as np

from inpaint_cli.metrics.metric import Column, Completions, Metric
from inpaint_cli.metrics.pixels import difference, mean_of_images, mean_where

TOLERANCE = 5  # of 255


def rows(completions: Completions) -> dict[str, np.ndarray]:
    match = np.all(np.abs(difference(completions)) <= TOLERANCE, axis=-1)
    return {
        "maem": 100.0 * mean_of_images(match),
        "maem_hole": 100.0 * mean_where(match, np.any(completions.missing, axis=-1)),
    }


METRIC = Metric(
    name="maem",
    columns=(Column("maem", "%", decimals=2), Column("maem_hole", "%", decimals=2)),
    definition=(
        "MAEM: share of pixels within ±5 of 255 of the original in every channel, in %, per image, then averaged over "
        "images (the deep paper's mean approximate exact match); maem_hole: of the pixels with a missing value"
    ),
    rows=rows,
    averages=("maem", "maem_hole"),
)
