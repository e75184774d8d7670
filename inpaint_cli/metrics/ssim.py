"""Structural similarity (Wang et al. 2004), as scikit-image computes it."""

import numpy as np
from skimage.metrics import structural_similarity

from inpaint_cli.errors import InputError

DEFINITION = (
    "SSIM: Wang et al. 2004, Gaussian window with sigma 1.5 (11×11 pixels), no sample covariance, data range 255, mean "
    "over channels (scikit-image), per image, then averaged over images"
)
WINDOW = 11  # pixels: scikit-image cuts the Gaussian at 3.5 sigma


def ssim(original: np.ndarray, completed: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, C] twice -> float64 [N] in [-1, 1]; `InputError` for images smaller than the window."""
    height, width = original.shape[1:3]
    if min(height, width) < WINDOW:
        raise InputError(f"SSIM needs images of at least {WINDOW}×{WINDOW} pixels; these have {width}×{height}")
    return np.array([_ssim_of_pair(*pair) for pair in zip(original, completed, strict=True)], dtype=np.float64)


def _ssim_of_pair(original: np.ndarray, completed: np.ndarray) -> float:
    return structural_similarity(
        original,
        completed,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=-1,
    )
