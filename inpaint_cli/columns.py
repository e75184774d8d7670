"""Arrays whose rows are read when they are asked for: what a prepared file holds of its images, and the like."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from inpaint_cli.errors import InputError, printable


class Column(Protocol):
    """Rows of one shape and type; a NumPy array is such a thing, too."""

    @property
    def shape(self) -> tuple[int, ...]:
        """[N, …]"""

    @property
    def dtype(self) -> np.dtype:
        """Of every value."""

    @property
    def nbytes(self) -> int:
        """Of all rows."""

    def __len__(self) -> int:
        """N"""

    def __getitem__(self, rows: Any) -> np.ndarray:
        """One row by its number, some by a slice or an array of numbers; behind a comma, parts of them."""


class FileColumn:
    """Rows that lie one after the other in a file, from `offset` on.

    They are read, not mapped: where a file is cut while it is in use, or a disk fails, reading is an `InputError`, and
    a map would be the end of the process. What was read stays in the system's file cache all the same.
    """

    def __init__(self, path: Path, dtype: np.dtype, shape: tuple[int, ...], offset: int):
        self.path, self.dtype, self.shape, self.offset = path, dtype, shape, offset
        self.row_bytes = dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise InputError(f"{printable(path)}: cannot be read ({error.strerror})") from None

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)

    @property
    def nbytes(self) -> int:
        return self.row_bytes * len(self)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[row] for row in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All rows at once."""
        return self[:] if dtype is None else self[:].astype(dtype)

    def __getitem__(self, rows: Any) -> np.ndarray:
        if isinstance(rows, tuple):
            found = self[rows[0]]
            return found[rows[1:] if found.ndim < len(self.shape) else (slice(None), *rows[1:])]
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            return self._stretch(start, max(start, stop)) if step == 1 else self._each(np.arange(start, stop, step))
        if np.ndim(rows) == 0:
            return self._each(np.reshape(rows, 1))[0]
        chosen = np.asarray(rows)
        return self._each(np.flatnonzero(chosen) if chosen.dtype == bool else chosen)

    def _stretch(self, start: int, stop: int) -> np.ndarray:
        found = np.empty((stop - start, *self.shape[1:]), self.dtype)
        self._read_into(found.reshape(-1).view(np.uint8).data, start)
        return found

    def _each(self, rows: np.ndarray) -> np.ndarray:
        """int [K] -> [K, …]"""
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        content, size = found.reshape(-1).view(np.uint8).data, self.row_bytes
        for place, row in enumerate(rows.tolist()):
            self._read_into(content[place * size : (place + 1) * size], row)
        return found

    def _read_into(self, content: memoryview, row: int) -> None:
        """Fill `content` from the row on; a system call may give less than it is asked for."""
        row = row + len(self) if row < 0 else row
        if content and not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        offset, done = self.offset + row * self.row_bytes, 0
        while done < len(content):
            try:
                count = os.preadv(self._descriptor, [content[done:]], offset + done)
            except OSError as error:
                raise InputError(f"{printable(self.path)}: cannot be read ({error.strerror})") from None
            if count == 0:
                raise InputError(f"{printable(self.path)}: was cut short while it was in use; prepare it again")
            done += count
