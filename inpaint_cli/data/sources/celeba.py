"""CelebA's form: a folder of aligned JPEGs, and lists in text files."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from inpaint_cli.data.rows import Reading, Row, find, require
from inpaint_cli.data.schema import LANDMARKS
from inpaint_cli.data.sources.base import Source
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable

FOLDERS = (".", "Anno", "Eval", "Img")  # all in one place, or as the authors' archive has them
SPLITS = {"0": "train", "1": "validation", "2": "test"}


class CelebASource(Source):
    """Aligned images with the official partition; attributes, landmarks and identities where their lists exist."""

    kind: Literal["celeba"]

    def read(self, folder: Path) -> Reading:
        images = require(folder, ("img_align_celeba",), FOLDERS)
        partition = _read_partition(require(folder, ("list_eval_partition.txt",), FOLDERS))
        names = sorted(partition)
        present = _present(images, names)
        if not present:
            raise InputError(f"{printable(images)}: none of the {len(names):,} images that the partition lists is here")
        labels, label_names = _read_labels(folder)
        _refuse_gaps(labels, present)
        rows = _rows(images, present, partition, labels)
        return Reading(rows, len(present), label_names, without_image=len(names) - len(present))


def _rows(images: Path, names: list[str], partition: dict[str, str], labels: dict[str, "_Table"]) -> Iterator[Row]:
    for name in names:
        yield Row(name, images / name, partition[name], {label: table[name] for label, table in labels.items()})


def _present(images: Path, names: list[str]) -> list[str]:
    files = {path.name for path in images.iterdir()}
    return [name for name in names if name in files]


class _Table:
    """A list's values by image name, in one array instead of an array per row."""

    def __init__(self, path: Path, names: list[str], values: np.ndarray):
        self.path, self._values = path, values
        self._rows = {name: row for row, name in enumerate(names)}

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def __getitem__(self, name: str) -> np.ndarray:
        return self._values[self._rows[name]]


def _read_labels(folder: Path) -> tuple[dict[str, _Table], dict[str, tuple[str, ...]]]:
    labels, label_names = {}, {}
    if path := find(folder, ("list_landmarks_align_celeba.txt",), FOLDERS):
        _, labels["landmarks"] = _read_table(path, columns=10, header=True, convert=_landmarks)
        label_names["landmarks"] = LANDMARKS
    if path := find(folder, ("list_attr_celeba.txt",), FOLDERS):
        label_names["attributes"], labels["attributes"] = _read_table(
            path, columns=40, header=True, convert=_attributes
        )
    if path := find(folder, ("identity_CelebA.txt",), FOLDERS):
        _, labels["labels"] = _read_table(path, columns=1, header=False, convert=_identities)
    return labels, label_names


def _landmarks(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, 5, 2).astype(np.float32)


def _attributes(values: np.ndarray) -> np.ndarray:
    if not np.isin(values, (-1, 1)).all():
        raise ValueError("attributes must be -1 or 1")
    return (values > 0).astype(np.int8)


def _identities(values: np.ndarray) -> np.ndarray:
    if values.min(initial=1) < 1:
        raise ValueError("identities count from 1")
    return values[:, 0] - 1  # labels count from 0


def _read_table(
    path: Path, columns: int, header: bool, convert: Callable[[np.ndarray], np.ndarray]
) -> tuple[tuple[str, ...], _Table]:
    """Lines of `name value value …`; with a header, line 1 is the number of rows and line 2 names the columns."""
    lines = _lines(path)
    heads = tuple(lines[1].split()) if header and len(lines) > 1 else ()
    first = 2 if header else 0
    if header and len(heads) != columns:
        raise InputError(f"{printable(path)}: line 2 names {len(heads)} columns, not {columns}")
    names, values = [], np.empty((len(lines) - first, columns), np.int64)
    for number, line in enumerate(lines[first:]):
        name, *numbers = line.split()
        if len(numbers) != columns:
            raise InputError(f"{printable(path)}: line {number + first + 1} has {len(numbers)} values, not {columns}")
        names.append(name)
        values[number] = _whole_numbers(path, number + first + 1, numbers)
    if header and lines[0].strip() != str(len(names)):
        raise InputError(
            f"{printable(path)}: line 1 promises {lines[0].strip()} rows but {len(names)} follow; cut short?"
        )
    try:
        return heads, _Table(path, names, convert(values))
    except ValueError as error:
        raise InputError(f"{printable(path)}: {error}") from None


def _whole_numbers(path: Path, line: int, numbers: list[str]) -> list[int]:
    try:
        return [int(number) for number in numbers]
    except ValueError:
        raise InputError(f"{printable(path)}: line {line} holds something other than whole numbers") from None


def _read_partition(path: Path) -> dict[str, str]:
    partition = {}
    for number, line in enumerate(_lines(path), start=1):
        name, _, part = line.strip().partition(" ")
        if part.strip() not in SPLITS or Path(name).name != name:
            raise InputError(f"{printable(path)}: line {number} is not an image name and 0, 1 or 2")
        partition[name] = SPLITS[part.strip()]
    return partition


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{printable(path)}: cannot be read as text ({error})") from None


def _refuse_gaps(labels: dict[str, _Table], names: list[str]) -> None:
    for table in labels.values():
        absent = [name for name in names if name not in table]
        if absent:
            raise InputError(
                f"{printable(table.path)}: no row for {absent[0]} and {len(absent) - 1} more images; cut short?"
            )
