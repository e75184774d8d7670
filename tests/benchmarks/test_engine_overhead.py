"""What the loop costs beside the arithmetic: `fit` against bare forward, backward and update of the same modules, in
processor time; and, since two such runs differ by more than that, each thing that the loop does beside them."""

import time
from dataclasses import replace

import pytest
import torch
from harness import ALONE, Split
from measure import report, side_by_side

from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.feeding import BatchStream
from inpaint_cli.engine.ledger import Ledger
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.randomness import seed_default_generators
from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.engine.training import Learner, fit, take_step
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape
from inpaint_cli.methods import method_class

pytestmark = pytest.mark.benchmark
SHAPE, BATCH, STEPS, ROUNDS = ImageShape(3, 96, 96), 16, 2, 25
PLAN = Plan(steps=1000, batch=BATCH, checkpoint_every=10**6, sample_every=10**6)
METHODS = {
    "mde": ({"width": 16, "perceptual": 0}, "rec:0.1"),
    "context-encoder": ({"width": 16}, "block:48"),
    "face-parser": ({"width": 16}, "none"),
}


class Quiet:
    """An observer that writes the metrics and nothing else."""

    finished = False

    def __init__(self, run):
        self.run = run

    def settled(self, rows):
        self.run.append_metrics(rows)

    def validate(self):
        raise AssertionError("the plan has no validations")

    def sample(self):
        pass

    save = begun = sample

    def note(self, text):
        pass


def build(name):
    settings, spec = METHODS[name]
    torch.manual_seed(0)
    kind, hardware = method_class(name), choose_hardware("cpu")
    masks = parse_masks(spec)
    method = hardware.place(kind(kind.Settings(**settings), SHAPE, masks)).train()
    parts = {"parsing": torch.randint(0, 11, (200, 96, 96), dtype=torch.uint8).numpy()}
    stream = BatchStream(Split(200, 96, **parts if name == "face-parser" else {}), masks, method, PLAN, hardware, ALONE)
    return method, stream, hardware


def loop(name, folder):
    """Two steps of the program's own loop: batches, masks, averaged weights, the ledger, metrics in their file."""
    method, stream, hardware = build(name)
    learner = Learner(method, hardware, ALONE, PLAN)

    def steps():
        learner.plan = replace(PLAN, steps=learner.step + STEPS)
        fit(learner, stream, Quiet(RunDirectory(folder)))

    return steps


def bare(name):
    """The same modules on one batch that lies ready."""
    method, stream, hardware = build(name)
    optimizers = {key: player.optimizer(player.parameters()) for key, player in method.players.items()}
    batch = stream.get(0)
    decoy = batch.fresh_mask()
    batch.draw_mask = lambda: decoy

    def step():
        batch.shared.clear()
        for turn in method.turns():
            optimizers[turn.player].zero_grad(set_to_none=True)
            with hardware.autocast():
                terms = turn.loss(batch)
            sum(terms.values()).backward(inputs=method.players[turn.player].parameters())
            optimizers[turn.player].step()

    def steps():
        for _ in range(STEPS):
            step()

    return steps


@pytest.mark.parametrize("name", METHODS)
def test_the_loop_beside_the_bare_arithmetic(name, tmp_path):
    ways = {"forward, backward, update": bare(name), "the engine's loop": loop(name, tmp_path)}
    seconds = side_by_side(ways, ROUNDS, time.process_time)
    title = f"{STEPS} steps of {name}, width 16, batch {BATCH}, 96×96, {torch.get_num_threads()} threads"
    report(title, seconds, "steps/s", STEPS)


@pytest.mark.parametrize("name", METHODS)
def test_what_the_loop_does_beside_the_arithmetic(name):
    """A step's batch with its masks, norms of gradients, seeds of turns, averages over time, losses to the log."""
    method, stream, hardware = build(name)
    learner = Learner(method, hardware, ALONE, PLAN)
    updates, ledger, turns = take_step(learner, stream), Ledger(learner), method.turns()
    steps = iter(range(10**6))

    def norms():
        for turn in turns:
            learner._limited(method.players[turn.player].parameters())

    def log():
        ledger.note(updates)
        ledger.settle()

    ways = {
        "forward, backward, update": bare(name),
        "batch": lambda: stream.get(next(steps)),
        "norms": norms,
        "seeds": lambda: [seed_default_generators(0, "step", 1, number) for number in range(len(turns))],
        "end of the step": learner.end_step,
        "log": log,
    }
    seconds = side_by_side(ways, ROUNDS, time.process_time)
    arithmetic = seconds.pop("forward, backward, update") / STEPS
    print(f"\nbeside a step of {name}, {1000 * arithmetic:.1f} ms of processor time:")
    for what, value in seconds.items():
        print(f"  {what:<20} {1000 * value:6.2f} ms, {100 * value / arithmetic:.2f} %")
    print(
        f"  {'together':<20} {1000 * sum(seconds.values()):6.2f} ms, {100 * sum(seconds.values()) / arithmetic:.2f} %"
    )
