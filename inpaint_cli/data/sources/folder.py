"""Any tree of images."""

import os
from pathlib import Path
from typing import ClassVar, Literal

from inpaint_cli.data.rows import Reading, Row
from inpaint_cli.data.sources.base import Source
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable


class FolderSource(Source):
    """Every file below the folder, hidden ones aside; files that are no images are skipped with their reason later."""

    kind: Literal["folder"]
    has_splits: ClassVar[bool] = False

    def read(self, folder: Path) -> Reading:
        names = sorted(_files_below(folder))
        if not names:
            raise InputError(f"{printable(folder)}: no files in this folder or below it")
        return Reading(rows=(Row(name, folder / name) for name in names), total=len(names))


def _files_below(folder: Path) -> list[str]:
    """Relative names. Links to folders are not followed, so that no loop is entered."""
    names = []
    for place, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        relative = Path(place).relative_to(folder)
        names += [(relative / name).as_posix() for name in files if not name.startswith(".")]
    return names


def _refuse(error: OSError) -> None:
    raise InputError(f"{printable(error.filename)}: this folder cannot be read ({error.strerror})")
