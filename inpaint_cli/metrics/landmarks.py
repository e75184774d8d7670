"""Distance between true and predicted landmarks, of all of them and of those that lie in the hole."""

import numpy as np

from inpaint_cli.metrics.metric import LOWER, Column, Completions, Metric
from inpaint_cli.metrics.statistics import finite_mean


def rows(completions: Completions) -> dict[str, np.ndarray]:
    """Euclidean distances in pixels: the mean over points, float64 [N], and of each point, [N, P]; NaN = unknown."""
    true, predicted = (np.asarray(s["landmarks"], np.float64) for s in (completions.labels, completions.predicted))
    distances = np.linalg.norm(predicted - true, axis=-1)
    hidden = np.where(in_hole(true, np.any(completions.missing, axis=-1)), distances, np.nan)
    return {
        "landmark_error": finite_mean(distances, axis=1),
        "landmark_error_hole": finite_mean(hidden, axis=1),
        "landmark_error_by_point": distances,
        "landmark_error_hole_by_point": hidden,
    }


def in_hole(points: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Whether the pixel of each point is missing: x, y [N, P, 2], NaN = unknown; bool [N, H, W] -> bool [N, P]."""
    pixels = np.rint(np.nan_to_num(points, nan=-1.0)).astype(int)
    x, y = pixels[..., 0], pixels[..., 1]
    inside = (x >= 0) & (x < missing.shape[2]) & (y >= 0) & (y < missing.shape[1])
    return inside & missing[np.arange(len(missing))[:, None], np.where(inside, y, 0), np.where(inside, x, 0)]


COLUMNS = ("landmark_error", "landmark_error_hole", "landmark_error_by_point", "landmark_error_hole_by_point")

METRIC = Metric(
    name="landmarks",
    columns=tuple(Column(name, "pixels", LOWER, 3) for name in COLUMNS),
    definition=(
        "landmark error: Euclidean distance between true and predicted point in pixels of the prepared image, mean "
        "over an image's known points, then averaged over images; landmark_error_by_point: each point by itself; "
        "landmark_error_hole and landmark_error_hole_by_point: of the points alone whose pixel is missing"
    ),
    rows=rows,
    averages=COLUMNS,
    labels=("landmarks",),
)
