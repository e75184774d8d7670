"""Dice coefficient of label maps."""

from collections.abc import Mapping

import numpy as np

from inpaint_cli.errors import InputError
from inpaint_cli.metrics.metric import Column, Completions, Metric
from inpaint_cli.metrics.statistics import finite_mean

LABELS = 11  # Helen's, of which number 0 is the background


def rows(completions: Completions) -> dict[str, np.ndarray]:
    """2 |A ∩ B| / (|A| + |B|) of each label, in %: NaN where neither map has it."""
    true, predicted = (np.asarray(source["parsing"]) for source in (completions.labels, completions.predicted))
    if max(true.max(initial=0), predicted.max(initial=0)) >= LABELS:
        raise InputError(
            f"label maps hold the labels 0 to {LABELS - 1}; these go up to {max(true.max(), predicted.max())}"
        )
    overlap, size = (np.empty((len(true), LABELS)) for _ in range(2))
    for label in range(LABELS):
        here, said = true == label, predicted == label
        overlap[:, label] = 2 * (here & said).sum(axis=(1, 2))
        size[:, label] = here.sum(axis=(1, 2)) + said.sum(axis=(1, 2))
    by_label = _ratio(overlap, size)
    return {
        "dice": finite_mean(by_label[:, 1:], axis=1),
        "dice_by_label": by_label,
        "dice_overlap": overlap,
        "dice_size": size,
    }


def _ratio(overlap: np.ndarray, size: np.ndarray) -> np.ndarray:
    return np.where(size > 0, 100.0 * overlap / np.maximum(size, 1e-300), np.nan)


def derive(means: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    pooled = _ratio(means["dice_overlap"], means["dice_size"])
    return {"dice_pooled": finite_mean(pooled[..., 1:], axis=-1)}


METRIC = Metric(
    name="dice",
    columns=(
        Column("dice", "%", decimals=2),
        Column("dice_pooled", "%", decimals=2),
        Column("dice_by_label", "%", decimals=2),
    ),
    definition=(
        "Dice: 2·|A ∩ B| / (|A| + |B|) of a label's pixels in the true and the predicted map, in %; per image, mean "
        "over the labels but the background that either map has, then averaged over images; dice_by_label: each label "
        "(0 = background), averaged over the images that have it; dice_pooled: from the pixels of all images together, "
        "mean over the labels but the background"
    ),
    rows=rows,
    averages=("dice", "dice_by_label", "dice_overlap", "dice_size"),
    derive=derive,
    labels=("parsing",),
)
