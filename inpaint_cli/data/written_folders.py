"""Folders that this program writes: whole or absent, and replaced only where nothing in them is anyone else's."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inpaint_cli.errors import EnvironmentFault, UsageError
from inpaint_cli.files import clear_leftovers, naming, unfinished
from inpaint_cli.imaging.decoding import printable

CARD = "card.json"  # marks a folder that this program wrote
LIST = ".written"  # beside it: the name of every file, each ended by a zero byte, by which a user's own are known
BEFORE_LISTS = re.compile(r"(train|validation|test)(\.csv|(_parsing|_mask)?/\d{6,}\.png)")  # as exports were written
NAMED = 3  # of a user's files, in a message


@contextmanager
def replacing_folder(folder: Path, overwrite: bool) -> Iterator[Path]:
    """Yield a folder beside `folder`, which takes its place once the block ends well."""
    refuse_folder(folder, overwrite)
    clear_leftovers(folder.parent)
    try:
        with naming(folder), unfinished(folder) as holder:
            new = holder / "new"
            new.mkdir()
            yield new
            (new / LIST).write_bytes(b"\0".join(map(os.fsencode, _files_in(new))))
            refuse_folder(folder, overwrite)
            if folder.exists():
                folder.rename(holder / "before")
            new.rename(folder)
    except PermissionError as error:
        raise EnvironmentFault(f"{printable(folder.parent)}: no folder can be made in it ({error.strerror})") from None


def refuse_folder(folder: Path, overwrite: bool) -> None:
    """`UsageError` when `folder` holds something that this may not replace."""
    if not folder.parent.is_dir():
        raise EnvironmentFault(f"the folder {printable(folder.parent)} does not exist; make it first")
    if folder.is_symlink():
        raise UsageError(f"{printable(folder)} is a link to {printable(folder.readlink())}; name that folder itself")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{printable(folder)} is a file; name a folder for the export")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not overwrite:
        raise UsageError(f"{printable(folder)} is not empty; name a new folder, or give --overwrite")
    if not (folder / CARD).is_file():
        raise UsageError(f"{printable(folder)} holds other files than an earlier export; name a new folder")
    foreign = _foreign_in(folder)
    if foreign:
        more = f" and {len(foreign) - NAMED:,} more" if len(foreign) > NAMED else ""
        names = ", ".join(map(printable, foreign[:NAMED]))
        raise UsageError(
            f"{printable(folder)} holds what no export wrote ({names}{more}); move it, or name a new folder"
        )


def _foreign_in(folder: Path) -> list[str]:
    written = folder / LIST
    own = {CARD, LIST}
    if written.is_file() and not written.is_symlink():
        own |= set(map(os.fsdecode, written.read_bytes().split(b"\0")))
        return [name for name in _files_in(folder) if name not in own]
    return [name for name in _files_in(folder) if name not in own and not BEFORE_LISTS.fullmatch(name)]


def _files_in(folder: Path) -> list[str]:
    """Everything below but folders, by its name relative to the folder; links are not followed."""
    found = []
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]  # noqa: PTH114, PTH118
        found += [Path(place, name).relative_to(folder).as_posix() for name in (*files, *links)]
    return sorted(found)
