"""Run by test_two_processes, alone or under torch's launcher: what one step costs, and how much of it is averaging."""

import json
import sys
import time
from pathlib import Path

import torch
from harness import Split

from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.feeding import BatchStream
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team, join_team, launched, leave_team
from inpaint_cli.engine.randomness import seed_default_generators
from inpaint_cli.engine.training import Learner, take_step
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape
from inpaint_cli.methods import method_class

SHAPE, BATCH, STEPS = ImageShape(3, 96, 96), 16, 12


def main(name: str, settings: dict, spec: str, way: str, path: Path) -> None:
    torch.set_num_threads(1)
    team = join_team("cpu") if launched() else Team()
    kind, hardware, plan = method_class(name), choose_hardware("cpu"), Plan(1000, BATCH, sync_batchnorm=way == "sync")
    seed_default_generators(0, "initial weights")
    method = hardware.place(kind(kind.Settings(**settings), SHAPE, parse_masks(spec))).train()
    learner = Learner(method, hardware, team, plan)
    stream = BatchStream(Split(64, 96), parse_masks(spec), method, plan, hardware, team)
    averaging, average = [0.0], team.average

    def watched(tensors):
        team.wait()  # for the other: what follows is the work of averaging alone
        began = time.perf_counter()
        average(tensors)
        averaging[0] += time.perf_counter() - began

    team.average = watched
    found = []
    for _ in range(STEPS):
        averaging[0], wall, work = 0.0, time.perf_counter(), time.process_time()
        take_step(learner, stream)
        found.append((time.perf_counter() - wall, time.process_time() - work, averaging[0]))
    if team.leads:
        path.write_text(json.dumps(found[2:]))
    team.wait()
    leave_team()


main(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], sys.argv[4], Path(sys.argv[5]))
