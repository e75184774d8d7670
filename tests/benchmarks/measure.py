"""Side-by-side timing: the ways take turns, so that a machine that slows down slows them all."""

import time
from collections.abc import Callable

import torch

from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.training import Learner
from inpaint_cli.masks import MaskProcess
from inpaint_cli.method import Batch, Method


def side_by_side(
    ways: dict[str, Callable[[], None]], rounds: int = 5, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Seconds of the fastest of `rounds` calls of each way, after one call that is not counted.

    clock: `time.process_time` where other programs share the machine and no thread waits for another.
    """
    seconds = {name: float("inf") for name in ways}
    for way in ways.values():
        way()
    for _ in range(rounds):
        for name, way in ways.items():
            start = clock()
            way()
            seconds[name] = min(seconds[name], clock() - start)
    return seconds


def report(title: str, seconds: dict[str, float], unit: str, amount: float) -> None:
    """Print each way's rate and how many times faster the first way is."""
    first = next(iter(seconds.values()))
    print(f"\n{title}")
    for name, value in seconds.items():
        print(f"  {name:<48} {amount / value:>12,.1f} {unit}   ratio {value / first:.2f}")


def engine_step(method: Method, count: int, masks: MaskProcess) -> Callable[[], None]:
    """One step of the method through the engine, as `inpaint train` sets it up here, on `count` images of noise."""
    hardware = choose_hardware("cpu")
    learner = Learner(hardware.place(method), hardware, Team(), Plan(steps=1000, batch=count))
    channels, height, width = method.shape
    image = (torch.rand(count, height, width, channels) * 2 - 1).permute(0, 3, 1, 2)
    draws = torch.Generator().manual_seed(0)

    def draw():
        return masks.draw(count, method.shape, generator=draws)

    def step():
        batch = Batch(image, draw(), {}, draw)
        for turn in method.turns():
            learner.take_turn(turn, [batch])
        learner.end_step()

    return step
