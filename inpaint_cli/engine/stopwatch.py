"""Where the time and the memory of a training step go."""

import contextlib
import ctypes
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.feeding import BatchStream, Rows
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.training import Learner, Update
from inpaint_cli.method import Batch, Method, Turn

PARTS = ("reading", "data", "forward", "backward", "update")  # data: what is made of rows that were read


def wait_for(device: torch.device) -> None:
    """Until a GPU has done what it was asked for; a CPU has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Stopwatch:
    """Seconds by part of a step. One part runs at a time; what belongs to none counts as update."""

    def __init__(self, device: torch.device):
        self.device = device
        self.waits = True  # false: a GPU is left to do what it was asked for while Python goes on
        self.start()

    def start(self) -> None:
        """Anew."""
        wait_for(self.device)
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._part, self._since = "update", time.perf_counter()

    def switch(self, part: str) -> str:
        """From here on `part` runs; returns what ran."""
        if self.waits:
            wait_for(self.device)
        now, before = time.perf_counter(), self._part
        self.seconds[before] += now - self._since
        self._part, self._since = part, now
        return before

    @contextlib.contextmanager
    def during(self, part: str) -> Iterator[None]:
        before = self.switch(part)
        yield
        self.switch(before)


class WatchedRows:
    """Rows whose reading is timed, or what of it is waited for."""

    def __init__(self, rows: Rows, watch: Stopwatch):
        self.rows, self.watch = rows, watch

    def take(self, indices: np.ndarray, following: np.ndarray) -> dict[str, Tensor]:
        with self.watch.during("reading"):
            return self.rows.take(indices, following)


class WatchedStream(BatchStream):
    """Batches that count as data, the further masks that they draw among them."""

    watch: Stopwatch

    def watched_by(self, watch: Stopwatch) -> "WatchedStream":
        self.watch, self.rows = watch, WatchedRows(self.rows, watch)
        return self

    def get(self, step: int, repetition: int = 0, part: int = 0) -> Batch:
        with self.watch.during("data"):
            batch = super().get(step, repetition, part)
        draw = batch.draw_mask
        assert draw is not None  # batches of a stream have masks

        def watched() -> Tensor:
            with self.watch.during("data"):
                return draw()

        batch.draw_mask = watched
        return batch


class WatchedLearner(Learner):
    """A learner whose losses, gradients and updates are timed."""

    def __init__(self, method: Method, hardware: Hardware, team: Team, plan: Plan, watch: Stopwatch):
        super().__init__(method, hardware, team, plan)
        self.watch = watch
        for optimizer in self.optimizers.values():
            optimizer.register_step_pre_hook(lambda *_: self._switch("update"))

    def take_turn(self, turn: Turn, parts: Iterable[Batch]) -> Update:
        """As ever. A loss's own gradients, such as those of a penalty, count as forward."""

        def loss(batch: Batch) -> dict[str, Tensor]:
            self.watch.switch("forward")
            terms = turn.loss(batch)
            self.watch.switch("backward")
            return terms

        return super().take_turn(turn._replace(loss=loss), parts)

    def _switch(self, part: str) -> None:
        self.watch.switch(part)


class PeakMemory:
    """The most memory in bytes since `reset`: of a GPU what torch reserved, else what the process held in RAM."""

    def __init__(self, device: torch.device):
        self.device = device

    def reset(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)
        else:
            with contextlib.suppress(OSError, AttributeError):  # without it the peak is that of the whole process
                ctypes.CDLL(None).malloc_trim(0)  # what was given back to the C library goes back to the system
                Path("/proc/self/clear_refs").write_text("5")

    def read(self) -> int:
        if self.device.type == "cuda":
            return torch.cuda.max_memory_reserved(self.device)
        return _resident("VmHWM")

    def held(self) -> int:
        """Now."""
        if self.device.type == "cuda":
            return torch.cuda.memory_reserved(self.device)
        return _resident("VmRSS")


def _resident(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
