"""Distance between true and predicted landmarks."""

import numpy as np

from inpaint_cli.metrics.metric import LOWER, Column, Completions, Metric
from inpaint_cli.metrics.statistics import finite_mean


def rows(completions: Completions) -> dict[str, np.ndarray]:
    """Euclidean distances in pixels: the mean over points, float64 [N], and of each point, [N, P]; NaN = unknown."""
    true, predicted = (np.asarray(s["landmarks"], np.float64) for s in (completions.labels, completions.predicted))
    distances = np.linalg.norm(predicted - true, axis=-1)
    return {"landmark_error": finite_mean(distances, axis=1), "landmark_error_by_point": distances}


METRIC = Metric(
    name="landmarks",
    columns=(
        Column("landmark_error", "pixels", LOWER, 3),
        Column("landmark_error_by_point", "pixels", LOWER, 3),
    ),
    definition=(
        "landmark error: Euclidean distance between true and predicted point in pixels of the prepared image, mean "
        "over an image's known points, then averaged over images; landmark_error_by_point: each point by itself"
    ),
    rows=rows,
    averages=("landmark_error", "landmark_error_by_point"),
    labels=("landmarks",),
)
