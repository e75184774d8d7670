"""Where a job runs: this process alone, or as one of several that share its work."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from inpaint_cli.engine.devices import Hardware, choose_hardware
from inpaint_cli.engine.launching import launch
from inpaint_cli.engine.processes import Team, join_team, launched, leave_team, local_rank

PATIENCE = timedelta(days=14)  # of a process that is done for the one with the most to do


class Place(NamedTuple):
    """Where this process computes, and with whom."""

    hardware: Hardware
    team: Team


def run_in_processes(processes: int, device: str, arguments: Sequence[str]) -> int | None:
    """Run `inpaint ARGUMENTS` in so many processes; its exit code. None: this process is to do the work itself."""
    if processes == 1 or launched():
        return None
    return launch(processes, device, list(arguments))


@contextmanager
def joined(device: str) -> Iterator[Place]:
    """This process's place among those that a launcher started, or alone; only plain data is exchanged."""
    hardware = choose_hardware(device, "fp32", local_rank())
    team = join_team("cpu", patience=PATIENCE)
    try:
        yield Place(hardware, team)
    finally:
        leave_team()
