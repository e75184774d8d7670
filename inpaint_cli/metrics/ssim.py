"""Structural similarity (Wang et al. 2004), equal to scikit-image's, for whole batches at once."""

import numpy as np
from scipy.ndimage import correlate1d

from inpaint_cli.errors import InputError
from inpaint_cli.metrics.metric import Column, Completions, Metric
from inpaint_cli.metrics.pixels import mean_of_images, mean_where

SIGMA = 1.5
RADIUS = 5  # pixels: scikit-image cuts the Gaussian at 3.5 sigma, and leaves a border of this width out of the mean
WINDOW = 2 * RADIUS + 1
LUMINANCE, CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # C1 and C2


def rows(completions: Completions) -> dict[str, np.ndarray]:
    """float64 [N] in [-1, 1] each; `InputError` for images smaller than the window."""
    height, width = completions.original.shape[1:3]
    if min(height, width) < WINDOW:
        raise InputError(f"SSIM needs images of at least {WINDOW}×{WINDOW} pixels; these have {width}×{height}")
    index = similarity(completions.original, completions.completed)
    inner = index[:, RADIUS:-RADIUS, RADIUS:-RADIUS]
    return {"ssim": mean_of_images(inner), "ssim_hole": mean_where(index, completions.missing)}


def similarity(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The index at each pixel and channel, Eq. 13 of Wang et al.: uint8 [N, H, W, C] twice -> float64 of that shape."""
    x, y = first.astype(np.float64), second.astype(np.float64)
    mean_x, mean_y = blurred(x), blurred(y)
    variance_x, variance_y = blurred(x * x) - mean_x**2, blurred(y * y) - mean_y**2
    covariance = blurred(x * y) - mean_x * mean_y
    above = (2 * mean_x * mean_y + LUMINANCE) * (2 * covariance + CONTRAST)
    below = (mean_x**2 + mean_y**2 + LUMINANCE) * (variance_x + variance_y + CONTRAST)
    return above / below


def blurred(images: np.ndarray) -> np.ndarray:
    """Gaussian window along height, then width, borders mirrored. [N, H, W, C]"""
    for axis in (1, 2):
        images = correlate1d(images, gaussian(), axis=axis, mode="reflect")
    return images


def gaussian() -> np.ndarray:
    """The window's weights along one axis."""
    weights = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
    return weights / weights.sum()


METRIC = Metric(
    name="ssim",
    columns=(Column("ssim"), Column("ssim_hole")),
    definition=(
        "SSIM: Wang et al. 2004, Gaussian window with sigma 1.5 (11×11 pixels), no sample covariance, data range 255, "
        "mean over channels (as scikit-image), per image, then averaged over images; ssim_hole: mean of the same index "
        "over the missing values"
    ),
    rows=rows,
    averages=("ssim", "ssim_hole"),
    smallest_side=WINDOW,
)
