"""`tv` on 512×512 pixels with 5 % missing, and on 12 megapixels: seconds, memory, and how far from converged."""

import resource
import time

import numpy as np
import pytest
import torch
from skimage import data

from inpaint_cli.method import ImageShape
from inpaint_cli.methods.tv import METHOD


def photograph(height: int = 512, width: int = 512) -> torch.Tensor:
    """[1, 3, H, W]: the astronaut, tiled by its mirror images where more is asked for."""
    photo = torch.from_numpy(data.astronaut()).permute(2, 0, 1).float() / 127.5 - 1
    rows, columns = (mirrored(length) for length in (height, width))
    return photo[:, rows][:, :, columns][None]


def mirrored(length: int) -> np.ndarray:
    return np.pad(np.arange(512), (0, max(length - 512, 0)), mode="symmetric")[:length]


def strokes(height: int, width: int, share: float, thickness: int) -> torch.Tensor:
    """Long curved strokes all over the image, until `share` of it is missing. [1, 1, H, W]"""
    random, missing = np.random.default_rng(0), np.zeros((height, width), dtype=bool)
    step = np.linspace(0, 1, 4 * max(height, width))[:, None]
    brush = np.hypot(*(np.mgrid[:thickness, :thickness] - thickness // 2)) <= thickness / 2
    while missing.mean() < share:
        first, middle, last = random.random((3, 2)) * (height - thickness, width - thickness)
        path = (first * (1 - step) ** 2 + 2 * middle * step * (1 - step) + last * step**2).astype(int)
        for row, column in np.argwhere(brush):
            missing[path[:, 0] + row, path[:, 1] + column] = True
    return torch.from_numpy(~missing).float()[None, None]


def block(height: int, width: int, share: float) -> torch.Tensor:
    mask, side = torch.ones(1, 1, height, width), int((height * width * share) ** 0.5)
    mask[..., height // 3 : height // 3 + side, width // 4 : width // 4 + side] = 0
    return mask


def total_variation(image: torch.Tensor) -> float:
    image = image.double()
    right, down = (image.diff(dim=axis, append=image.narrow(axis, -1, 1)) for axis in (-1, -2))
    return float((right.square() + down.square()).sum(dim=-3).sqrt().sum())


def completed(image: torch.Tensor, mask: torch.Tensor, **settings) -> tuple[torch.Tensor, float]:
    method = METHOD(METHOD.Settings(**settings), ImageShape(*image.shape[1:]), None)
    observed = torch.where(mask > 0, image, 0.0)
    start = time.perf_counter()
    result = method.complete(observed, mask)[:, 0]
    return result, time.perf_counter() - start


MASKS = {"strokes": strokes(512, 512, 0.05, 7), "block": block(512, 512, 0.05)}


@pytest.mark.benchmark
@pytest.mark.parametrize("name", MASKS)
def test_a_photograph_of_512_pixels_with_5_percent_missing(name):
    image, mask = photograph(), MASKS[name]
    long_run, long_seconds = completed(image, mask, tolerance=1e-6, iterations=5000)
    runs = [completed(image, mask) for _ in range(4)]
    result, seconds = runs[0][0], min(seconds for _, seconds in runs)
    hole = (mask == 0).expand_as(image)
    difference = float((result - long_run)[hole].abs().mean() * 127.5)
    excess = total_variation(result) / total_variation(long_run) - 1
    print(f"\ntv, 512×512, {name}, {int((mask == 0).sum())} pixels missing")
    print(f"  {seconds:.2f} s; until nothing moves by 1e-6: {long_seconds:.1f} s, ratio {long_seconds / seconds:.0f}")
    print(f"  functional {100 * excess:+.4f} % of the long run's, mean difference {difference:.3f} grey levels")
    assert abs(excess) < 1e-3 and difference < 0.5


@pytest.mark.benchmark
@pytest.mark.parametrize(("share", "thickness"), [(0.01, 9), (0.05, 30)])
def test_twelve_megapixels_with_long_strokes(share, thickness):
    image, mask = photograph(3000, 4000), strokes(3000, 4000, share, thickness)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _, seconds = completed(image, mask)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"\ntv, 12 megapixels, {int((mask == 0).sum())} pixels missing in long strokes of {thickness} pixels")
    print(f"  {seconds:.1f} s, the process's peak memory {peak / 2**20:.2f} GiB ({before / 2**20:.2f} GiB before)")
