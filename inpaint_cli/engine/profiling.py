"""`--profile N`: what N steps spend their time on, operation by operation, as TensorBoard and Perfetto show it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from torch.profiler import profile, record_function

from inpaint_cli.engine.ledger import Update
from inpaint_cli.engine.training import Learner
from inpaint_cli.files import replacing
from inpaint_cli.method import Batch, Turn

WARMING_UP = 1  # steps before those that are looked at: the first one sets much up


class Profiler(AbstractContextManager["Profiler"]):
    """Looks at a learner's next `steps` steps, and writes the trace after the last of them.

    A run that ends before has a trace of the steps that it came to, and none where it came to none.
    """

    def __init__(self, path: Path, steps: int, note: Callable[[str], object]):
        self.path, self.steps, self.note = path, steps, note
        self._waiting, self._seen = WARMING_UP, 0
        self._open, self._trace = ExitStack(), profile()

    def step(self) -> None:
        """Called after each step."""
        if self._waiting:
            self._waiting -= 1
            if not self._waiting:
                self._open.enter_context(self._trace)
        elif self._seen < self.steps:
            self._seen += 1
            if self._seen == self.steps:
                self._write()

    def _write(self) -> None:
        self._open.close()
        with replacing(self.path) as temporary:
            self._trace.export_chrome_trace(str(temporary))
        of = f"{self._seen} steps" if self._seen > 1 else "one step"
        self.note(f"the trace of {of} is {self.path}: TensorBoard and ui.perfetto.dev open it")

    def __exit__(self, *exc: object) -> None:
        if 0 < self._seen < self.steps:
            self._write()
        self._open.close()


class ProfiledLearner(Learner):
    """A learner whose steps are looked at: each turn and each batch has its name in the trace."""

    profiler: Profiler

    @contextmanager
    def looked_at(self, path: Path, steps: int, note: Callable[[str], object]) -> Iterator[None]:
        """Its next `steps` steps, within the block."""
        with Profiler(path, steps, note) as self.profiler:
            yield

    def take_turn(self, turn: Turn, parts: Iterable[Batch]) -> Update:
        with record_function(f"turn of {turn.player}"):
            return super().take_turn(turn, _named(parts))

    def end_step(self) -> None:
        super().end_step()
        self.profiler.step()


def _named(parts: Iterable[Batch]) -> Iterator[Batch]:
    batches = iter(parts)
    while True:
        with record_function("batch"):
            batch: Any = next(batches, None)
        if batch is None:
            return
        yield batch
