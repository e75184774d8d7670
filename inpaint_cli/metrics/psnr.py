"""Peak signal-to-noise ratio."""

from collections.abc import Mapping

import numpy as np

from inpaint_cli.metrics.metric import Column, Completions, Metric, Rows
from inpaint_cli.metrics.pixels import mean_squared_errors

POOLED = {"psnr_pooled": "psnr_mse", "psnr_hole_pooled": "psnr_mse_hole"}


def decibels(mean_squared_error: np.ndarray | float) -> np.ndarray:
    """MSE on 0-255 -> dB: infinite for 0, NaN (no hole) stays NaN."""
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(255.0**2 / np.asarray(mean_squared_error, dtype=np.float64))


def rows(completions: Completions) -> dict[str, np.ndarray]:
    """dB, infinite where the images (or their holes) are identical; NaN for the hole of an image without one."""
    whole, hole = mean_squared_errors(completions)
    return {
        "psnr": decibels(whole),
        "psnr_hole": decibels(hole),
        "psnr_mse": whole,
        "psnr_mse_hole": hole,
    }


def pooled(means: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {column: decibels(means[error]) for column, error in POOLED.items()}


def count_identical(rows: Rows) -> dict[str, int]:
    return {
        "identical_images": int(np.isposinf(rows["psnr"]).sum()),
        "identical_holes": int(np.isposinf(rows["psnr_hole"]).sum()),
    }


METRIC = Metric(
    name="psnr",
    columns=tuple(Column(name, "dB", decimals=2) for name in ("psnr", "psnr_hole", *POOLED)),
    definition=(
        "PSNR: 10·log10(255² / MSE) in dB, per image, then averaged over images; identical images have none: they are "
        "counted, not averaged in; psnr_hole: from the missing values alone; psnr_pooled and psnr_hole_pooled: the "
        "PSNR of the averaged MSE"
    ),
    rows=rows,
    averages=("psnr", "psnr_hole", *POOLED.values()),
    derive=pooled,
    count=count_identical,
)
