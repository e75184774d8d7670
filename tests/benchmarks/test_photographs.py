"""`patch` beside OpenCV's and scikit-image's fills: hole PSNR and seconds on photographs that scikit-image carries."""

import time

import numpy as np
import pytest
import torch
from skimage import data
from skimage.restoration import inpaint_biharmonic

from inpaint_cli.method import ImageShape
from inpaint_cli.methods.patch import METHOD

pytestmark = pytest.mark.benchmark
cv2 = pytest.importorskip("cv2")
PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee", "rocket", "coins", "brick", "grass", "gravel")
RADIUS = 5  # pixels that OpenCV's fills look at


def strokes(height: int, width: int, seed: int) -> np.ndarray:
    """Fourteen curves, two to six pixels wide. bool [H, W]"""
    random = np.random.default_rng(seed)
    hole = np.zeros((height, width), np.uint8)
    for _ in range(14):
        corners, along = random.uniform(0, 1, (4, 2)) * (width, height), np.linspace(0, 1, 40)[:, None]
        weights = ((1 - along) ** 3, 3 * (1 - along) ** 2 * along, 3 * (1 - along) * along**2, along**3)
        curve = sum(weight * corner for weight, corner in zip(weights, corners, strict=True))
        cv2.polylines(hole, [curve.round().astype(np.int32)], False, 1, int(random.integers(2, 7)))
    return hole > 0


def text(height: int, width: int, seed: int) -> np.ndarray:
    """Lines of letters with strokes of two pixels. bool [H, W]"""
    hole = np.zeros((height, width), np.uint8)
    for row in range(30, height - 10, 50):
        cv2.putText(hole, "the quick brown fox jumps over the lazy dog", (8, row), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 1, 2)
    return hole > 0


def blocks(height: int, width: int, seed: int) -> np.ndarray:
    """Squares of 48, 64 and 96 pixels. bool [H, W]"""
    random, hole = np.random.default_rng(seed), np.zeros((height, width), bool)
    for side in (48, 64, 96):
        top, left = random.integers(20, height - side - 20), random.integers(20, width - side - 20)
        hole[top : top + side, left : left + side] = True
    return hole


def by_patch(pixels: np.ndarray, hole: np.ndarray) -> np.ndarray:
    image = torch.from_numpy(np.atleast_3d(pixels)).permute(2, 0, 1)[None] / 127.5 - 1
    mask = torch.from_numpy(~hole).float()[None, None]
    method = METHOD(METHOD.Settings(), ImageShape(*image.shape[1:]), None)
    completed = method.complete(image * mask, mask, generator=torch.Generator().manual_seed(0))[0, 0]
    return ((completed + 1) * 127.5).round().permute(1, 2, 0).numpy().astype(np.uint8).reshape(pixels.shape)


def by_biharmonic(pixels: np.ndarray, hole: np.ndarray) -> np.ndarray:
    filled = inpaint_biharmonic(pixels / 255, hole, channel_axis=-1 if pixels.ndim == 3 else None)
    return (filled.clip(0, 1) * 255).round().astype(np.uint8)


WAYS = {
    "patch": by_patch,
    "Telea": lambda pixels, hole: cv2.inpaint(pixels, hole.astype(np.uint8), RADIUS, cv2.INPAINT_TELEA),
    "Navier-Stokes": lambda pixels, hole: cv2.inpaint(pixels, hole.astype(np.uint8), RADIUS, cv2.INPAINT_NS),
    "biharmonic": by_biharmonic,
}


def hole_psnr(completed: np.ndarray, pixels: np.ndarray, hole: np.ndarray) -> float:
    error = completed[hole].astype(float) - pixels[hole]
    return float(20 * np.log10(255) - 10 * np.log10(np.square(error).mean()))


def mean_gradient(image: np.ndarray, hole: np.ndarray) -> float:
    """How much detail the hole's pixels have: a blurred fill has less than the photograph."""
    return float(np.abs(np.diff(np.atleast_3d(image).mean(axis=2), axis=1))[hole[:, 1:]].mean())


@pytest.mark.parametrize("draw", [strokes, text, blocks], ids=lambda draw: draw.__name__)
def test_hole_psnr_detail_and_seconds(draw):
    results = {name: [] for name in WAYS}
    for seed, photograph in enumerate(PHOTOGRAPHS):
        pixels = np.ascontiguousarray(getattr(data, photograph)()[:512, :512])
        hole = draw(*pixels.shape[:2], seed)
        for name, way in WAYS.items():
            start = time.perf_counter()
            completed = way(pixels, hole)
            seconds = time.perf_counter() - start
            assert np.array_equal(completed[~hole], pixels[~hole]) or name == "biharmonic"  # that one rounds
            detail = mean_gradient(completed, hole) / mean_gradient(pixels, hole)
            results[name].append((hole_psnr(completed, pixels, hole), detail, seconds))
    print(f"\n{draw.__name__}: mean over {len(PHOTOGRAPHS)} photographs")
    means = {name: np.mean(rows, axis=0) for name, rows in results.items()}
    for name, (psnr, detail, seconds) in means.items():
        print(f"  {name:<16} hole PSNR {psnr:6.2f} dB   detail {detail:5.2f} of the photograph's   {seconds:6.2f} s")
    if draw is blocks:
        assert means["patch"][1] > 1.3 * max(means[name][1] for name in WAYS if name != "patch")
    else:
        assert means["patch"][0] > max(means[name][0] for name in WAYS if name != "patch") - 0.5
