"""How much disk a prepared file will take, asked before hours are spent."""

import resource
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from inpaint_cli.data.archives import Member
from inpaint_cli.data.rows import Row
from inpaint_cli.data.schema import COLUMNS
from inpaint_cli.data.shaping import Shaping, shape_rows
from inpaint_cli.errors import EnvironmentFault
from inpaint_cli.imaging.decoding import printable

ROWS_MEASURED = 16
COPIES = 2  # the rows lie beside the output until it is whole


@dataclass(frozen=True)
class Measure:
    """What the first rows say of all: columns with the shape of one row, bytes of one row, where images come from."""

    columns: dict[str, tuple[int, ...]]
    row_bytes: int
    origins: tuple[str, ...]

    def needed(self, rows: int) -> int:
        """Bytes of free disk that `rows` rows take while the file is made."""
        return COPIES * rows * self.row_bytes


def measure(shaping: Shaping, rows: Iterator[Row]) -> tuple[Measure, Iterator[Row]]:
    """Shape the first rows to see what they become; also returns all the rows, those included."""
    first = list(islice(rows, ROWS_MEASURED))
    columns, _ = shape_rows(shaping, first)
    shapes = {name: columns[name].shape[1:] for name in COLUMNS if name in columns}
    names = max((len(row.name.encode("utf-8", "surrogateescape")) for row in first), default=0)
    row_bytes = names + sum(np.asarray(values[0], COLUMNS[name].dtype).nbytes for name, values in columns.items())
    origins = tuple(dict.fromkeys(_origin(row) for row in first))
    return Measure(shapes, row_bytes, origins), chain(first, rows)


def available(output: Path) -> int:
    """Free bytes on the disk where `output` will be."""
    return shutil.disk_usage(output.parent).free


def refuse_without_room(output: Path, measured: Measure, rows: int) -> None:
    """`EnvironmentFault` when the disk, or this process's limit on a file's size, cannot hold the rows."""
    needed, free = measured.needed(rows), available(output)
    if needed > free:
        raise EnvironmentFault(
            f"{printable(output.parent)}: {rows:,} rows need {needed:,} bytes of disk while the file is made, and"
            f" {free:,} are free; name an output on another disk, or give --limit or a smaller --size"
        )
    largest, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if largest != resource.RLIM_INFINITY and rows * measured.row_bytes > largest:
        raise EnvironmentFault(
            f"{printable(output)}: would have {rows * measured.row_bytes:,} bytes, and this shell allows files of"
            f" {largest:,} (ulimit -f); raise that, or give --limit"
        )


def _origin(row: Row) -> str:
    if isinstance(row.image, Member):
        return f"archive {printable(row.image.archive.name)}, read in place"
    return {bytes: "an archive or database, read by this process", np.ndarray: "arrays"}.get(type(row.image), "files")
