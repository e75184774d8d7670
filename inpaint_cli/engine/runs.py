"""A run directory: configuration, metrics, sample grids, curves, checkpoints, and one writer at a time.

run.json  metrics.jsonl  curves.png  samples/step-00000100.png  checkpoints/step-00000100.safetensors  lock
checkpoints/best.safetensors, where the run validates; profile.pt.trace.json.gz, tensorboard/events.out.tfevents.*,
wandb_id and W&B's own wandb/, where they were asked for

What is called otherwise is the user's, and is neither read nor removed. A directory with run.json, checkpoints or
metrics holds a run.
"""

import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from inpaint_cli.engine.checkpoints import Checkpoint, newest_valid, read_checkpoint, read_named, write_checkpoint
from inpaint_cli.errors import BusyError, InputError, UsageError
from inpaint_cli.files import clear_leftovers, naming, refuse_file, replacing
from inpaint_cli.records.checkpoints import BEST, step_name, steps_in
from inpaint_cli.records.runs import KEEP, Metrics, read_configuration, read_metrics, row_text

GRID = ".png"  # how sample grids end


class RunDirectory:
    def __init__(self, path: Path):
        self.path = path
        self.checkpoints, self.samples = path / "checkpoints", path / "samples"
        self.configuration, self.metrics, self.curves = path / "run.json", path / "metrics.jsonl", path / "curves.png"
        self.profile = path / "profile.pt.trace.json.gz"  # a name that TensorBoard knows
        self._valid: dict[int, bool] = {}  # what is known of its checkpoints, by step
        self._anew: Mapping[str, Any] | None = None  # the configuration of what takes an earlier run's place

    # ---- whose it is -------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory; `BusyError` when another process does. The lock ends with its process.

        What killed processes left unfinished is cleared; of a run that ends before its first step nothing stays.
        """
        refuse_file(self.path, "--outdir")
        folders, lock = (self.path, self.checkpoints, self.samples), self.path / "lock"
        made = [path for path in (*folders, lock) if not os.path.lexists(path)]
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = _acquired(lock)
        try:
            for folder in folders:
                folder.mkdir(exist_ok=True)
                clear_leftovers(folder, again=True)
            begins = not self.used
            try:
                yield
            except BaseException:
                if begins and not self._stepped:
                    self.clear()
                raise
        finally:
            if not self.used:
                _remove_empty(reversed(made))
            os.close(descriptor)

    @property
    def used(self) -> bool:
        """Whether it holds a run, or what is left of one."""
        return os.path.lexists(self.configuration) or self._stepped

    @property
    def _stepped(self) -> bool:
        """Whether it holds anything that a step made."""
        if os.path.lexists(self.checkpoints / BEST) or steps_in(self.checkpoints):
            return True
        return self.metrics.is_file() and self.metrics.stat().st_size > 0

    def begin_anew(self, configuration: Mapping[str, Any]) -> None:
        """To be said in every process: what an earlier run left is not this run's, and stays until `replace`."""
        self._anew = configuration

    @property
    def replaces(self) -> bool:
        """Whether what it holds is another run's still, in whose place this one has to come."""
        return self._anew is not None

    def replace(self, writes: bool) -> None:
        """Once a step is taken, which shows that this run can be trained. writes: in the process that leads."""
        assert self._anew is not None
        if writes:
            self.clear()
            self.write_configuration(self._anew)
        self._anew = None

    def clear(self) -> None:
        """Remove what an earlier run left; only files that a run writes."""
        grids, checkpoints = steps_in(self.samples, GRID).values(), steps_in(self.checkpoints).values()
        events, identity = (self.path / "tensorboard").glob("events.out.tfevents.*"), self.path / "wandb_id"
        written = (*grids, *checkpoints, *events, self.checkpoints / BEST, self.metrics, self.curves, self.profile)
        for path in (*written, identity, self.configuration):
            path.unlink(missing_ok=True)
        self._valid.clear()

    # ---- what it trains ----------------------------------------------------------------------------------------------

    def write_configuration(self, configuration: Mapping[str, Any]) -> None:
        with replacing(self.configuration) as temporary:
            temporary.write_text(json.dumps(configuration, indent=2, sort_keys=True) + "\n")

    def read_configuration(self) -> dict[str, Any]:
        """What run.json says; `InputError` where it is missing or says what none says."""
        return read_configuration(self.configuration)

    # ---- checkpoints -------------------------------------------------------------------------------------------------

    def newest(self) -> tuple[Checkpoint | None, list[str]]:
        found, problems = newest_valid(self.checkpoints)
        if found is not None:
            self._valid[found.header.step] = True
        return found, problems

    def write_checkpoint(
        self, step: int, tensors: Mapping[str, Tensor], header: Mapping[str, Any], keep: int = KEEP, every: int = 0
    ) -> Path:
        """Write one, and let go of those that are too many."""
        path = self.checkpoints / step_name(step)
        write_checkpoint(path, tensors, header)
        self._valid[step] = True
        self._prune(step, keep, every)
        return path

    def _prune(self, step: int, keep: int, every: int) -> None:
        """Remove what is older than the `keep` newest that are valid, this one among them, but each `every`-th step.

        What is called after a later step is not looked at: it is damaged, since otherwise the run had gone on from it.
        """
        valid = 0
        for number, path in steps_in(self.checkpoints).items():
            if number > step:
                continue
            if valid < keep:
                valid += self._is_valid(number)
            elif not every or number % every:
                path.unlink()

    def _is_valid(self, step: int) -> bool:
        if step not in self._valid:
            with contextlib.suppress(InputError):
                self._valid[step] = read_named(self.checkpoints / step_name(step)) is not None
        return self._valid.setdefault(step, False)

    def write_best(self, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
        """Beside the newest: the checkpoint that validated best, which completes."""
        write_checkpoint(self.checkpoints / BEST, tensors, header)

    # ---- metrics and samples -----------------------------------------------------------------------------------------

    def append_metrics(self, rows: Iterable[Mapping[str, Any]]) -> None:
        with naming(self.metrics), self.metrics.open("a") as file:
            file.writelines(map(row_text, rows))

    def read_metrics(self) -> Metrics:
        """Every whole row of this run; a last line cut short by a killed process is passed over."""
        return Metrics([]) if self.replaces else read_metrics(self.metrics)

    def grids(self) -> dict[int, Path]:
        """Sample grids by step."""
        return dict(sorted(steps_in(self.samples, GRID).items()))

    def write_grid(self, step: int) -> contextlib.AbstractContextManager[Path]:
        return replacing(self.samples / step_name(step, GRID))

    def forget_after(self, step: int) -> None:
        """Drop metrics, sample grids and the best checkpoint of steps that will be done again."""
        rows = [row for row in self.read_metrics().rows if row["step"] <= step]
        with replacing(self.metrics) as temporary, temporary.open("w") as file:
            file.writelines(map(row_text, rows))
        for number, grid in self.grids().items():
            if number > step:
                grid.unlink()
        self._forget_best_after(step)

    def _forget_best_after(self, step: int) -> None:
        best = self.checkpoints / BEST
        with contextlib.suppress(InputError):  # absent or damaged: it is written again
            if read_checkpoint(best).header.step <= step:
                return
        best.unlink(missing_ok=True)


def _acquired(path: Path) -> int:
    """The descriptor that holds a lock, in a file that is made if need be; what a file of this name holds is kept."""
    with naming(path):
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise UsageError(f"{path} is no regular file, and this name is the lock's; give another --outdir")
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise BusyError(f"{path.parent}: another process is training into this directory") from None
            if os.fstat(descriptor).st_nlink:
                return descriptor
            os.close(descriptor)  # who held it before was refused, and took the file away


def _remove_empty(paths: Iterable[Path]) -> None:
    """Files without contents, and folders without entries."""
    for path in paths:
        with contextlib.suppress(OSError):
            if path.is_dir():
                path.rmdir()
            elif path.stat().st_size == 0:
                path.unlink()
