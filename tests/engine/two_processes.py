"""Run by test_training under torch's launcher: the same training as one process, shared by two."""

import sys
from pathlib import Path

import torch
from harness import train

from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import join_team, leave_team, local_rank

folder, device = Path(sys.argv[1]), sys.argv[2]
hardware = choose_hardware(device, "fp32", local_rank())
team = join_team(device)
for name, plan, toy in (
    ("plain", Plan(steps=5, batch=8), {}),
    ("normalised", Plan(steps=5, batch=8, sync_batchnorm=True), {"normalise": True}),
):
    made = train(plan, team, hardware=hardware, **toy)
    torch.save(made.method.state_dict(), folder / f"{name}{team.rank}.pt")
leave_team()
