"""Two gloo processes against one on the same global batch: what averaging costs, the most that overlap could save."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.benchmark
HERE = Path(__file__).parent
LAUNCHER = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
METHODS = {
    "context-encoder": ({"width": 16}, "block:48"),
    "mde": ({"width": 16, "perceptual": 0}, "rec:0.1"),
}


def quietest(name, launcher, way, path):
    """Of one step: seconds, this process's seconds of work, and seconds in which tensors are averaged."""
    settings, spec = METHODS[name]
    roots = [HERE, HERE.parent, HERE.parent / "engine", HERE.parents[1]]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(map(str, roots))}
    arguments = [HERE / "two_processes.py", name, json.dumps(settings), spec, way, path]
    subprocess.run([sys.executable, *launcher, *map(str, arguments)], check=True, env=environment)
    return [min(values) for values in zip(*json.loads(path.read_text()), strict=True)]


@pytest.mark.parametrize("name", METHODS)
def test_two_processes_beside_one(name, tmp_path):
    ways = {
        "one process": ([], "local"),
        "two": (LAUNCHER, "local"),
        "two, --sync-batchnorm": (LAUNCHER, "sync"),
    }
    print(f"\na step of {name}, width 16, batch 16, 96×96, one thread in each process: ms, quietest of ten")
    first = None
    for title, (launcher, way) in ways.items():
        wall, work, averaging = quietest(name, launcher, way, tmp_path / "found.json")
        first = first or (wall, work)
        processes = 2 if launcher else 1
        print(
            f"  {title:<24} {1000 * wall:7.1f}, ratio {wall / first[0]:.2f}; processor time of all "
            f"{processes * 1000 * work:7.1f}, ratio {processes * work / first[1]:.2f}; averaging {1000 * averaging:.1f}"
        )
