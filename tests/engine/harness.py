"""Runs the training loop on the toy method without the command line."""

from types import SimpleNamespace

import numpy as np
import torch
from toy import Toy

from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.feeding import BatchStream
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.randomness import seed_default_generators
from inpaint_cli.engine.training import Learner, fit
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape

ALONE = Team()
HEADER = {  # of a checkpoint: the least that one says
    "method": "toy", "settings": {}, "shape": [3, 12, 12], "masks": "noise:0.5", "step": 1, "steps": 4, "batch": 8,
    "accumulate": 1, "seed": 0, "precision": "fp32", "data_identity": "none", "recipe": "folder", "versions": {},
}  # fmt: skip


def header_of(made) -> dict:
    """The header of a learner as it stands."""
    return HEADER | {"step": made.learner.step}


HARDWARE = Hardware(torch.device("cpu"), "fp32")


class Split:
    """What the reader gives: images and labels as arrays."""

    name = "train"
    masks = None
    observed = False

    def __init__(self, count=20, size=12, seed=0, **labels):
        coarse = np.random.default_rng(seed).integers(0, 256, (count, size // 4, size // 4, 3), dtype=np.uint8)
        self.images = coarse.repeat(4, axis=1).repeat(4, axis=2)
        self.labels = {"labels": np.arange(count), **labels}
        self.names = [f"{row}.png" for row in range(count)]

    def __len__(self):
        return len(self.images)


class Observer:
    """Keeps what the loop reports; validation gives one of `answers` after the other."""

    finished = False

    def __init__(self, learner, answers=()):
        self.learner, self.rows, self.saved, self.sampled, self.notes = learner, [], [], [], []
        self.began, self.answers = [], iter(answers)

    def validate(self):
        return next(self.answers)

    def begun(self):
        self.began.append((self.learner.step, len(self.rows)))

    def settled(self, rows):
        self.rows.extend(rows)

    def save(self):
        self.saved.append(self.learner.step)

    def note(self, text):
        self.notes.append(text)

    def sample(self):
        self.sampled.append(self.learner.step)


def make(plan: Plan, team: Team = ALONE, masks="noise:0.5", split=None, size=12, hardware=HARDWARE, **toy):
    """A learner, its batches and an observer."""
    seed_default_generators(plan.seed, "initial weights")
    method = Toy(ImageShape(3, size, size), parse_masks(masks), **toy).to(hardware.device)
    learner = Learner(method, hardware, team, plan)
    stream = BatchStream(split or Split(), method.masks, method, plan, hardware, team)
    return SimpleNamespace(learner=learner, stream=stream, observer=Observer(learner), method=method)


def train(plan: Plan, team: Team = ALONE, **toy):
    made = make(plan, team, **toy)
    fit(made.learner, made.stream, made.observer)
    return made
