"""Mean squared error."""

import numpy as np

DEFINITION = (
    "MSE: mean squared difference of pixel values in 0-255, over all channels, per image, then averaged over images; "
    "mse_hole: over the missing values alone (of each channel, where masks differ between channels), averaged over the "
    "images that have a hole"
)


def mse(original: np.ndarray, completed: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, C] twice -> float64 [N]"""
    return squared_error(original, completed).mean(axis=(1, 2, 3))


def mse_hole(original: np.ndarray, completed: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The same over the values where `hole` is true; NaN marks an image without hole.

    hole: bool [N, H, W, C], or [N, H, W] for all channels. Returns float64 [N].
    """
    hole = np.broadcast_to(hole if hole.ndim == 4 else hole[..., None], original.shape)
    missing = hole.sum(axis=(1, 2, 3))
    total = np.where(hole, squared_error(original, completed), 0.0).sum(axis=(1, 2, 3))
    return np.where(missing > 0, total / np.maximum(missing, 1), np.nan)


def squared_error(original: np.ndarray, completed: np.ndarray) -> np.ndarray:
    """Per value, without the wrap-around of uint8."""
    return (original.astype(np.float64) - completed) ** 2
