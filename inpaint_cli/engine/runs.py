"""A run directory: configuration, metrics, sample grids, curves, checkpoints, and one writer at a time.

run.json  metrics.jsonl  curves.png  samples/step-00000100.png  checkpoints/step-00000100.safetensors  lock
checkpoints/best.safetensors, where the run validates
"""

import contextlib
import fcntl
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from inpaint_cli.engine.checkpoints import BEST, PATTERN, Checkpoint, newest_valid, read_checkpoint, write_checkpoint
from inpaint_cli.errors import BusyError, InputError, UsageError
from inpaint_cli.files import replacing

KEEP = 2  # checkpoints: the newest, and one before it in case the newest is damaged


class RunDirectory:
    def __init__(self, path: Path):
        self.path = path
        self.checkpoints, self.samples = path / "checkpoints", path / "samples"
        self.configuration, self.metrics, self.curves = path / "run.json", path / "metrics.jsonl", path / "curves.png"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory; `BusyError` when another process does. The lock ends with its process."""
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"{self.path} is a file; --outdir names a directory")
        for folder in (self.path, self.checkpoints, self.samples):
            folder.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(f"{self.path}: another process is training into this directory") from None
            try:
                yield
            finally:
                if not self.used:
                    self._remove_if_empty()

    def _remove_if_empty(self) -> None:
        """Leave nothing behind of a run that was refused before it began."""
        (self.path / "lock").unlink(missing_ok=True)
        for folder in (self.checkpoints, self.samples, self.path):
            with contextlib.suppress(OSError):
                folder.rmdir()

    @property
    def used(self) -> bool:
        return self.configuration.exists()

    def clear(self) -> None:
        """Remove what an earlier run left, for `--overwrite`; only files that a run writes."""
        written = (*self.checkpoints.glob(PATTERN), self.checkpoints / BEST, *self.samples.glob("step-*.png"))
        for path in (*written, self.metrics, self.curves):
            path.unlink(missing_ok=True)
        self.configuration.unlink(missing_ok=True)

    def write_configuration(self, configuration: Mapping[str, Any]) -> None:
        with replacing(self.configuration) as temporary:
            temporary.write_text(json.dumps(configuration, indent=2, sort_keys=True) + "\n")

    def read_configuration(self) -> dict[str, Any]:
        try:
            return json.loads(self.configuration.read_text())
        except (OSError, ValueError) as error:
            raise InputError(f"{self.configuration}: unreadable ({error}); it holds the run's settings") from None

    def newest(self) -> tuple[Checkpoint | None, list[str]]:
        return newest_valid(self.checkpoints)

    def write_checkpoint(self, step: int, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> Path:
        path = self.checkpoints / f"step-{step:08d}.safetensors"
        write_checkpoint(path, tensors, header)
        for old in sorted(self.checkpoints.glob(PATTERN), reverse=True)[KEEP:]:
            old.unlink()
        return path

    def write_best(self, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
        """Beside the newest: the checkpoint that validated best, which completes."""
        write_checkpoint(self.checkpoints / BEST, tensors, header)

    def append_metrics(self, rows: Iterable[Mapping[str, Any]]) -> None:
        with self.metrics.open("a") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)

    def read_metrics(self) -> list[dict[str, Any]]:
        """Every whole row; a last line cut short by a killed process is left out."""
        if not self.metrics.exists():
            return []
        rows = []
        for line in self.metrics.read_text().splitlines():
            with contextlib.suppress(ValueError):
                rows.append(json.loads(line))
        return rows

    def forget_after(self, step: int) -> None:
        """Drop metrics, sample grids and the best checkpoint of steps that will be done again."""
        rows = [row for row in self.read_metrics() if row["step"] <= step]
        with replacing(self.metrics) as temporary:
            temporary.write_text("".join(json.dumps(row) + "\n" for row in rows))
        for grid in self.samples.glob("step-*.png"):
            if int(grid.stem.removeprefix("step-")) > step:
                grid.unlink()
        self._forget_best_after(step)

    def _forget_best_after(self, step: int) -> None:
        best = self.checkpoints / BEST
        with contextlib.suppress(InputError):  # absent or damaged: it is written again
            if read_checkpoint(best).header["step"] <= step:
                return
        best.unlink(missing_ok=True)
