"""Reading prepared files: HDF5 says where the bytes lie, plain reads fetch them.

The file is taken for hostile until its own attributes say otherwise: nothing is opened but the names the schema knows,
no link is followed out of the file, and HDF5 itself reads no image, so no filter of it ever runs.
"""

import json
import os
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import h5py
import numpy as np

from inpaint_cli.columns import Column, FileColumn
from inpaint_cli.data.schema import (
    COLUMNS,
    DIGEST_BYTES,
    DIGEST_ROWS,
    DIGESTS,
    LABELS,
    MASK,
    NAMES,
    SCHEMA,
    SPLITS,
    TEXTS,
    Shape,
    Stored,
    digest,
    digest_count,
    digest_of_texts,
    identity,
)
from inpaint_cli.errors import InpaintError, InputError, unknown
from inpaint_cli.imaging.decoding import printable

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MAX_ATTRIBUTE_BYTES = 60_000
MAX_NAME_BYTES = 65_536
PIECE_BYTES = 1 << 18  # fits a core's cache: hashing 4 MB at once took twice as long
DIGEST_THREADS = 4  # reading and hashing hold no lock of Python's
PREPARE = "make it with: inpaint prepare"


class Split:
    """One split of a prepared file; rows are read when they are asked for."""

    def __init__(self, path: Path, name: str, columns: dict[str, Stored], observed: bool = False):
        self.name = name
        self.observed = observed  # what the masks hide is gone from the images
        self._path, self._columns = path, columns
        self.images: Column = self._column("images")  # uint8 [N, H, W, C]
        self.labels: dict[str, Column] = {label: self._column(label) for label in LABELS if label in columns}  # [N, …]
        self.masks: Column | None = self._column(MASK) if MASK in columns else None  # uint8 [N, H, W], white is hole

    def __len__(self) -> int:
        return self._columns["images"].shape[0]

    @cached_property
    def names(self) -> list[str]:
        """Source file names, row by row."""
        return [name.decode("utf-8", "surrogateescape") for name in self._column(NAMES)[:]]

    def _column(self, name: str) -> FileColumn:
        column = self._columns[name]
        return FileColumn(self._path, column.dtype, column.shape, column.offset)


class PreparedFile:
    """A finished prepared file of schema 1; anything else is an `InputError` naming the file and its fault."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        header, self._columns = _inspect(self.path)
        self.identity: str = header["identity"]
        self.recipe_name: str = header["recipe_name"]
        self.recipe: dict[str, Any] = _table(self.path, header, "recipe", tomllib.loads)
        self.recipe_text: str = header["recipe"]
        self.options: dict[str, Any] = _table(self.path, header, "options", json.loads)  # of the command line
        self.label_names: dict[str, list[str]] = _table(self.path, header, "label_names", json.loads)
        self.terms: str = header["terms"]
        self.tool_version: str = header["tool_version"]
        self._texts = {name: header[name] for name in TEXTS}
        self.texts_digest: str | None = header.get("texts_digest")  # None: prepared before there was one
        self.splits: tuple[str, ...] = tuple(self._columns)
        first = next(iter(self._columns.values()))
        self.labels: tuple[str, ...] = tuple(label for label in LABELS if label in first)  # the same in every split
        self.has_masks: bool = MASK in first
        hidden_by = self.options.get("observed") if self.has_masks else None
        self.observed: str | None = None if hidden_by is None else str(hidden_by)  # the masks that hid what is gone
        height, width, channels = first["images"].shape[1:]
        self.shape = Shape(channels, height, width)

    def split(self, name: str) -> Split:
        """The split called `name`; `InputError` naming the choices if there is none."""
        if name not in self._columns:
            raise InputError(f"{printable(self.path)}: {unknown('split', name, self.splits)}")
        return Split(self.path, name, self._columns[name], self.observed is not None)

    def verify(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Read every byte and compare every digest and the identity; `InputError` names the first rows that differ.

        The texts about it are compared where they have a digest, `texts_digest`.

        `progress` is told how many rows are done, and of how many.
        """
        found, done = [], 0
        total = sum(columns["images"].shape[0] for columns in self._columns.values())
        with self.path.open("rb") as file:
            for split, columns in self._columns.items():
                digests = _read_at(file, columns[DIGESTS].offset, columns[DIGESTS].end - columns[DIGESTS].offset)
                for number, computed in enumerate(_block_digests(file, digested(columns))):
                    if computed != digests[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES]:
                        self._refuse_block(split, number, columns)
                    rows = columns["images"].shape[0]
                    progress(done + min((number + 1) * DIGEST_ROWS, rows), total)
                done += rows
                found.append((split, digested(columns), digests))
        if identity(found) != self.identity:
            raise _fault(self.path, "its identity is not that of its contents; it was changed after it was prepared")
        if self.texts_digest not in (None, digest_of_texts(self._texts)):
            raise _fault(self.path, f"{', '.join(TEXTS)}: one of these texts was changed after it was prepared")

    def _refuse_block(self, split: str, number: int, columns: dict[str, Stored]) -> NoReturn:
        last = min((number + 1) * DIGEST_ROWS, columns["images"].shape[0]) - 1
        rows = f"{number * DIGEST_ROWS}-{last}"
        raise _fault(self.path, f"split {split}, rows {rows} differ from their digest; the file is damaged")


def digested(columns: dict[str, Stored]) -> list[Stored]:
    """The columns under the digests, in their order."""
    return [columns[name] for name in (*COLUMNS, NAMES) if name in columns]


def _block_digests(file: BinaryIO, columns: list[Stored]) -> Iterator[bytes]:
    """The digest of each run of `DIGEST_ROWS` rows, computed by a few threads and in small pieces."""
    blocks = range(digest_count(columns[0].shape[0]))
    with ThreadPoolExecutor(DIGEST_THREADS) as threads:
        yield from threads.map(lambda number: digest(_pieces(file, columns, number)), blocks)


def _pieces(file: BinaryIO, columns: list[Stored], number: int) -> Iterator[bytes]:
    for column in columns:
        start, end = column.block(number)
        for offset in range(start, end, PIECE_BYTES):
            yield _read_at(file, offset, min(PIECE_BYTES, end - offset))


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    return os.pread(file.fileno(), size, offset)


def _inspect(path: Path) -> tuple[dict[str, str], dict[str, dict[str, Stored]]]:
    """The file's attributes, and where each column of each split lies."""
    _refuse_other_than_hdf5(path)
    try:
        with h5py.File(path, "r", locking=False) as file:
            header = _read_header(path, file)
            columns = {split: _read_split(path, file, split) for split in SPLITS if _has(path, file, split)}
            _refuse_disagreement(path, columns)
            return header, columns
    except InpaintError:
        raise
    except Exception as error:  # h5py raises OSError, KeyError, RuntimeError, TypeError, ValueError, … on damage
        raise _fault(path, f"damaged or cut short ({error}); {PREPARE}") from None


def _refuse_other_than_hdf5(path: Path) -> None:
    if path.is_dir():
        raise _fault(
            path, f"is a folder; inpaint prepare folder --source {printable(path)} makes one file of its images"
        )
    if not path.is_file():
        raise _fault(path, "is not a file" if path.exists() else f"no such file; {PREPARE}")
    try:
        with path.open("rb") as file:
            start = file.read(len(SIGNATURE))
    except OSError as error:
        raise _fault(path, f"cannot be read ({error.strerror})") from None
    if start != SIGNATURE:
        raise _fault(path, f"is not prepared data; {PREPARE}")


def _read_header(path: Path, file: h5py.File) -> dict[str, str]:
    if not _has_attribute(file, "schema") or not _has_attribute(file, "tool"):
        raise _fault(path, f"is not data prepared by inpaint; {PREPARE}")
    if _number(path, file, "schema") != SCHEMA:
        raise _fault(path, f"has schema {_number(path, file, 'schema')}; this version reads {SCHEMA}; prepare it again")
    if not _has_attribute(file, "complete") or _number(path, file, "complete") != 1:
        raise _fault(path, "was not finished: its preparation was interrupted; prepare it again")
    younger = [name for name in ("texts_digest",) if _has_attribute(file, name)]
    return {name: _text(path, file, name) for name in ("identity", *TEXTS, *younger)}


def _has_attribute(file: h5py.File, name: str) -> bool:
    return h5py.h5a.exists(file.id, name.encode())


def _attribute(path: Path, file: h5py.File, name: str, kinds: str) -> Any:
    """A scalar of fixed length. Its type is asked before its value: reading other kinds walks the file's heaps."""
    attribute = h5py.h5a.open(file.id, name.encode())
    if attribute.shape != () or attribute.dtype.kind not in kinds or attribute.dtype.itemsize > MAX_ATTRIBUTE_BYTES:
        raise _fault(path, f"attribute {name} is not of schema {SCHEMA}")
    value = np.empty((), attribute.dtype)
    attribute.read(value)
    return value[()]


def _number(path: Path, file: h5py.File, name: str) -> int:
    return int(_attribute(path, file, name, "iu"))


def _text(path: Path, file: h5py.File, name: str) -> str:
    return _attribute(path, file, name, "S").decode("utf-8")


def _table(path: Path, header: dict[str, str], name: str, parse: Callable[[str], Any]) -> dict[str, Any]:
    try:
        value = parse(header[name])
    except (ValueError, RecursionError):  # TOML's and JSON's own errors are ValueErrors
        value = None
    if not isinstance(value, dict):
        raise _fault(path, f"attribute {name} is not of schema {SCHEMA}")
    return value


def _has(path: Path, group: h5py.Group, name: str) -> bool:
    """Whether the group holds `name` itself; a soft or external link is refused."""
    if not group.id.links.exists(name.encode()):
        return False
    if group.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        raise _fault(path, f"{name} is a link to somewhere else; such files are refused")
    return True


def _read_split(path: Path, file: h5py.File, split: str) -> dict[str, Stored]:
    group = file[split]
    if not isinstance(group, h5py.Group):
        raise _fault(path, f"{split} is not a group")
    columns = {}
    for name in (*COLUMNS, NAMES, DIGESTS):
        if _has(path, group, name):
            columns[name] = _read_column(path, group, name)
    missing = [name for name in ("images", NAMES, DIGESTS) if name not in columns]
    if missing:
        raise _fault(path, f"split {split} has no {' and no '.join(missing)}")
    rows = columns["images"].shape[0]
    for name, column in columns.items():
        if column.shape[0] != (digest_count(rows) if name == DIGESTS else rows):
            raise _fault(path, f"{split}/{name} has {column.shape[0]} rows for {rows} images")
    return columns


def _read_column(path: Path, group: h5py.Group, name: str) -> Stored:
    data = group[name]
    where = f"{group.name[1:]}/{name}"
    if not isinstance(data, h5py.Dataset):
        raise _fault(path, f"{where} is not a data set")
    layout = data.id.get_create_plist()
    if layout.get_layout() != h5py.h5d.CONTIGUOUS or layout.get_external_count() or layout.get_nfilters():
        raise _fault(path, f"{where} is not stored in one piece inside the file; such files are refused")
    if not _fits_schema(name, data.dtype, data.shape):
        raise _fault(path, f"{where} has type {data.dtype} and shape {data.shape}, which is not schema {SCHEMA}")
    stored = Stored(name, data.dtype, data.shape, data.id.get_offset() or 0)
    if stored.offset == 0 or stored.end > path.stat().st_size:
        raise _fault(path, f"{where} ends beyond the end of the file; it was cut short; {PREPARE}")
    return stored


def _fits_schema(name: str, dtype: np.dtype, shape: tuple[int, ...]) -> bool:
    if any(length < 1 for length in shape):
        return False
    if name == NAMES:
        return dtype.kind == "S" and dtype.itemsize <= MAX_NAME_BYTES and len(shape) == 1
    if name == DIGESTS:
        return dtype == np.uint8 and shape[1:] == (DIGEST_BYTES,)
    column = COLUMNS[name]
    axes_fit = len(shape) == 1 + len(column.axes) and all(
        wanted in (-1, length) for wanted, length in zip(column.axes, shape[1:], strict=True)
    )
    return dtype == column.dtype and axes_fit


def _refuse_disagreement(path: Path, columns: dict[str, dict[str, Stored]]) -> None:
    if not columns:
        raise _fault(path, f"has none of the splits {', '.join(SPLITS)}")
    shapes = {split["images"].shape[1:] for split in columns.values()}
    labels = {tuple(label for label in (*LABELS, MASK) if label in split) for split in columns.values()}
    if len(shapes) > 1 or len(labels) > 1:
        raise _fault(path, "its splits differ in image size, labels or masks")
    height, width, channels = next(iter(shapes))
    if channels not in (1, 3):
        raise _fault(path, f"its images have {channels} channels; only 1 and 3 are known")
    for name, maps in (("parsing", "parsing maps"), (MASK, "masks")):
        if any(name in split and split[name].shape[1:] != (height, width) for split in columns.values()):
            raise _fault(path, f"its {maps} differ from its images in size")


def _fault(path: Path, problem: str) -> InputError:
    return InputError(f"{printable(path)}: {problem}")
