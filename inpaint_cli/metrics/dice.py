"""Dice coefficient of label maps, of the whole face and of what lies in the hole."""

from collections.abc import Mapping

import numpy as np

from inpaint_cli.errors import InputError
from inpaint_cli.metrics.metric import Column, Completions, Metric
from inpaint_cli.metrics.statistics import finite_mean

LABELS = 11  # Helen's, of which number 0 is the background
PARTS = slice(1, LABELS - 1)  # the parts of a face that table 2 of collaGAN lists: without hair, the last label


def rows(completions: Completions) -> dict[str, np.ndarray]:
    """2 |A ∩ B| / (|A| + |B|) of each label, in %: NaN where neither map has it; of all pixels, and of missing ones."""
    true, predicted = (np.asarray(source["parsing"]) for source in (completions.labels, completions.predicted))
    if max(true.max(initial=0), predicted.max(initial=0)) >= LABELS:
        raise InputError(
            f"label maps hold the labels 0 to {LABELS - 1}; these go up to {max(true.max(), predicted.max())}"
        )
    missing = np.any(completions.missing, axis=-1)
    return _rows("dice", true, predicted, np.ones_like(missing)) | _rows("dice_hole", true, predicted, missing)


def _rows(name: str, true: np.ndarray, predicted: np.ndarray, where: np.ndarray) -> dict[str, np.ndarray]:
    overlap, size = (np.empty((len(true), LABELS)) for _ in range(2))
    for label in range(LABELS):
        here, said = (true == label) & where, (predicted == label) & where
        overlap[:, label] = 2 * (here & said).sum(axis=(1, 2))
        size[:, label] = here.sum(axis=(1, 2)) + said.sum(axis=(1, 2))
    by_label = _ratio(overlap, size)
    return {
        name: finite_mean(by_label[:, 1:], axis=1),
        f"{name}_by_label": by_label,
        f"{name}_overlap": overlap,
        f"{name}_size": size,
    }


def _ratio(overlap: np.ndarray, size: np.ndarray) -> np.ndarray:
    return np.where(size > 0, 100.0 * overlap / np.maximum(size, 1e-300), np.nan)


def derive(means: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    derived = {}
    for name, parts in (("dice", "dice_parts"), ("dice_hole", "dice_parts_hole")):
        pooled = _ratio(means[f"{name}_overlap"], means[f"{name}_size"])
        derived[f"{name}_pooled"] = finite_mean(pooled[..., 1:], axis=-1)
        derived[parts] = finite_mean(means[f"{name}_by_label"][..., PARTS], axis=-1)
    return derived


COLUMNS = (
    *("dice", "dice_hole", "dice_parts", "dice_parts_hole", "dice_pooled", "dice_hole_pooled"),
    *("dice_by_label", "dice_hole_by_label"),
)

METRIC = Metric(
    name="dice",
    columns=tuple(Column(name, "%", decimals=2) for name in COLUMNS),
    definition=(
        "Dice: 2·|A ∩ B| / (|A| + |B|) of a label's pixels in the true and the predicted map, in %; per image, mean "
        "over the labels but the background that either map has, then averaged over images; dice_by_label: each label "
        "(0 = background), averaged over the images that have it; dice_parts: the mean of those but background and "
        "hair, as table 2 of collaGAN averages; dice_pooled: from the pixels of all images together, mean over the "
        "labels but the background; dice_hole and the like: the same from missing pixels alone"
    ),
    rows=rows,
    averages=tuple(
        f"{name}{part}" for name in ("dice", "dice_hole") for part in ("", "_by_label", "_overlap", "_size")
    ),
    derive=derive,
    labels=("parsing",),
)
