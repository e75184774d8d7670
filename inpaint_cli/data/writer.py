"""Writing prepared files: rows are spooled in source order, laid out once their number is known, verified, renamed.

HDF5 writes only the layout, a few kilobytes. The rows go to the offsets that it gave, through plain files, so that a
full disk is an ordinary error instead of a crash inside the library.
"""

import itertools
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

import h5py
import numpy as np

from inpaint_cli import __version__
from inpaint_cli.data.reader import DIGEST_THREADS, PIECE_BYTES, PreparedFile, digested
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
    digest_of_texts,
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
        self._files: dict[str, IO[bytes]] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._name_bytes = 1  # of the longest
        self._name_end, self._name_blocks = 0, [0]  # where the names of each block of rows begin

    def append(self, name: str, values: Mapping[str, np.ndarray]) -> None:
        """Add one row: its source name, and one array per column."""
        self.extend([name], {column: np.asarray(value)[None] for column, value in values.items()})

    def extend(self, names: Sequence[str], columns: Mapping[str, np.ndarray]) -> None:
        """Add rows: their source names, and one array per column whose first axis is the rows."""
        encoded = [name.encode("utf-8", "surrogateescape") for name in names]
        self._name_bytes = max(self._name_bytes, *map(len, encoded))
        self._write_names(encoded)
        if self.rows and columns.keys() != self._shapes.keys():
            raise ValueError(f"{names[0]}: has the columns {list(columns)} after rows of {list(self._shapes)}")
        for column, values in columns.items():
            values = np.ascontiguousarray(values, COLUMNS[column].dtype)
            if self._shapes.setdefault(column, values.shape[1:]) != values.shape[1:]:
                raise ValueError(f"{names[0]}: {column} of shape {values.shape[1:]} after {self._shapes[column]}")
            self._file(column).write(values.data)
        self.rows += len(names)

    def name(self, row: int) -> str:
        """The source name of a row that was added."""
        block, place = divmod(row, DIGEST_ROWS)
        start, end = [*self._name_blocks, self._name_end][block : block + 2]
        self._file(NAMES).flush()
        names = _split_names(os.pread(self._file(NAMES).fileno(), end - start, start))
        return next(itertools.islice(names, place, None)).decode("utf-8", "surrogateescape")

    def _write_names(self, names: list[bytes]) -> None:
        file = self._file(NAMES)
        for row, name in enumerate(names, start=self.rows + 1):
            file.write(len(name).to_bytes(LENGTH_BYTES) + name)
            self._name_end += LENGTH_BYTES + len(name)
            if row % DIGEST_ROWS == 0:
                self._name_blocks.append(self._name_end)

    def layout(self) -> dict[str, tuple[np.dtype, tuple[int, ...]]]:
        """Type and shape of each data set to come, in the schema's order."""
        columns = {
            name: (COLUMNS[name].dtype, (self.rows, *self._shapes[name])) for name in COLUMNS if name in self._shapes
        }
        columns[NAMES] = (np.dtype(f"S{self._name_bytes}"), (self.rows,))
        columns[DIGESTS] = (np.dtype("u1"), (digest_count(self.rows), DIGEST_BYTES))
        return columns

    def copy(self, target: int, columns: list[Stored]) -> Iterator[bytes]:
        """Write every row to its place in the open file `target`, a descriptor; yields the digest of each block."""
        for file in self._files.values():
            file.flush()
        with ThreadPoolExecutor(DIGEST_THREADS) as threads:
            blocks = range(digest_count(self.rows))
            yield from threads.map(lambda number: digest(self._copy_block(target, columns, number)), blocks)

    def _copy_block(self, target: int, columns: list[Stored], number: int) -> Iterator[bytes]:
        for column in columns:
            start, end = column.block(number)
            pieces = self._padded_names(number, column) if column.name == NAMES else self._values(column, start, end)
            for piece in pieces:
                _write_at(target, start, piece)
                start += len(piece)
                yield piece

    def _values(self, column: Stored, start: int, end: int) -> Iterator[bytes]:
        file = self._files[column.name].fileno()
        for offset in range(start, end, PIECE_BYTES):
            yield os.pread(file, min(PIECE_BYTES, end - offset), offset - column.offset)

    def _padded_names(self, number: int, column: Stored) -> Iterator[bytes]:
        start, end = [*self._name_blocks, self._name_end][number : number + 2]
        block = os.pread(self._files[NAMES].fileno(), end - start, start)
        yield b"".join(name.ljust(column.row_bytes, b"\0") for name in _split_names(block))

    def _file(self, column: str) -> IO[bytes]:
        if column not in self._files:
            file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - the stack closes it
            self._files[column] = self._exit.enter_context(file)
        return self._files[column]


def refuse_unwritable(output: Path) -> None:
    """`EnvironmentFault` when the folder of `output` is missing or refuses files."""
    if not output.parent.is_dir():
        raise EnvironmentFault(f"the folder {printable(output.parent)} does not exist; make it first")
    try:
        tempfile.TemporaryFile(dir=output.parent).close()
    except OSError as error:
        raise EnvironmentFault(f"{printable(output.parent)}: no file can be made in it ({error.strerror})") from None


@contextmanager
def spooling(output: Path) -> Iterator[dict[str, Spool]]:
    """One spool per split, on the disk that the output will be on; `EnvironmentFault` if that cannot be written."""
    try:
        with ExitStack() as files:
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
        values = {"tool": "inpaint", "tool_version": __version__, **header}
        texts = {name: v if isinstance(v, str) else json.dumps(v, sort_keys=True) for name, v in values.items()}
        for name, text in {**texts, "texts_digest": digest_of_texts(texts)}.items():
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


def _copy_rows(
    path: Path, spools: Mapping[str, Spool], columns: Mapping[str, list[Stored]]
) -> list[tuple[str, list[Stored], bytes]]:
    """Write rows and digests at their offsets; returns what the identity is made of."""
    found = []
    with path.open("r+b", buffering=0) as file:
        for split, spool in spools.items():
            places = {column.name: column for column in columns[split]}
            digests = b"".join(spool.copy(file.fileno(), digested(places)))
            _write_at(file.fileno(), places[DIGESTS].offset, digests)
            found.append((split, digested(places), digests))
    return found


def _split_names(block: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(block):
        end = start + LENGTH_BYTES + int.from_bytes(block[start : start + LENGTH_BYTES])
        yield block[start + LENGTH_BYTES : end]
        start = end


def _write_at(descriptor: int, offset: int, data: bytes) -> None:
    """All of `data`: the system may take less at once, and says why when it is asked for the rest."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written


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
    """path: within the folder that `replacing` makes."""
    shutil.rmtree(path.parent, ignore_errors=True)
    reason = str(error).partition("\n")[0]
    output = printable(path.parent.parent / path.name)
    message = f"inpaint: {output}: writing the prepared file failed; is the disk full? ({reason})"
    print(message, file=sys.stderr, flush=True)
    os._exit(EnvironmentFault.exit_code)
