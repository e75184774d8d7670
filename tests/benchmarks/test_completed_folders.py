"""`evaluate --completed` of 1,000 pairs at 256×256 against the metrics alone, on arrays that are decoded already."""

import numpy as np
import pytest
from measure import report, side_by_side
from PIL import Image

import inpaint_cli
from inpaint_cli.engine.figures import GROUP, Protocol, rows_of
from inpaint_cli.metrics import DEFAULT, Completions, choose, intervals, joined, summarise

pytestmark = pytest.mark.benchmark
PAIRS, SIZE, DISTINCT = 1000, 256, 50


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Originals and completed images as PNG files, and their pixels."""
    folder, random = tmp_path_factory.mktemp("pairs"), np.random.default_rng(0)
    stacks = {"originals": [], "completed": []}
    for number in range(DISTINCT):
        coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((SIZE, SIZE))
        original = np.clip(np.asarray(coarse) + random.normal(0, 6, (SIZE, SIZE, 3)), 0, 255).astype(np.uint8)
        completed = original.copy()
        completed[64:160, 80:200] = np.asarray(coarse)[64:160, 80:200]
        for name, image in (("originals", original), ("completed", completed)):
            (folder / name).mkdir(exist_ok=True)
            Image.fromarray(image).save(folder / name / f"{number:04d}.png")
            stacks[name].append(image)
    for number in range(DISTINCT, PAIRS):
        for name in stacks:
            (folder / name / f"{number:04d}.png").hardlink_to(folder / name / f"{number % DISTINCT:04d}.png")
    return folder, {name: np.stack(images) for name, images in stacks.items()}


def test_folders_against_the_metrics_alone(pairs):
    folder, stacks = pairs
    chosen, found = choose(DEFAULT), {}

    def metrics_alone():
        rows = []
        for start in range(0, PAIRS, GROUP):
            own = [place % DISTINCT for place in range(start, min(start + GROUP, PAIRS))]
            original, completed = stacks["originals"][own], stacks["completed"][own]
            hole = np.zeros(original.shape, bool)
            rows.append(rows_of(Completions(original, completed, hole), Protocol(chosen, PAIRS)))
        found["alone"] = summarise(joined(rows), chosen)
        intervals(joined(rows), chosen)

    def command():
        measured = inpaint_cli.evaluate(completed=[folder / "completed"], originals=folder / "originals", device="cpu")
        found["folders"] = measured.results[0]["metrics"]

    seconds = side_by_side({"metrics alone": metrics_alone, "evaluate --completed": command}, rounds=3)
    report(f"{PAIRS:,} pairs of {SIZE}×{SIZE}, {', '.join(DEFAULT)}", seconds, "pairs/s", PAIRS)
    assert found["folders"]["psnr"] == pytest.approx(found["alone"]["psnr"])
