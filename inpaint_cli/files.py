"""Files: read no further than is meant, and written so that they are whole or absent under their final name."""

import contextlib
import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from inpaint_cli.errors import EnvironmentFault, InputError, UsageError, printable

UNFINISHED = re.compile(r"\..+\.[a-z0-9_]{8}\.part(\.[^.]+)?")  # what `replacing` calls a file until it is whole
_cleared: set[Path] = set()  # folders whose leftovers this process has looked for

# ---- in --------------------------------------------------------------------------------------------------------------


def open_regular(path: Path) -> BinaryIO:
    """A regular file, to be read; `InputError` for anything else: a pipe or a device could keep us waiting for ever."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(f"{printable(path)}: cannot be read ({error.strerror})") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"{printable(path)}: is {'a folder' if Path(path).is_dir() else 'not a regular file'}")
    return os.fdopen(descriptor, "rb")


def read_whole(path: Path, limit: int) -> bytes:
    """A regular file's bytes, of which there may be no more than `limit`."""
    with open_regular(path) as file:
        try:
            content = file.read(limit + 1)
        except OSError as error:
            raise InputError(f"{printable(path)}: cannot be read ({error.strerror})") from None
    if len(content) > limit:
        raise InputError(f"{printable(path)}: has more than {limit:,} bytes")
    return content


# ---- out -------------------------------------------------------------------------------------------------------------


OF_A_RUN = ("run.json", "metrics.jsonl", "checkpoints/*.safetensors")


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raise `UsageError` when `path` exists and the user did not say `--overwrite`, or is no file: a link, a pipe."""
    if path.is_dir():
        raise UsageError(f"{path} is a directory; name a file")
    if path.is_symlink():
        raise UsageError(f"{path} is a link to {path.readlink()}; name that file itself")
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no regular file, and nothing replaces it; name another")
    if path.exists() and not overwrite:
        raise UsageError(f"{path} exists and was left as it is; give --overwrite to replace it")


def refuse_inputs(outputs: Iterable[Path | None], inputs: Iterable[Path | None]) -> None:
    """Raise `UsageError` where an output is what is read, by whatever name: no option replaces what was given."""
    files = (file for given in inputs if given is not None for file in _read_of(Path(given)))
    read: dict[object, Path] = {place: path for path in files if (place := _place(path)) is not None}
    for output in filter(None, outputs):
        place = _place(output)
        if place in read:
            other = "" if Path(output) == Path(read[place]) else f" ({printable(read[place])})"
            raise UsageError(f"{printable(output)} is what is read{other}; name another output")


def _read_of(given: Path) -> list[Path]:
    """What is read where this is given: of a run directory what it holds beside samples."""
    if not given.is_dir():
        return [given]
    return [given, *(file for pattern in OF_A_RUN for file in given.glob(pattern))]


def _place(path: Path) -> tuple[int, int] | None:
    """Which file it is, whatever leads to it; None where there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino)


def refuse_file(folder: Path, option: str) -> None:
    """`UsageError` where a file stands in the place of a folder that an option names."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; {option} names a directory")


def refuse_missing_folder(folder: Path) -> None:
    """Raise `EnvironmentFault` for a folder that does not exist, before any work for a file in it."""
    if not folder.is_dir():
        raise EnvironmentFault(f"the folder {folder} does not exist; make it first")


@contextmanager
def replacing(path: Path, overwrite: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; flush it to disk and rename it once the block ends well.

    Whatever happens inside the block, `path` holds the old file or the whole new one. The temporary file has the same
    name, since libraries choose formats by it, in a hidden folder of its own, where they may put what they like. That
    folder is locked: what a killed process left of one is cleared by the next that writes beside it.
    """
    path = Path(path)
    refuse_existing(path, overwrite)
    refuse_missing_folder(path.parent)
    clear_leftovers(path.parent)
    with naming(path), unfinished(path) as folder:
        temporary = folder / path.name
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # some libraries make private files
        flush_to_disk(temporary)
        refuse_existing(path, overwrite)
        temporary.replace(path)
        flush_to_disk(path.parent)


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """A hidden folder beside `path`, locked while the block lasts and gone after it."""
    folder, lock = _locked_folder(path)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _locked_folder(path: Path) -> tuple[Path, int]:
    """The folder, and the descriptor that holds its lock."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f".{path.stem[:64]}.", suffix=".part", dir=path.parent))
        lock = os.open(folder, os.O_RDONLY)
        with contextlib.suppress(OSError):  # on file systems without locks leftovers stay
            fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder, lock
        os.close(lock)  # it was taken for a leftover before it was locked


def clear_leftovers(folder: Path, again: bool = False) -> None:
    """Remove what killed processes left unfinished in a folder. Each process looks once, unless told to look again."""
    folder = folder.absolute()
    if folder in _cleared and not again:
        return
    _cleared.add(folder)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for name in [entry.name for entry in entries if UNFINISHED.fullmatch(entry.name)]:
            with contextlib.suppress(OSError):  # it is gone, or being written, or belongs to someone else
                _remove_unlocked(folder / name)


def _remove_unlocked(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            shutil.rmtree(path)
        else:
            path.unlink()
    finally:
        os.close(descriptor)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Say which file a fault of the disk is about: writing itself does not, and a temporary name means nothing."""
    try:
        yield
    except OSError as error:
        temporary = error.filename is not None and UNFINISHED.fullmatch(Path(os.fsdecode(error.filename)).parent.name)
        if error.errno is None or (error.filename is not None and not temporary):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


def flush_to_disk(path: Path) -> None:
    """Return once the file's bytes (or the folder's entries) have reached the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
