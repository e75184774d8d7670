"""Side-by-side timing: the ways take turns, so that a machine that slows down slows them all."""

import time
from collections.abc import Callable


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
