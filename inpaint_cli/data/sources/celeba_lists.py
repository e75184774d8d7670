"""CelebA's lists: text as its authors distribute it, or the same values as CSV."""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inpaint_cli.data.rows import find
from inpaint_cli.data.trees import Tree
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable

FOLDERS = (".", "Anno", "Eval", "Img", "celeba")  # in one place, as the authors' archive has them, as torchvision does
SPLITS = {"0": "train", "1": "validation", "2": "test"}
MAX_BYTES = 256 << 20  # the longest list has 27 MB
CSV_HEADS = ("image_id",)

Convert = Callable[[np.ndarray], np.ndarray]
Place = Path | Tree  # a folder of lists, or the archive of the whole set


@dataclass(frozen=True)
class ListFile:
    """One list, in a folder or in an archive."""

    path: Path  # for messages; of a member the archive's and its own
    member: tuple[Tree, str] | None = None

    def lines(self) -> list[str]:
        try:
            if self.member is None and self.path.stat().st_size > MAX_BYTES:
                raise InputError(f"{printable(self.path)}: has more than {MAX_BYTES:,} bytes; it is no list of CelebA")
            content = self.member[0].read(self.member[1], MAX_BYTES) if self.member else self.path.read_bytes()
            return content.decode("utf-8").rstrip().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{printable(self.path)}: cannot be read as text ({error})") from None


def find_list(place: Place, stem: str) -> ListFile | None:
    """The list of this name, as text or as CSV; None where there is none."""
    if isinstance(place, Path):
        path = find(place, _either(stem), FOLDERS)
        return None if path is None else ListFile(path)
    for wanted in _either(stem):
        found = next((name for name in place.names() if name.rpartition("/")[2] == wanted), None)
        if found is not None:
            return ListFile(place.path / found, (place, found))
    return None


class Table:
    """A list's values by image name, in one array instead of an array per row."""

    def __init__(self, path: Path, heads: tuple[str, ...], names: list[str], values: np.ndarray):
        self.path, self.heads, self._values = path, heads, values
        self._rows = {name: row for row, name in enumerate(names)}

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def __getitem__(self, name: str) -> np.ndarray:
        return self._values[self._rows[name]]

    def refuse_gaps(self, names: list[str]) -> None:
        """`InputError` when an image has no row."""
        absent = [name for name in names if name not in self]
        if absent:
            raise InputError(
                f"{printable(self.path)}: no row for {absent[0]} and {len(absent) - 1} more images; cut short?"
            )


def read_aligned_landmarks(folder: Place) -> Table | None:
    """[5, 2] of x, y in pixels of the aligned image; None where the list is absent."""
    return _read_list(folder, "list_landmarks_align_celeba", 10, _points)


def read_wild_landmarks(folder: Place) -> Table | None:
    """[5, 2] of x, y in pixels of the image as it was found; None where the list is absent."""
    return _read_list(folder, "list_landmarks_celeba", 10, _points)


def read_boxes(folder: Place) -> Table | None:
    """Left, top, width, height in pixels of the image as it was found; None where the list is absent."""
    return _read_list(folder, "list_bbox_celeba", 4, lambda values: values.astype(np.float64))


def read_attributes(folder: Place) -> Table | None:
    """[40] of 0 and 1; None where the list is absent."""
    return _read_list(folder, "list_attr_celeba", 40, _attributes)


def read_identities(folder: Place) -> Table | None:
    """The person, from 0; None where the list is absent."""
    return _read_list(folder, "identity_CelebA", 1, _identities, header=False)


def read_partition(folder: Place) -> dict[str, str] | None:
    """The official split of each image; None where the list is absent."""
    found = find_list(folder, "list_eval_partition")
    if found is None:
        return None
    partition, path = {}, found.path
    for number, cells in _cells(path, found.lines()):
        if len(cells) != 2 or cells[1] not in SPLITS or Path(cells[0]).name != cells[0]:
            raise InputError(f"{printable(path)}: line {number} is not an image name and 0, 1 or 2")
        partition[cells[0]] = SPLITS[cells[1]]
    return partition


def _points(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, 5, 2).astype(np.float32)


def _attributes(values: np.ndarray) -> np.ndarray:
    if not ((values == -1) | (values == 1)).all():
        raise ValueError("attributes must be -1 or 1")
    return (values > 0).astype(np.int8)


def _identities(values: np.ndarray) -> np.ndarray:
    if values.min(initial=1) < 1:
        raise ValueError("identities count from 1")
    return values[:, 0].astype(np.int64) - 1  # labels count from 0


def _either(stem: str) -> tuple[str, str]:
    return f"{stem}.txt", f"{stem}.csv"


def _read_list(folder: Place, stem: str, columns: int, convert: Convert, header: bool = True) -> Table | None:
    found = find_list(folder, stem)
    if found is None:
        return None
    path, lines = found.path, found.lines()
    heads, promised = _read_header(path, lines, columns) if header else ((), None)
    names, values = [], array("i")
    for number, (name, *numbers) in _cells(path, lines, 2 if header and path.suffix == ".txt" else 0):
        if len(numbers) != columns:
            raise InputError(f"{printable(path)}: line {number} has {len(numbers)} values, not {columns}")
        names.append(name)
        try:
            values.extend(map(int, numbers))
        except (ValueError, OverflowError):
            raise InputError(f"{printable(path)}: line {number} holds something other than whole numbers") from None
    if promised is not None and promised != str(len(names)):
        raise InputError(f"{printable(path)}: line 1 promises {promised} rows but {len(names)} follow; cut short?")
    try:
        return Table(path, heads, names, convert(np.frombuffer(values, np.intc).reshape(-1, columns)))
    except ValueError as error:
        raise InputError(f"{printable(path)}: {error}") from None


def _read_header(path: Path, lines: list[str], columns: int) -> tuple[tuple[str, ...], str | None]:
    """The columns' names, and how many rows a text list promises: its line 1 counts, line 2 names."""
    if path.suffix == ".csv":
        named, promised, number = lines[0].strip().split(",") if lines else [], None, 1
    else:
        named, promised, number = lines[1].split() if len(lines) > 1 else [], lines[0].strip() if lines else "", 2
    heads = tuple(head.strip() for head in named if head.strip() not in CSV_HEADS)
    if len(heads) != columns:
        raise InputError(f"{printable(path)}: line {number} names {len(heads)} columns, not {columns}")
    return heads, promised


def _cells(path: Path, lines: list[str], skipped: int = 0) -> Iterator[tuple[int, list[str]]]:
    """(line number, name and values) of each row; a CSV file's header is passed over."""
    separator = "," if path.suffix == ".csv" else None
    for number, line in enumerate(lines, start=1):
        if number > skipped and not (separator and number == 1 and line.startswith(CSV_HEADS)):
            yield number, line.split(separator) or [""]
