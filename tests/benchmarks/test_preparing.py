"""Images per second of `prepare`, beside the same decoding, cutting and resizing in a bare pool and in one process."""

import os
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from conftest import smooth_pictures
from measure import report, side_by_side
from PIL import Image

from inpaint_cli.data.pool import default_workers
from inpaint_cli.data.preparing import prepare_file
from inpaint_cli.data.recipes import load_recipe

pytestmark = pytest.mark.benchmark
REPOSITORY = Path(__file__).parents[2]
REAL = REPOSITORY.parent / "shared" / "data" / "celeba"
BOX = (25, 57, 153, 185)  # the square that celeba-96 cuts
WORKERS = max(2, default_workers())
IMAGES = 16_000  # so many that starting processes does not decide


@pytest.fixture(scope="module")
def aligned(tmp_path_factory):
    """JPEGs of 178×218 with their partition: CelebA's own where they are here, else generated ones."""
    folder = tmp_path_factory.mktemp("celeba")
    images = folder / "img_align_celeba"
    images.mkdir()
    real = sorted((REAL / "img_align_celeba").glob("*.jpg"))[:IMAGES]
    pictures = [] if real else [Image.fromarray(p).resize((178, 218)) for p in smooth_pictures(64, 218)]
    for number in range(IMAGES):
        target = images / f"{number + 1:06d}.jpg"
        if real:
            target.write_bytes(real[number % len(real)].read_bytes())
        else:
            pictures[number % len(pictures)].save(target, quality=90)
    lines = [f"{path.name} {0 if number % 10 else 2}\n" for number, path in enumerate(sorted(images.iterdir()))]
    (folder / "list_eval_partition.txt").write_text("".join(lines))
    return folder


def decode_cut_resize(path: str) -> np.ndarray:
    """What anyone would write with Pillow."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").crop(BOX).resize((96, 96), Image.Resampling.BICUBIC))


def bare_pool(paths: list[str], workers: int) -> int:
    with get_context("spawn").Pool(workers) as pool:
        return sum(len(image) for image in pool.imap(decode_cut_resize, paths, chunksize=16))


def prepare(source: Path, output: Path, workers: int) -> None:
    recipe, text = load_recipe("celeba-96")
    prepare_file(recipe, text, source, output, workers=workers, overwrite=True)


def test_images_per_second(aligned, tmp_path):
    paths = [str(path) for path in sorted((aligned / "img_align_celeba").iterdir())]
    ways = {
        f"bare pool of {WORKERS}: decode, cut, resize, nothing written": lambda: bare_pool(paths, WORKERS),
        f"inpaint prepare --workers {WORKERS}": lambda: prepare(aligned, tmp_path / "a.h5", WORKERS),
        "one process: decode, cut, resize, nothing written": lambda: [decode_cut_resize(path) for path in paths],
        "inpaint prepare --workers 1": lambda: prepare(aligned, tmp_path / "b.h5", 1),
    }
    seconds = side_by_side(ways, rounds=2)
    report(f"celeba-96 of {len(paths):,} JPEGs", seconds, "images/s", len(paths))
    rates = list(seconds.values())
    print(f"  prepare to the bare pool: {rates[0] / rates[1]:.2f}; in one process: {rates[2] / rates[3]:.2f}")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


PEAK = """
import re, resource, sys
from pathlib import Path
from inpaint_cli.data.preparing import prepare_file
from inpaint_cli.data.recipes import load_recipe
if __name__ == "__main__":
    recipe, text = load_recipe("folder")
    prepare_file(recipe.resized(96), text, Path(sys.argv[1]), Path(sys.argv[2]), workers=2)
    own = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
    print(own / 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def test_memory_does_not_grow_with_the_set(aligned, tmp_path):
    (tmp_path / "peak.py").write_text(PEAK)
    files = sorted((aligned / "img_align_celeba").iterdir())
    peaks = {}
    for count in (2_000, 8_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count):
            (folder / f"{number:06d}.jpg").hardlink_to(files[number % len(files)])
        command = [sys.executable, str(tmp_path / "peak.py"), str(folder), str(tmp_path / f"{count}.h5")]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        peaks[count] = [float(value) for value in done.stdout.split()]
    print("\npeak memory of prepare with 2 workers, MiB")
    for count, (own, worker) in peaks.items():
        print(f"  {count:>6,} images: this process {own:.0f}, the largest worker {worker:.0f}")
    for small, large in zip(*peaks.values(), strict=True):
        assert large < small + 24  # 6,000 more images of 96×96 are 158 MiB
