"""Files that are either whole or absent under their final name."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inpaint_cli.errors import EnvironmentFault, UsageError


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raise `UsageError` when `path` exists and the user did not say `--overwrite`."""
    if path.is_dir():
        raise UsageError(f"{path} is a directory; name a file")
    if path.exists() and not overwrite:
        raise UsageError(f"{path} exists and was left as it is; give --overwrite to replace it")


def refuse_missing_folder(folder: Path) -> None:
    """Raise `EnvironmentFault` for a folder that does not exist, before any work for a file in it."""
    if not folder.is_dir():
        raise EnvironmentFault(f"the folder {folder} does not exist; make it first")


@contextmanager
def replacing(path: Path, overwrite: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; flush it to disk and rename it once the block ends well.

    Whatever happens inside the block, `path` holds the old file or the whole new one. The temporary file keeps the
    extension, since libraries choose formats by it.
    """
    path = Path(path)
    refuse_existing(path, overwrite)
    refuse_missing_folder(path.parent)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=f".part{path.suffix}", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes private files
        flush_to_disk(temporary)
        refuse_existing(path, overwrite)
        temporary.replace(path)
        flush_to_disk(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


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
