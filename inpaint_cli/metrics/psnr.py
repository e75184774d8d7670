"""Peak signal-to-noise ratio."""

import numpy as np

from inpaint_cli.metrics.mse import mse, mse_hole

DEFINITION = (
    "PSNR: 10·log10(255² / MSE) in dB, per image, then averaged over images; identical images have none: they are "
    "counted, not averaged in; psnr_hole: from the missing values alone; psnr_pooled and psnr_hole_pooled: the PSNR of "
    "the averaged MSE"
)


def decibels(mean_squared_error: np.ndarray | float) -> np.ndarray:
    """MSE on 0-255 -> dB: infinite for 0, NaN (no hole) stays NaN."""
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(255.0**2 / np.asarray(mean_squared_error, dtype=np.float64))


def psnr(original: np.ndarray, completed: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, C] twice -> dB, float64 [N]; infinite where the images are identical."""
    return decibels(mse(original, completed))


def psnr_hole(original: np.ndarray, completed: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The same over the values where `hole` (bool, [N, H, W] or [N, H, W, C]) is true; NaN for no hole."""
    return decibels(mse_hole(original, completed, hole))
