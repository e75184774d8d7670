"""Where a run goes if nobody says so: runs/NAME, and runs/NAME-2, runs/NAME-3, … where runs are there already."""

from collections.abc import Iterator
from pathlib import Path

from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.jobs.run_list import LOCK, RUNS, is_held


def place_of_run(outdir: Path | str | None, name: str, there: bool) -> tuple[RunDirectory, list[str]]:
    """The run directory, and what the user should know of it.

    outdir: that was named, if one was; there: a run that is there is meant, the one that was begun last.

    Several processes that train together find the same one: none of them writes before all have come together.
    """
    if outdir is not None:
        return RunDirectory(Path(outdir)), []
    taken = {number: path for number, path in _numbered(name) if _is_taken(path)}
    if not taken:
        return RunDirectory(RUNS / name), []
    last = max(taken)
    if not there:
        free = RUNS / f"{name}-{last + 1}"
        return RunDirectory(free), [f"the run directory is {free}, since {taken[last]} holds a run"]
    others = f"the run is {taken[last]}, the newest of {len(taken)} of this name; --outdir names another"
    return RunDirectory(taken[last]), [others] if len(taken) > 1 else []


def _numbered(name: str) -> Iterator[tuple[int, Path]]:
    """1 for runs/NAME, N for runs/NAME-N."""
    yield 1, RUNS / name
    for path in RUNS.glob(f"{name}-*"):
        number = path.name.removeprefix(f"{name}-")
        if number.isascii() and number.isdigit():
            yield int(number), path


def _is_taken(path: Path) -> bool:
    """Whether it holds a run, or another process is about to write one. What else lies there is nobody's run."""
    return RunDirectory(path).used or is_held(path / LOCK) or (path.exists() and not path.is_dir())
