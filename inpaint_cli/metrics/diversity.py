"""How much several completions of one image differ."""

import numpy as np

from inpaint_cli.metrics.metric import Column, Completions, Metric
from inpaint_cli.metrics.pixels import TO_SIGNED, mean_where


def rows(completions: Completions) -> dict[str, np.ndarray]:
    """Standard deviation over the samples of each missing value (divided by their number), mean over the hole."""
    if completions.samples is None or completions.samples.shape[1] < 2:
        raise ValueError("diversity needs samples [N, S, H, W, C] with at least two of each image")
    deviation = completions.samples.std(axis=1, dtype=np.float64) * TO_SIGNED
    return {"diversity": mean_where(deviation, completions.missing)}


METRIC = Metric(
    name="diversity",
    columns=(Column("diversity", "", decimals=5),),
    definition=(
        "diversity: standard deviation over several completions (10 in the unsupervised paper, which calls it std.) of "
        "values in [-1, 1], mean over the missing values, per image, then averaged over the images that have a hole"
    ),
    rows=rows,
    averages=("diversity",),
    samples=10,
)
