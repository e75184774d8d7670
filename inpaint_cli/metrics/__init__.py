"""Metrics on uint8 images: one file each, its definition beside it and printed with every result."""

from collections.abc import Mapping

import numpy as np

from inpaint_cli.metrics import mse, psnr, ssim

DEFINITIONS = {"psnr": psnr.DEFINITION, "ssim": ssim.DEFINITION, "mse": mse.DEFINITION}


def measure(original: np.ndarray, completed: np.ndarray, hole: np.ndarray) -> dict[str, np.ndarray]:
    """Every metric per image: float64 [N] each.

    original, completed: uint8 [N, H, W, C]; hole: bool [N, H, W] or [N, H, W, C], true = missing. `psnr` is infinite
    for identical images, and the metrics of the hole are NaN for images without one: `summarise` counts both.
    """
    if not original.dtype == completed.dtype == np.uint8 or original.shape != completed.shape:
        given = f"{original.dtype} {original.shape} and {completed.dtype} {completed.shape}"
        raise ValueError(f"two uint8 stacks of one shape are compared, not {given}")
    return {
        "psnr": psnr.psnr(original, completed),
        "ssim": ssim.ssim(original, completed),
        "mse": mse.mse(original, completed),
        "psnr_hole": psnr.psnr_hole(original, completed, hole),
        "mse_hole": mse.mse_hole(original, completed, hole),
    }


def summarise(per_image: Mapping[str, np.ndarray]) -> dict[str, float | int | None]:
    """What `measure` gave, possibly of several batches joined -> means, and how many images each leaves out.

    A mean over no image at all is None, never NaN.
    """
    return {
        **{name: _finite_mean(values) for name, values in per_image.items()},
        "psnr_pooled": _pooled(per_image["mse"]),
        "psnr_hole_pooled": _pooled(per_image["mse_hole"]),
        "images": len(per_image["mse"]),
        "identical_images": int(np.isposinf(per_image["psnr"]).sum()),
        "identical_holes": int(np.isposinf(per_image["psnr_hole"]).sum()),
        "images_without_hole": int(np.isnan(per_image["mse_hole"]).sum()),
    }


def _finite_mean(values: np.ndarray) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else None


def _pooled(mean_squared_errors: np.ndarray) -> float | None:
    """The PSNR of the averaged MSE; None where there is no error at all."""
    error = _finite_mean(mean_squared_errors)
    return float(psnr.decibels(error)) if error else None
