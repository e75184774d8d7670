"""Confusion-matrix error of attributes."""

from collections.abc import Mapping

import numpy as np

from inpaint_cli.metrics.metric import LOWER, Column, Completions, Metric
from inpaint_cli.metrics.statistics import finite_mean


def rows(completions: Completions) -> dict[str, np.ndarray]:
    """Each image's entry in the confusion matrix of each attribute, as 0 or 1: [N, A] each; NaN: nothing was said."""
    true, said = np.asarray(completions.labels["attributes"]) > 0, np.asarray(completions.predicted["attributes"])
    wrong = true != (said >= 0.5)
    entries = {"wrong": wrong, "missed": wrong & true, "present": true}
    found = {f"attribute_{name}": np.where(np.isnan(said), np.nan, values) for name, values in entries.items()}
    return {"attribute_error": 100.0 * finite_mean(found["attribute_wrong"], axis=1), **found}


def derive(means: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Off-diagonal parts of the confusion matrices, from means over images [..., A]."""
    wrong, missed, present = (means[f"attribute_{name}"] for name in ("wrong", "missed", "present"))
    absent, both = 1.0 - present, (present > 0) & (present < 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        halves = (missed / present + (wrong - missed) / absent) / 2
    return {
        "attribute_error_balanced": 100.0 * finite_mean(np.where(both, halves, np.nan), axis=-1),
        "attribute_error_by_attribute": 100.0 * wrong,
    }


METRIC = Metric(
    name="attributes",
    columns=(
        Column("attribute_error", "%", LOWER, 2),
        Column("attribute_error_balanced", "%", LOWER, 2),
        Column("attribute_error_by_attribute", "%", LOWER, 2),
    ),
    # The mde paper says "average trace of the confusion matrix", yet its smallest figure is its best, and its random
    # weights reach 19.79, about the error on CelebA of always giving each attribute's most frequent answer. So it
    # printed 100 % minus the trace of matrices that sum to one; with rows that sum to one that answer would get 50 %.
    definition=(
        "attribute error: 100 % minus the trace of each attribute's confusion matrix, which sums to 100 % over all "
        "images (the share of wrong answers), averaged over attributes (the mde paper's table 1); "
        "attribute_error_balanced: the mean of the two error rates, among images with and "
        "without the attribute, over the attributes that some images have and some lack"
    ),
    rows=rows,
    averages=("attribute_error", "attribute_wrong", "attribute_missed", "attribute_present"),
    derive=derive,
    labels=("attributes",),
)
