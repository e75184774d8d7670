"""`--gpus N`: the command in N processes of one machine, which end together, with one message: the first cause.

torch's own launcher knows no SIGUSR1, gives each process's end a traceback, and leaves its processes training when it
is killed itself; on several machines `torchrun` starts what this starts on one.
"""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import torch
from torch.distributed import PrefixStore, Store, TCPStore

from inpaint_cli.engine.processes import LAUNCHER, PREFIX, SAVED, STORE
from inpaint_cli.engine.signals import ANSWER, ENDING, SAVING
from inpaint_cli.errors import FAULTS, EnvironmentFault, InpaintError

LOOPBACK = "127.0.0.1"
LOOK = 0.05  # seconds between two looks at the processes
GRACE = ((15.0, signal.SIGTERM), (45.0, signal.SIGKILL))  # after the first has failed, for the others to save
SOON = 5.0  # seconds from when all is saved until who saved has said so and ended, and those that are left hang
LONGEST_FAULT = 65_536  # bytes: what a pipe holds


class ProcessesEnded(InpaintError):
    """Not all of the processes did what they were started for."""

    def __init__(self, message: str, exit_code: int):
        super().__init__(message)
        self.exit_code = exit_code


@dataclass
class Started:
    """One process, and the pipe through which it hands over its last message."""

    rank: int
    process: subprocess.Popen[bytes]
    faults: int

    def message(self) -> str:
        """What it said when it failed; nothing where it was killed, or ended by a fault of ours."""
        try:
            return os.read(self.faults, LONGEST_FAULT).decode(errors="replace")
        except BlockingIOError:
            return ""

    @property
    def ended_by(self) -> int:
        """The number of the signal that ended it, or 0."""
        return max(0, -(self.process.returncode or 0))

    @property
    def exit_code(self) -> int:
        """As a shell has it."""
        return 128 + self.ended_by if self.ended_by else self.process.returncode


def launch(processes: int, device: str, arguments: list[str]) -> int:
    """Run `inpaint ARGUMENTS` in `processes` processes; the exit code of the whole is that of the first that failed.

    Raises `ProcessesEnded` with the first cause where a process had one to tell.
    """
    if device != "cpu" and torch.cuda.device_count() < processes:
        raise EnvironmentFault(
            f"--gpus {processes}: this machine has {torch.cuda.device_count()} GPUs; "
            f"--device cpu runs {processes} CPU processes"
        )
    store = TCPStore(LOOPBACK, 0, is_master=True, wait_for_workers=False)
    started = [_start(rank, processes, store.port, arguments) for rank in range(processes)]
    try:
        with _handing_on_signals(started, quiet={*arguments} & {"-q", "--quiet"} != set()):
            failed = _first_failure(started)
            if failed is None:
                return 0
            _end_others(started, PrefixStore(PREFIX, store))
    finally:
        for one in started:
            one.process.kill()
            one.process.wait()
    message = _first_cause(failed, started)
    if message:
        raise ProcessesEnded(message, failed.exit_code)
    return failed.exit_code


def _start(rank: int, processes: int, port: int, arguments: list[str]) -> Started:
    """In a process group of its own: a terminal's Ctrl-C reaches the launcher alone, which hands it on."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    threads = str(max(1, (os.cpu_count() or 1) // processes))
    environment = {
        "OMP_NUM_THREADS": threads,
        **os.environ,
        STORE: f"{LOOPBACK}:{port}",
        LAUNCHER: str(os.getpid()),
        FAULTS: str(writing),
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
    }
    command = [sys.executable, "-m", "inpaint_cli", *arguments]
    process = subprocess.Popen(command, env=environment, pass_fds=[writing], process_group=0, stdin=subprocess.DEVNULL)
    os.close(writing)
    return Started(rank, process, reading)


@contextmanager
def _handing_on_signals(started: list[Started], quiet: bool) -> Iterator[None]:
    def hand_on(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and not quiet:
            os.write(sys.stderr.fileno(), f"note: {ANSWER}\n".encode())
        _send(started, number)

    previous = {number: signal.signal(number, hand_on) for number in (*ENDING, SAVING)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _send(started: list[Started], number: int) -> None:
    for one in started:
        one.process.send_signal(number)  # to nobody where it has ended


def _first_failure(started: list[Started]) -> Started | None:
    """Wait for the first that fails; None when all have done their work."""
    while True:
        codes = [one.process.poll() for one in started]
        failed = [one for one, code in zip(started, codes, strict=True) if code]
        if failed:
            # Of several, one that was killed is the cause; what is lost by it ends by itself.
            return max(failed, key=lambda one: (one.ended_by > 0, -one.rank))
        if all(code == 0 for code in codes):
            return None
        time.sleep(LOOK)


def _end_others(started: list[Started], store: Store) -> None:
    """Those that are left notice by themselves, save, and end; they are helped if they do not."""
    begun, saved = time.monotonic(), math.inf
    for turn, (seconds, number) in enumerate(GRACE, 1):
        while any(one.process.poll() is None for one in started):
            now = time.monotonic()
            saved = min(saved, now) if store.check([SAVED]) else math.inf
            if now > min(begun + seconds, saved + turn * SOON):
                _send(started, number)
                break
            time.sleep(LOOK)


def _first_cause(failed: Started, started: list[Started]) -> str:
    if not failed.ended_by:
        return failed.message()
    name = signal.Signals(failed.ended_by).name
    memory = ", maybe by the system for want of memory" if failed.ended_by == signal.SIGKILL else ""
    said = next(filter(None, (one.message() for one in started if one is not failed)), "")
    _, _, left = said.partition("; ")  # of those that noticed: what is left, and how to go on
    return f"process {failed.rank} of {len(started)} was ended by {name}{memory}" + (f"; {left}" if left else "")
