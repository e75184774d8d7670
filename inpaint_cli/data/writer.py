"""Writing prepared files: rows are spooled in source order, laid out once their number is known, verified, renamed.

HDF5 writes only the layout, a few kilobytes. The rows go to the offsets that it gave, through plain files, so that a
full disk is an ordinary error instead of a crash inside the library.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import h5py
import numpy as np

from inpaint_cli import __version__
from inpaint_cli.data.reader import PreparedFile, digested
from inpaint_cli.data.schema import (
    COLUMNS,
    DIGEST_BYTES,
    DIGEST_ROWS,
    DIGESTS,
    NAMES,
    SCHEMA,
    SPLITS,
    Stored,
    digest,
    digest_count,
    identity,
)
from inpaint_cli.errors import EnvironmentFault
from inpaint_cli.files import replacing
from inpaint_cli.imaging.decoding import printable

# One version of the format whatever the library's age; what it writes holds no time of day.
LIBRARY_VERSIONS = ("earliest", "v110")
LENGTH_BYTES = 4  # before each spooled name


class Spool:
    """The rows of one split, in unnamed temporary files that vanish with the process, whatever ends it."""

    def __init__(self, folder: Path, files: ExitStack):
        self.rows = 0
        self._folder, self._exit = folder, files
        self._files: dict[str, Any] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._name_bytes = 1

    def append(self, name: str, values: Mapping[str, np.ndarray]) -> None:
        """Add one row: its source name, and one array per column."""
        encoded = name.encode("utf-8", "surrogateescape")
        self._name_bytes = max(self._name_bytes, len(encoded))
        self._file(NAMES).write(len(encoded).to_bytes(LENGTH_BYTES) + encoded)
        for column, value in values.items():
            value = np.asarray(value, COLUMNS[column].dtype)
            if self._shapes.setdefault(column, value.shape) != value.shape:
                raise ValueError(f"{name}: {column} of shape {value.shape} after {self._shapes[column]}")
            self._file(column).write(value.tobytes())
        self.rows += 1

    def layout(self) -> dict[str, tuple[np.dtype, tuple[int, ...]]]:
        """Type and shape of each data set to come, in the schema's order."""
        columns = {
            name: (COLUMNS[name].dtype, (self.rows, *self._shapes[name])) for name in COLUMNS if name in self._shapes
        }
        columns[NAMES] = (np.dtype(f"S{self._name_bytes}"), (self.rows,))
        columns[DIGESTS] = (np.dtype("u1"), (digest_count(self.rows), DIGEST_BYTES))
        return columns

    def blocks(self, columns: list[Stored]) -> Iterator[list[bytes]]:
        """The bytes of each run of `DIGEST_ROWS` rows, one item per column."""
        for file in self._files.values():
            file.seek(0)
        for start in range(0, self.rows, DIGEST_ROWS):
            rows = min(DIGEST_ROWS, self.rows - start)
            yield [self._read(column, rows) for column in columns]

    def _read(self, column: Stored, rows: int) -> bytes:
        if column.name != NAMES:
            return self._files[column.name].read(rows * column.row_bytes)
        return b"".join(self._read_name().ljust(column.row_bytes, b"\0") for _ in range(rows))

    def _read_name(self) -> bytes:
        file = self._files[NAMES]
        return file.read(int.from_bytes(file.read(LENGTH_BYTES)))

    def _file(self, column: str) -> Any:
        if column not in self._files:
            file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - the stack closes it
            self._files[column] = self._exit.enter_context(file)
        return self._files[column]


@contextmanager
def spooling(output: Path) -> Iterator[dict[str, Spool]]:
    """One spool per split, on the disk that the output will be on; `EnvironmentFault` if that cannot be written."""
    try:
        with ExitStack() as files:
            tempfile.TemporaryFile(dir=output.parent).close()  # a folder that refuses is found out at once
            yield {split: Spool(output.parent, files) for split in SPLITS}
    except OSError as error:
        raise EnvironmentFault(
            f"{printable(output)}: writing failed ({error.strerror or error}); nothing was left behind"
        ) from None


def write(output: Path, spools: Mapping[str, Spool], header: Mapping[str, Any], overwrite: bool = False) -> str:
    """Write the spooled rows as a finished file under `output` and return its identity. Empty splits are left out.

    `header` holds recipe_name, recipe (its text), terms as text, and options and label_names as plain data.
    """
    spools = {split: spool for split, spool in spools.items() if spool.rows}
    with replacing(output, overwrite) as temporary:
        columns = _lay_out(temporary, spools, header)
        found = _copy_rows(temporary, spools, columns)
        _sign(temporary, identity(found))
        PreparedFile(temporary).verify()
    return identity(found)


def _lay_out(path: Path, spools: Mapping[str, Spool], header: Mapping[str, Any]) -> dict[str, list[Stored]]:
    """An HDF5 file whose data sets have their place and no contents yet."""
    with _hdf5(path, "w") as file:
        file.attrs["schema"] = np.int64(SCHEMA)
        texts = {"tool": "inpaint", "tool_version": __version__, **header}
        for name, value in texts.items():
            text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            file.attrs[name] = np.bytes_(text.encode())
        return {split: _lay_out_split(file.create_group(split), spool) for split, spool in spools.items()}


def _lay_out_split(group: h5py.Group, spool: Spool) -> list[Stored]:
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_layout(h5py.h5d.CONTIGUOUS)
    plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    plan.set_obj_track_times(False)
    stored = []
    for name, (dtype, shape) in spool.layout().items():
        kind, space = h5py.h5t.py_create(dtype), h5py.h5s.create_simple(shape)
        data = h5py.h5d.create(group.id, name.encode(), kind, space, dcpl=plan)
        stored.append(Stored(name, dtype, shape, data.get_offset()))
    return stored


def _copy_rows(path: Path, spools: Mapping[str, Spool], columns: Mapping[str, list[Stored]]) -> list[tuple]:
    """Write rows and digests at their offsets; returns what the identity is made of."""
    found = []
    with path.open("r+b") as file:
        for split, spool in spools.items():
            places = {column.name: column for column in columns[split]}
            digests = _copy_split(file, spool, digested(places))
            _write_at(file, places[DIGESTS].offset, digests)
            found.append((split, digested(places), digests))
    return found


def _copy_split(file: Any, spool: Spool, columns: list[Stored]) -> bytes:
    digests = []
    for number, blocks in enumerate(spool.blocks(columns)):
        for column, block in zip(columns, blocks, strict=True):
            _write_at(file, column.offset + number * DIGEST_ROWS * column.row_bytes, block)
        digests.append(digest(blocks))
    return b"".join(digests)


def _write_at(file: Any, offset: int, block: bytes) -> None:
    file.seek(offset)
    file.write(block)


def _sign(path: Path, name: str) -> None:
    with _hdf5(path, "r+") as file:
        file.attrs["identity"] = np.bytes_(name)
        file.attrs["complete"] = np.int64(1)


@contextmanager
def _hdf5(path: Path, mode: str) -> Iterator[h5py.File]:
    """HDF5 may crash when it closes a file that it could not write: then leave the process without closing."""
    try:
        file = h5py.File(path, mode, libver=LIBRARY_VERSIONS)
        yield file
        file.flush()
        file.close()
    except (OSError, RuntimeError) as error:
        _leave(path, error)


def _leave(path: Path, error: Exception) -> NoReturn:
    path.unlink(missing_ok=True)
    reason = str(error).partition("\n")[0]
    message = f"inpaint: {printable(path.parent)}: writing the prepared file failed; is the disk full? ({reason})"
    print(message, file=sys.stderr, flush=True)
    os._exit(EnvironmentFault.exit_code)
