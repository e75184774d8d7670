"""Masks from a folder: the memory that 12,000 of 512×512 take, how long reading takes, what drawing costs in a step."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from measure import side_by_side
from PIL import Image
from test_mask_drawing import COUNT, step_of

from inpaint_cli.masks import parse_masks

pytestmark = pytest.mark.benchmark
MASKS, DISTINCT, SIZE = 12_000, 60, 512  # as many as the published test set has; files that differ, linked
READS = """
import sys, time
from pathlib import Path
from PIL import Image

from inpaint_cli.masks import parse_masks

def status(name):
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024

Image.init()  # every decoder is imported
process = parse_masks(f"folder:{sys.argv[1]}")
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew: importing has one of its own
before, began = status("VmRSS"), time.perf_counter()
process.read()
print(before, status("VmHWM"), time.perf_counter() - began)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Strokes of 1 to 60 % of the image, as PNG files."""
    folder = tmp_path_factory.mktemp("masks")
    generator = torch.Generator().manual_seed(0)
    known = parse_masks("strokes:0.01-0.6").draw(DISTINCT, (1, SIZE, SIZE), generator=generator)
    for number in range(MASKS):
        path = folder / f"{number:05d}.png"
        if number < DISTINCT:
            Image.fromarray(np.where(known[number, 0].numpy() > 0, 0, 255).astype(np.uint8)).save(path)
        else:
            path.hardlink_to(folder / f"{number % DISTINCT:05d}.png")
    return folder


def test_memory_and_time_of_reading(folder):
    done = subprocess.run([sys.executable, "-c", READS, str(folder)], check=True, capture_output=True, text=True)
    before, after, seconds = map(float, done.stdout.split())
    bits = MASKS * SIZE * SIZE / 8
    print(f"\n{MASKS:,} masks of {SIZE}×{SIZE}: {seconds:.1f} s to read, {MASKS / seconds:,.0f} masks/s")
    print(f"  peak resident size grows by {(after - before) / 1e6:.1f} MB, their bits are {bits / 1e6:.1f} MB")
    print(f"  of the process: {before / 1e6:.0f} MB before, {after / 1e6:.0f} MB after")
    assert after - before < 400e6


@pytest.mark.parametrize(
    ("name", "size", "settings"),
    [("mde", 96, {"width": 16, "perceptual": 0}), ("context-encoder", 128, {"width": 16})],
)
def test_drawing_against_a_step(folder, name, size, settings):
    specs = [f"folder:{folder}", f"folder:{folder},fit=crop", "strokes:0.1-0.4"]
    process = [parse_masks(spec) for spec in specs]
    for each in process:
        each.read()
    step, times = step_of(name, size, **settings)
    generator = torch.Generator().manual_seed(0)

    def draws(each):
        def draw():
            for _ in range(times):
                each.draw(COUNT, (3, size, size), generator=generator, moved=True)

        return draw

    ways = {each.spec.replace(str(folder), "PATH"): draws(each) for each in process}
    seconds = side_by_side({"step": step, **ways}, rounds=40)
    whole = seconds.pop("step")
    print(f"\na step of {name}, width 16, {COUNT} images of {size}×{size}, {torch.get_num_threads()} threads: ", end="")
    print(f"{whole * 1e3:.0f} ms; it needs {times} batch{'es' if times > 1 else ''} of masks")
    for spec, value in seconds.items():
        print(f"  {spec:<40} {value * 1e3:>6.2f} ms   {value / whole:>6.2%} of the step")
