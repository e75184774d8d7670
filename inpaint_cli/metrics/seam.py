"""How visible the hole's border is: the steps across it against the steps between neighbours inside."""

from collections.abc import Mapping

import numpy as np

from inpaint_cli.metrics.metric import LOWER, NEITHER, Column, Completions, Metric
from inpaint_cli.metrics.pixels import mean_where

AXES = (1, 2)  # neighbours lie below and to the right


def rows(completions: Completions) -> dict[str, np.ndarray]:
    """Mean absolute steps in 0-255, float64 [N]; NaN where there is no such pair, as in an image without a hole."""
    missing = completions.missing
    across = _of_pairs(missing, np.not_equal)
    inside = _of_pairs(missing, np.logical_and)
    return {
        "seam_across": mean_where(_steps(completions.completed), across),
        "seam_inside": mean_where(_steps(completions.completed), inside),
        "seam_across_original": mean_where(_steps(completions.original), across),
        "seam_inside_original": mean_where(_steps(completions.original), inside),
    }


def _of_pairs(missing: np.ndarray, which: np.ufunc) -> np.ndarray:
    """bool [N, P]: `which` of (one is missing, the other is missing), for all P pairs of neighbours."""
    pairs = [which(*_neighbours(missing, axis)) for axis in AXES]
    return np.concatenate([pair.reshape(len(missing), -1) for pair in pairs], axis=1)


def _steps(images: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, C] -> |difference| of all P pairs of neighbours in a channel, int16 [N, P]."""
    steps = [np.abs(np.subtract(*_neighbours(images, axis), dtype=np.int16)) for axis in AXES]
    return np.concatenate([step.reshape(len(images), -1) for step in steps], axis=1)


def _neighbours(values: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    count = values.shape[axis]
    return values.take(range(count - 1), axis), values.take(range(1, count), axis)


def derive(means: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        "seam": _ratio(means["seam_across"], means["seam_inside"]),
        "seam_original": _ratio(means["seam_across_original"], means["seam_inside_original"]),
    }


def _ratio(across: np.ndarray, inside: np.ndarray) -> np.ndarray:
    across, inside = np.asarray(across, np.float64), np.asarray(inside, np.float64)
    return np.divide(across, inside, out=np.full_like(across, np.nan), where=inside > 0)


METRIC = Metric(
    name="seam",
    columns=(
        Column("seam", "", LOWER, 3),
        Column("seam_original", "", NEITHER, 3),
        Column("seam_across", "", LOWER, 2),
        Column("seam_inside", "", NEITHER, 2),
    ),
    definition=(
        "seam: mean absolute difference of neighbouring values (below and to the right, in each channel, 0-255) of "
        "which one is missing (seam_across), over that of neighbours that both are missing (seam_inside): the ratio of "
        "the two averages over images; about 1 where no border shows; seam_original: of the originals, in the same "
        "places; none where a hole has no such neighbours"
    ),
    rows=rows,
    averages=("seam_across", "seam_inside", "seam_across_original", "seam_inside_original"),
    derive=derive,
)
