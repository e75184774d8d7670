"""Squared error without the border that the unsupervised paper's patches never show."""

import numpy as np

from inpaint_cli.metrics.metric import LOWER, Column, Completions, Metric
from inpaint_cli.metrics.pixels import TO_SIGNED, mean_where, squared_error

BORDER = 4  # pixels, section 3.2 of the unsupervised paper


def rows(completions: Completions) -> dict[str, np.ndarray]:
    error = squared_error(completions)
    inside = np.zeros(error.shape, bool)
    inside[:, BORDER:-BORDER, BORDER:-BORDER] = True
    return {"mse_signed_inner": mean_where(error, inside) * TO_SIGNED**2}


METRIC = Metric(
    name="inner",
    columns=(Column("mse_signed_inner", "", LOWER, 5),),
    definition=(
        f"mse_signed_inner: mse_signed without a border of {BORDER} pixels, which masks patches:N,K never show to a "
        "model that learns from observations"
    ),
    rows=rows,
    averages=("mse_signed_inner",),
    smallest_side=2 * BORDER + 1,
)
