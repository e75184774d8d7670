"""Errors that a user can act on, each with the exit code of the whole program.

0 done · 1 our bug · 2 usage · 3 bad input · 4 environment · 5 diverged · 6 directory busy · 130 Ctrl-C · 143 SIGTERM.
"""

import difflib
import os
from collections.abc import Iterable


class InpaintError(Exception):
    """What went wrong and what to do about it, in one message without a traceback."""

    exit_code = 1
    silent = False  # another process speaks of it


class UsageError(InpaintError):
    """The command line asks for something that does not exist or does not go together."""

    exit_code = 2


class InputError(InpaintError):
    """A file or folder that the user named is missing, damaged or of the wrong kind."""

    exit_code = 3


class EnvironmentFault(InpaintError):
    """The machine lacks something: disk, permission, device, memory, downloaded weights."""

    exit_code = 4


class DivergedError(InpaintError):
    """Training produced a loss that is not finite."""

    exit_code = 5


class BusyError(InpaintError):
    """Another process is writing to this run directory."""

    exit_code = 6


class Interrupted(InpaintError):
    """A signal asked the program to end; what it had is saved. 130 for Ctrl-C, 143 for SIGTERM."""

    def __init__(self, message: str, signal_number: int):
        super().__init__(message)
        self.signal_number, self.exit_code = signal_number, 128 + signal_number


FAULTS = "INPAINT_FAULTS"  # the descriptor through which one of several processes hands its launcher what went wrong


def told_launcher(message: str) -> bool:
    """Hand a last message to the launcher that speaks for all; False where there is none."""
    if FAULTS not in os.environ:
        return False
    try:
        os.write(int(os.environ[FAULTS]), message.encode(errors="backslashreplace")[:4096])
    except OSError:  # the launcher is gone
        return False
    return True


class Remark(UserWarning):
    """Not an error: a result stands, and its reader must know something about it."""


def printable(path: object) -> str:
    """A file name for a message: line breaks, control characters and stray bytes as escapes."""
    text = str(path)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def unknown(kind: str, name: str, choices: Iterable[str]) -> str:
    """`no method 'colagan'; did you mean 'collagan'? Choices: …`"""
    choices = sorted(choices)
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else "."
    return f"no {kind} '{name}'{hint} Choices: {', '.join(choices)}"


def is_out_of_memory(error: Exception) -> bool:
    """torch raises its own kinds: OutOfMemoryError on GPUs, a plain RuntimeError from the CPU's allocator."""
    known = ("can't allocate memory", "not enough memory")
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return named or any(words in str(error) for words in known)


def out_of_memory(error: Exception) -> str:
    """`out of memory`, with what the allocator says of its sizes."""
    return f"out of memory ({str(error).splitlines()[0]})" if str(error) else "out of memory"


TOO_FEW_AT_ONCE = "batch normalisation needs two images or more at once"


def is_too_few_at_once(error: Exception) -> bool:
    """What torch says of the variance of one value."""
    return isinstance(error, ValueError) and "Expected more than 1 value per channel" in str(error)
