"""Where completions of one photo differ: their standard deviation, pixel by pixel, as a picture with a scale."""

import matplotlib
import numpy as np
from PIL import Image

from inpaint_cli.reports.grids import grid

COLOURS = "viridis"  # dark where samples agree
LEAST_WIDTH, SCALE_HEIGHT = 64, 12  # pixels of the scale


def deviation(samples: np.ndarray) -> np.ndarray:
    """uint8 [S, H, W, C] -> the standard deviation over the samples in levels of 0-255, mean over channels, [H, W]."""
    return samples.std(axis=0, dtype=np.float64).mean(axis=-1)


def uncertainty_drawn(samples: np.ndarray) -> Image.Image:
    """The deviation of uint8 [S, H, W, C] in colours, and below it what they mean, from 0 to the greatest."""
    spread = deviation(samples)
    greatest = float(spread.max())
    width = max(spread.shape[1], LEAST_WIDTH)
    scale = np.broadcast_to(np.linspace(0, 1, width), (SCALE_HEIGHT, width))
    words = f"standard deviation of {len(samples)} samples:\n0 to {greatest:.1f} of 255"
    return grid([[_coloured(spread / max(greatest, 1e-12))], [_coloured(scale)]], title=words)


def _coloured(shares: np.ndarray) -> np.ndarray:
    """[H, W] in [0, 1] -> uint8 [H, W, 3]."""
    return (matplotlib.colormaps[COLOURS](shares)[..., :3] * 255).round().astype(np.uint8)
