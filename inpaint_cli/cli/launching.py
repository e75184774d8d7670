"""`--gpus N`: the command is run again in N processes."""

import sys


def run_in_processes(gpus: int, device: str) -> None:
    """Return in a process that is to work; with several asked for, run them, and end as they end."""
    if gpus == 1:
        return
    from inpaint_cli.jobs.teams import run_in_processes

    code = run_in_processes(gpus, device, sys.argv[1:])
    if code is not None:
        raise SystemExit(code)
