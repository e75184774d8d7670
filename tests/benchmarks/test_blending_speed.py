"""Poisson editing of 64×64 holes in 128×128 images, beside OpenCV's seamlessClone and three spsolve calls."""

import cv2
import numpy as np
import pytest
import torch
from measure import report, side_by_side
from scipy import ndimage
from scipy.sparse.linalg import spsolve
from skimage import data

from inpaint_cli.blending import poisson
from inpaint_cli.blending.blends import poisson_blend

IMAGES, SIZE, SIDE = 64, 128, 64


def photographs() -> tuple[torch.Tensor, torch.Tensor]:
    """Crops of one photograph, and of another one as what is to be blended in. [64, 3, 128, 128], twice"""
    random = np.random.default_rng(0)

    def crops(photo):
        corners = random.integers(0, 512 - SIZE, size=(IMAGES, 2))
        stack = np.stack([photo[y : y + SIZE, x : x + SIZE] for y, x in corners])
        return torch.from_numpy(stack).permute(0, 3, 1, 2).float() / 127.5 - 1

    return crops(data.astronaut()), crops(np.ascontiguousarray(data.coffee()[:400, :512][:, ::-1]).repeat(2, 0)[:512])


def rectangle(top: int = 30, left: int = 28) -> torch.Tensor:
    mask = torch.ones(1, 1, SIZE, SIZE)
    mask[..., top : top + SIDE, left : left + SIDE] = 0
    return mask


def irregular(seed: int) -> torch.Tensor:
    """A blotch of about the area of the rectangle."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((SIZE, SIZE)), 6)
    rows, columns = np.mgrid[:SIZE, :SIZE] - SIZE // 2
    return torch.from_numpy(np.hypot(rows, columns) / 36 + 0.2 * noise / noise.std() >= 1).float()[None, None]


def right_sides(source: torch.Tensor, target: torch.Tensor, mask: torch.Tensor):
    """A, and r of one image in float64, by convolution: not by the code that is measured."""
    missing = mask[0, 0].numpy() <= 0
    jumps = np.where(missing, 0, (target - source).double().numpy())
    right = np.stack([ndimage.convolve(plane, [[0, 1, 0], [1, 0, 1], [0, 1, 0]], mode="constant") for plane in jumps])
    return missing, poisson.negative_laplacian(missing.shape, *np.nonzero(missing)), right[:, missing]


def three_spsolve_calls(source: torch.Tensor, target: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """[C, H, W] -> [C, H, W], float64: one factorisation for each channel, as most scripts do it."""
    missing, matrix, right = right_sides(source, target, mask)
    result = target.double().numpy().copy()
    for channel, plane in enumerate(result):
        plane[missing] = source[channel].double().numpy()[missing] + spsolve(matrix, right[channel])
    return torch.from_numpy(result)


def seamless_clone(source: torch.Tensor, target: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """OpenCV places the mask's bounding box around a centre, on uint8 pixels."""
    pixels = [((i.permute(1, 2, 0).numpy() + 1) * 127.5).round().astype(np.uint8) for i in (source, target)]
    hole = ((mask[0, 0].numpy() <= 0) * 255).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(hole)
    centre = (left + width // 2, top + height // 2)
    cloned = cv2.seamlessClone(*pixels, hole, centre, cv2.NORMAL_CLONE)
    return torch.from_numpy(cloned).permute(2, 0, 1) / 127.5 - 1


def worst_grey_level(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """Of what 8 bits can hold: a completion beyond black or white is no error of a solver."""
    return float((found.double().clamp(-1, 1) - wanted.clamp(-1, 1)).abs().max() * 127.5)


MASKS = {
    "one 64×64 rectangle": rectangle(),
    "one irregular hole": irregular(0),
    "64 rectangles": torch.cat([rectangle(*place) for place in np.random.default_rng(1).integers(1, 62, (IMAGES, 2))]),
    "64 irregular holes": torch.cat([irregular(seed) for seed in range(IMAGES)]),
}


@pytest.mark.benchmark
@pytest.mark.parametrize("name", MASKS)
def test_poisson_editing(name):
    source, target = photographs()
    mask = MASKS[name]
    single = source[0], target[0], mask[:1]

    def afresh():
        poisson.HOLES.holes.clear()
        poisson_blend(source, target, mask)

    seconds = side_by_side(
        {
            "poisson, batch of 64, mask factorised before": lambda: poisson_blend(source, target, mask),
            "poisson, batch of 64, mask not seen before": afresh,
            "OpenCV seamlessClone": lambda: [seamless_clone(*single) for _ in range(4)],
            "three spsolve calls": lambda: three_spsolve_calls(*single),
        }
    )
    per_call = {"OpenCV seamlessClone": 4, "three spsolve calls": 1}
    seconds = {way: value / per_call.get(way, IMAGES) for way, value in seconds.items()}
    report(f"Poisson editing, {name} ({int((mask[0] <= 0).sum())} pixels), 3 channels", seconds, "images/s", 1)
    print("  milliseconds per image: " + ", ".join(f"{1e3 * value:.2f}" for value in seconds.values()))
    blended = poisson_blend(source, target, mask).double()
    wanted = three_spsolve_calls(*single)
    error = worst_grey_level(blended[0], wanted)
    cloned = worst_grey_level(seamless_clone(*single), wanted)
    print(f"  largest error in grey levels: poisson {error:.6f}, OpenCV {cloned:.1f}")
    assert error < 1e-3
