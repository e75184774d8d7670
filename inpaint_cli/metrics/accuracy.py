"""Share of images whose class is named rightly."""

from collections.abc import Mapping

import numpy as np

from inpaint_cli.metrics.metric import Column, Completions, Metric
from inpaint_cli.metrics.statistics import finite_mean


def rows(completions: Completions) -> dict[str, np.ndarray]:
    """Each image's answer, right or wrong, and its place among the classes that are seen so far."""
    true = np.asarray(completions.labels["labels"]).astype(np.int64)
    right = (np.asarray(completions.predicted["labels"]).astype(np.int64) == true).astype(np.float64)
    return {"accuracy": 100.0 * right, "class": true}


def settle(rows: Mapping[str, np.ndarray], references: Mapping[str, object]) -> dict[str, float]:
    """The mean over classes, each over its images."""
    classes = np.unique(rows["class"])
    return {"accuracy_balanced": float(finite_mean(np.array([_of(rows, number) for number in classes]), axis=0))}


def _of(rows: Mapping[str, np.ndarray], number: int) -> float:
    return float(rows["accuracy"][rows["class"] == number].mean())


METRIC = Metric(
    name="labels",
    columns=(Column("accuracy", "%", decimals=2), Column("accuracy_balanced", "%", decimals=2)),
    definition=(
        "accuracy: the share of images whose class is the predicted one; accuracy_balanced: the mean over classes of "
        "their shares"
    ),
    rows=rows,
    averages=("accuracy",),
    settle=settle,
    labels=("labels",),
)
