"""How large a photo may be: as large as this machine's memory lets it be completed, unless the user says otherwise."""

import os
from pathlib import Path

from inpaint_cli.errors import UsageError

ALWAYS = 64_000_000  # pixels that are decoded on any machine
BYTES_A_PIXEL = 32  # measured: 11 to 30 at the peak of reading, completing and writing, by format and depth
SHARE = 0.8  # of the memory that is free
PIXELS_A_BYTE = 5000  # a file that claims more is no photo: 1,032 at most in a PNG of 8 bits
MEGA = 1_000_000


def check_megapixels(most: float | None) -> None:
    """Raise `UsageError` for a limit that lets nothing through."""
    if most is not None and most <= 0:
        raise UsageError(f"--max-megapixels {most:g}: must be more than 0")


def most_pixels(megapixels: float | None = None) -> int:
    """How many pixels are decoded: what is asked for, or what the memory holds that is available now."""
    check_megapixels(megapixels)
    if megapixels is not None:
        return int(megapixels * MEGA)
    return max(ALWAYS, int(available_memory() * SHARE / BYTES_A_PIXEL))


def available_memory() -> int:
    """Bytes that this process may still take: of the machine, of its container, of its own limit."""
    found = [room for room in (_of_machine(), _of_container(), _of_process()) if room is not None]
    return max(min(found, default=0), 0)


def _of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (OSError, ValueError):
        return None


def _of_container() -> int | None:
    try:
        folder = Path("/sys/fs/cgroup")
        return int((folder / "memory.max").read_text()) - int((folder / "memory.current").read_text())
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return None


def _of_process() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit
