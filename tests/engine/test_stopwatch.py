"""Where a step's time and memory go, and how its arithmetic is counted."""

import mmap
import time
from types import SimpleNamespace

import pytest
import torch
from harness import ALONE, HARDWARE, Split
from toy import Toy

from inpaint_cli.engine import arithmetic, stopwatch
from inpaint_cli.engine.arithmetic import Arithmetic, counted, machine_rates
from inpaint_cli.engine.feeding import BatchStream
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.randomness import seed_default_generators
from inpaint_cli.engine.stopwatch import PARTS, PeakMemory, Stopwatch, WatchedLearner, WatchedStream
from inpaint_cli.engine.training import Learner, take_step
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape

CPU = torch.device("cpu")
PAUSE = 0.0625


def steps(watched, slow="", count=2, accumulate=1, clock=None):
    """The toy after some steps, and what the watch says; by this clock one part, `slow`, takes all the time."""
    seed_default_generators(0, "initial weights")
    plan, masks, watch = Plan(steps=10, batch=8, accumulate=accumulate), parse_masks("noise:0.5"), Stopwatch(CPU)
    method = Toy(ImageShape(3, 12, 12), masks)
    if watched:
        learner = WatchedLearner(method, HARDWARE, ALONE, plan, watch)
        stream = WatchedStream(Split(), masks, method, plan, HARDWARE, ALONE).watched_by(watch)
    else:
        learner = Learner(method, HARDWARE, ALONE, plan)
        stream = BatchStream(Split(), masks, method, plan, HARDWARE, ALONE)
    delay(slow, learner, stream, clock)
    watch.start()
    for _ in range(count):
        take_step(learner, stream)
    watch.switch("update")
    return method, watch.seconds


class Clock:
    """Time passes where a test says so, and nowhere else."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


def delay(part, learner, stream, clock):
    def late(function):
        def slower(*arguments, **more):
            clock.now += PAUSE
            return function(*arguments, **more)

        return slower

    if part == "reading":
        stream.rows.rows.take = late(stream.rows.rows.take)
    elif part == "data":
        stream.masks = SimpleNamespace(draw=late(stream.masks.draw))
    elif part == "forward":
        learner.method.painter.forward = late(learner.method.painter.forward)
    elif part == "backward":
        learner.method.painter.weight.register_hook(late(lambda gradient: gradient))
    elif part == "update":
        learner.optimizers["painter"].register_step_post_hook(late(lambda *_: None))


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("part", PARTS)
def test_time_is_booked_where_it_passes(part, accumulate, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(stopwatch, "time", clock)
    _, seconds = steps(watched=True, slow=part, accumulate=accumulate, clock=clock)
    assert seconds[part] >= 2 * PAUSE and sum(seconds.values()) == seconds[part]


def test_further_masks_count_as_data():
    watch = Stopwatch(CPU)
    stream = WatchedStream(Split(), parse_masks("noise:0.5"), Toy(ImageShape(3, 12, 12), None), Plan(steps=1, batch=2),
                           HARDWARE, ALONE)  # fmt: skip
    batch = stream.watched_by(watch).get(0)
    watch.start()
    watch.switch("forward")
    batch.fresh_mask()
    watch.switch("update")
    assert watch.seconds["data"] > 0 and watch.seconds["backward"] == 0


def test_watching_changes_nothing():
    (watched, _), (plain, _) = steps(watched=True), steps(watched=False)
    assert all(torch.equal(a, b) for a, b in zip(watched.parameters(), plain.parameters(), strict=True))


def test_memory_that_is_given_back_is_in_the_peak_until_reset():
    memory = PeakMemory(CPU)
    memory.reset()
    before = memory.held()
    with mmap.mmap(-1, 64 << 20) as pages:  # the system's own: what torch frees the allocator may keep
        pages[:: mmap.PAGESIZE] = bytes(len(pages) // mmap.PAGESIZE)
    assert memory.read() >= before + (60 << 20) and memory.held() < before + (30 << 20)
    memory.reset()
    assert memory.read() < before + (30 << 20)


# ---- arithmetic ------------------------------------------------------------------------------------------------------


def test_operations_are_counted_by_kind():
    """m·k·n multiplications and as many additions; a convolution's per output pixel."""
    rows, layer, image = torch.rand(3, 5), torch.nn.Conv2d(2, 4, 3), torch.rand(1, 2, 8, 8)
    assert counted(lambda: rows @ rows.T) == Arithmetic(2 * 3 * 5 * 3, 0)
    assert counted(lambda: layer(image)) == Arithmetic(0, 2 * (2 * 3 * 3) * (4 * 6 * 6))
    assert counted(lambda: layer(image).sum().backward()).convolution == 2 * counted(lambda: layer(image)).convolution
    assert counted(lambda: None).total == 0


def test_seconds_at_the_machines_rates_add_up():
    assert Arithmetic(100, 30).seconds_at(Arithmetic(50, 10)) == 5.0


def test_the_machines_rates_are_measured(monkeypatch):
    """One quarter of the work in a quarter of the time: what is measured is a rate."""
    monkeypatch.setattr(arithmetic, "ROUND_SECONDS", 0.01)
    monkeypatch.setitem(arithmetic.MATRIX, "cpu", 512)
    arithmetic._measured.cache_clear()  # another test may have measured
    rates = machine_rates(HARDWARE)
    assert machine_rates(HARDWARE) is rates
    matrix = torch.rand(512, 512)
    began = time.perf_counter()
    for _ in range(20):
        matrix @ matrix
    plain = 20 * 2 * 512**3 / (time.perf_counter() - began)
    assert 0.5 * plain < rates.matrix and rates.convolution > 1e8


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpus_time_and_memory_are_measured():
    device = torch.device("cuda", 0)
    memory, watch, matrix = PeakMemory(device), Stopwatch(device), torch.rand(4096, 4096, device=device)
    memory.reset()
    before = memory.held()
    watch.switch("forward")
    for _ in range(20):
        matrix @ matrix
    watch.switch("update")
    assert watch.seconds["forward"] > 1e-3, "the time until it is done, not until it is asked for"
    assert memory.read() >= before + 4 * 4096**2
