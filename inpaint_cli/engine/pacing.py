"""How training goes beside its losses: time, speed, memory and learning rates, noted about once a second."""

import time
from collections.abc import Iterable, Mapping

from inpaint_cli.engine.stopwatch import PeakMemory
from inpaint_cli.engine.training import Learner
from inpaint_cli.records.runs import IMAGES_PER_SECOND, LEARNING_RATE, MEMORY, SECONDS

EVERY = 1.0  # seconds: steps may be short, and files and curves stay light


class Pace:
    """rows: what earlier processes of the run recorded; their time counts."""

    def __init__(self, learner: Learner, rows: Iterable[Mapping[str, float]] = ()):
        self.learner, self.memory = learner, PeakMemory(learner.hardware.device)
        self.before = max((row[SECONDS] for row in rows if SECONDS in row), default=0.0)
        self.began, self.first = time.monotonic(), learner.step
        self._noted, self._noted_step = self.began, self.first

    @property
    def images_per_second(self) -> float:
        """Since this process began."""
        return self._rate(self.first, time.monotonic() - self.began)

    def _rate(self, since: int, seconds: float) -> float:
        return (self.learner.step - since) * self.learner.plan.batch / max(seconds, 1e-9)

    def facts(self) -> dict[str, float]:
        """Of the step that is done: seconds of training, images/s since the last facts, peak memory in MiB, rates.

        Nothing within a second of the last ones, but of the first step and of the last there are always some.
        """
        now, step = time.monotonic(), self.learner.step
        begins = self._noted_step == self.first
        if not begins and now - self._noted < EVERY and step < self.learner.plan.steps:
            return {}
        rate = self._rate(self._noted_step, now - self._noted)
        self._noted, self._noted_step = now, step
        return {
            SECONDS: round(self.before + now - self.began, 3),
            IMAGES_PER_SECOND: round(rate, 3),
            MEMORY: round(self.memory.read() / 2**20, 1),
            **self._learning_rates(),
        }

    def _learning_rates(self) -> dict[str, float]:
        """Of each player's latest update."""
        optimizers = self.learner.optimizers.items()
        return {f"{LEARNING_RATE}{player}": float(optimizer.param_groups[0]["lr"]) for player, optimizer in optimizers}
