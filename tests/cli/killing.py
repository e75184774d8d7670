"""Trains one run that is killed again and again while it writes a checkpoint, and says what was left each time.

Run by test_killed_while_saving in a process of its own, which imports everything once, so that each of its children is
training a moment after the fork: killing.py DATA RUN KILLS
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import inpaint_cli
from inpaint_cli.engine.checkpoints import newest_valid
from inpaint_cli.files import UNFINISHED
from inpaint_cli.records.checkpoints import steps_in

STEPS = 400
SETTINGS = {"width": 8, "bottleneck": 16}
OPTIONS = {"masks": "block:8", "batch": 4, "settings": SETTINGS, "device": "cpu", "precision": "fp32"}
WRITES, WRITING = 2, 0.03  # up to so many checkpoints in a life; about as many seconds as one takes to be written
LOOK = 0.001  # seconds between two looks at whether one is being written


def train(data: Path, run: Path, steps: int) -> None:
    inpaint_cli.train("deep-l2", data, run, steps=steps, checkpoint_every=1, sample_every=STEPS, resume=True, **OPTIONS)


def life(data: Path, run: Path) -> int:
    """The number of a process that trains the run, from where the last one was killed."""
    child = os.fork()
    if child:
        return child
    try:
        train(data, run, STEPS)
    finally:
        os._exit(1)  # it trains longer than it is let


def unfinished(folder: Path) -> set[str]:
    return {entry.name for entry in os.scandir(folder) if UNFINISHED.fullmatch(entry.name)}


def killed(child: int, folder: Path, draws: random.Random) -> tuple[int, bool]:
    """Kill it within its n-th write: the newest step that was whole before, and whether a file was left half."""
    before = unfinished(folder)
    for _ in range(draws.randint(1, WRITES)):
        while not (found := unfinished(folder) - before):
            assert os.waitpid(child, os.WNOHANG) == (0, 0), "it ended by itself"
            time.sleep(LOOK)
        before |= found
    time.sleep(draws.uniform(0, WRITING))
    whole = max(steps_in(folder), default=0)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return whole, bool(unfinished(folder))


def main(data: Path, run: Path, kills: int) -> None:
    draws, folder, half, problems, lost = random.Random(0), run / "checkpoints", 0, [], 0
    folder.mkdir(parents=True)
    train(data, run.with_name("first"), 1)  # what is imported when it is needed is so now
    for _ in range(kills):
        whole, left = killed(life(data, run), folder, draws)
        newest, damaged = newest_valid(folder)
        half += left
        problems += damaged
        lost += (newest.header.step if newest else 0) < whole
    reached = max(steps_in(folder))
    print(json.dumps({"kills": kills, "half": half, "problems": problems, "lost": lost, "reached": reached}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
