"""FID features, the Fréchet distance and SSIM, each beside what people use for it; run with `make benchmark`."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from measure import report, side_by_side
from PIL import Image
from scipy.linalg import sqrtm
from skimage.metrics import structural_similarity

from inpaint_cli.metrics import Completions, choose, load_statistics, measure
from inpaint_cli.metrics.frechet import Statistics, distance, statistics
from inpaint_cli.networks.inception import random_state

pytestmark = pytest.mark.benchmark
RANDOM = np.random.default_rng(0)
IMAGES = 256  # in each of the two folders: so many that the start does not decide
WEIGHTS = "hub/checkpoints/pt_inception-2015-12-05-6726825d.pth"
OURS = """
import sys
from pathlib import Path
import numpy as np
from PIL import Image
from inpaint_cli.metrics import save_statistics
from inpaint_cli.metrics.frechet import statistics
from inpaint_cli.weights import load_helper

folder, output, weights = map(Path, sys.argv[1:])
images = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.iterdir())])
network, _ = load_helper("inception", str(weights))
save_statistics(output, statistics(network.describe(images)["features"]))
"""


def folder_of_images(folder: Path, noise: float) -> None:
    folder.mkdir()
    for index in range(IMAGES):
        coarse = Image.fromarray(RANDOM.integers(0, 256, (4, 4, 3), dtype=np.uint8)).resize((96, 96))
        noisy = np.asarray(coarse) + RANDOM.normal(0, noise, (96, 96, 3))
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(folder / f"{index:04}.png")


def test_statistics_for_the_fid_against_pytorch_fids_command(tmp_path):
    names = ("original", "completed")
    for name, noise in zip(names, (5, 25), strict=True):
        folder_of_images(tmp_path / name, noise)
    (tmp_path / WEIGHTS).parent.mkdir(parents=True)
    torch.save(random_state(), tmp_path / WEIGHTS)
    environment = {**os.environ, "TORCH_HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}

    def run(command: list[str], *more: str) -> None:
        for name in names:
            output = tmp_path / f"{name}-{len(more)}.npz"
            output.unlink(missing_ok=True)
            given = [str(tmp_path / name), str(output), *more]
            subprocess.run([sys.executable, *command, *given], env=environment, check=True, capture_output=True)

    seconds = side_by_side(
        {
            "ours": lambda: run(["-c", OURS], str(tmp_path / WEIGHTS)),
            "python -m pytorch_fid --save-stats": lambda: run(["-m", "pytorch_fid", "--device", "cpu", "--save-stats"]),
        },
        rounds=1,
    )
    title = f"FID statistics of 2 × {IMAGES} PNG images, 96×96, decoding and start-up included"
    report(title, seconds, "images/s", 2 * IMAGES)
    ours, theirs = (distance(*(load_statistics(tmp_path / f"{name}-{kind}.npz") for name in names)) for kind in (1, 0))
    print(f"  FID {ours:.6f} against {theirs:.6f}: {abs(ours / theirs - 1):.1e} apart")
    assert ours == pytest.approx(theirs, rel=1e-3)


def test_frechet_distance_against_the_matrix_root():
    first, second = (spread_statistics(5000) for _ in range(2))

    def by_root() -> float:
        root = np.trace(sqrtm(first.covariance @ second.covariance)).real
        apart = ((first.mean - second.mean) ** 2).sum()
        return apart + np.trace(first.covariance) + np.trace(second.covariance) - 2 * root

    found = {}
    seconds = side_by_side(
        {
            "ours": lambda: found.update(ours=distance(first, second)),
            "scipy.linalg.sqrtm": lambda: found.update(theirs=by_root()),
        },
        rounds=1,
    )
    report("Fréchet distance of two statistics of 2048 features", seconds, "distances/s", 1)
    print(f"  {found['ours']:.9f} against {found['theirs']:.9f}: {abs(found['ours'] / found['theirs'] - 1):.1e} apart")
    assert found["ours"] == pytest.approx(found["theirs"], rel=1e-6)


def spread_statistics(images: int) -> Statistics:
    """Of features whose variances span orders of magnitude, as a network's do."""
    rotated = np.linalg.qr(RANDOM.normal(size=(2048, 2048)))[0]
    return statistics((RANDOM.normal(size=(images, 2048)) * np.exp(-np.arange(2048) / 300)) @ rotated)


def test_ssim_against_a_loop_of_scikit_image():
    original = RANDOM.integers(0, 256, (1000, 128, 128, 3), dtype=np.uint8)
    completed = np.clip(original + RANDOM.integers(-30, 31, original.shape, dtype=np.int16), 0, 255).astype(np.uint8)
    hole, found = np.ones(original.shape[:3], bool), {}

    def ours() -> None:
        found["ours"] = measure(Completions(original, completed, hole), choose(["ssim"]))["ssim"]

    def loop() -> None:
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
        pairs = zip(original, completed, strict=True)
        found["theirs"] = [structural_similarity(*pair, channel_axis=-1, **options) for pair in pairs]

    seconds = side_by_side({"ours, of the image and of the hole": ours, "scikit-image in a loop": loop}, rounds=2)
    report("SSIM of 1,000 pairs of 128×128 colour images", seconds, "images/s", 1000)
    np.testing.assert_allclose(found["ours"], found["theirs"], rtol=0, atol=1e-6)
