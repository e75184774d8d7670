"""Which runs lie in a folder, and how far they are. Nothing that computes is imported."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from inpaint_cli.errors import InpaintError, InputError, printable
from inpaint_cli.records.runs import read_configuration, read_metrics

RUNS = Path("runs")  # where they go if nobody says so
CONFIGURATION, METRICS, LOCK = "run.json", "metrics.jsonl", "lock"
PLACES = (CONFIGURATION, f"*/{CONFIGURATION}", f"*/*/{CONFIGURATION}")  # a run, a folder of runs, a folder of those

State = Literal["training", "finished", "stopped", "damaged"]


@dataclass(frozen=True)
class RunEntry:
    """One run directory, as its files say. Of a damaged one the rest is unknown, and `problem` says why."""

    path: Path
    state: State
    changed: datetime  # when its metrics last grew, local time
    method: str = ""
    recipe: str = ""  # of the data
    masks: str = ""
    step: int = 0
    steps: int = 0  # that it is to take
    validation: float | None = None  # the best so far; None where it does not validate
    problem: str = ""

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**vars(self), "path": str(self.path), "changed": self.changed.isoformat(timespec="seconds")}


def runs(folder: Path | str = ".") -> list[RunEntry]:
    """The run directories in a folder, or two levels below it, the one that changed last first.

    `InputError` where there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{printable(folder)}: no such folder; `inpaint train` makes runs in runs/METHOD")
    found = [_entry(path.parent) for place in PLACES for path in folder.glob(place)]
    return sorted(found, key=lambda entry: entry.changed, reverse=True)


def _entry(path: Path) -> RunEntry:
    changed = datetime.fromtimestamp(max(_times(path)))
    try:
        configuration, rows = read_configuration(path / CONFIGURATION), read_metrics(path / METRICS).rows
    except InpaintError as error:
        return RunEntry(path, "damaged", changed, problem=str(error))
    step = int(rows[-1]["step"]) if rows else 0
    return RunEntry(
        path,
        "training" if is_held(path / LOCK) else "finished" if step >= configuration["steps"] else "stopped",
        changed,
        configuration["method"],
        configuration["recipe"],
        configuration["masks"],
        step,
        configuration["steps"],
        min((row["validation"] for row in rows if "validation" in row), default=None),
    )


def _times(path: Path) -> Iterator[float]:
    yield 0.0
    for name in (CONFIGURATION, METRICS):
        with contextlib.suppress(OSError):
            yield (path / name).stat().st_mtime


def is_held(lock: Path) -> bool:
    """Whether a process trains into the directory now. A shared lock asks without keeping one from beginning."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
