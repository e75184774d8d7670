"""Differences of pixel values, and their means over whole images and over holes: what several metrics share."""

import numpy as np

from inpaint_cli.metrics.metric import Completions

TO_SIGNED = 2.0 / 255.0  # one step of uint8 in [-1, 1]


def mean_squared_errors(completions: Completions) -> tuple[np.ndarray, np.ndarray]:
    """MSE on 0-255 of whole images and of holes (NaN: none), float64 [N] each."""
    error = squared_error(completions)
    return completions.once("mse", lambda: (mean_of_images(error), mean_where(error, completions.missing)))


def squared_error(completions: Completions) -> np.ndarray:
    """Of each value in 0-255, int32 [N, H, W, C] (exact)."""
    return completions.once("squared error", lambda: difference(completions) ** 2)


def difference(completions: Completions) -> np.ndarray:
    return completions.once(
        "difference", lambda: np.subtract(completions.completed, completions.original, dtype=np.int32)
    )


def mean_of_images(values: np.ndarray) -> np.ndarray:
    """[N, ...] -> float64 [N]. Integers are summed exactly, in whatever order."""
    return values.reshape(len(values), -1).mean(axis=1, dtype=np.float64)


def mean_where(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Mean of each image's chosen values, float64 [N]; NaN marks an image without any."""
    axes = tuple(range(1, values.ndim))
    count = chosen.sum(axis=axes)
    total = np.where(chosen, values, 0).sum(axis=axes, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def summed_over_channels(name: str, error: np.ndarray, scale: float, completions: Completions) -> dict[str, np.ndarray]:
    """scale × (1 / n²) Σ_pixels Σ_channels error, section 1 of the deep paper: of the whole image and of the hole."""
    missing = completions.missing
    return {
        name: scale * mean_of_images(error.sum(axis=-1)),
        f"{name}_hole": scale * mean_where(np.where(missing, error, 0).sum(axis=-1), np.any(missing, axis=-1)),
    }
