"""CIFAR-10 in any of its forms: python batches, binary batches, or a tree of class folders."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from inpaint_cli.data.layouts import SPLIT_FOLDERS
from inpaint_cli.data.rows import Reading, Row, place_of
from inpaint_cli.data.sources.base import Source
from inpaint_cli.data.sources.byte_arrays import load_byte_arrays
from inpaint_cli.data.trees import Tree, find_tree, tree_at
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BATCHES = {**{f"data_batch_{number}": "train" for number in range(1, 6)}, "test_batch": "test"}
ROWS = 60_000  # of the whole set
SHAPE = (3, 32, 32)
RECORD = 1 + 3 * 32 * 32  # bytes: label, then red, green, blue
MAX_BATCH_BYTES = 64 << 20
TREES = ("cifar10", "CIFAR-10-images", "cifar-10")  # of class folders; Kaggle's (from memory) has `cifar10` twice

Batch = tuple[np.ndarray, np.ndarray]  # uint8 [N, 32, 32, 3], int64 [N]


class CIFAR10Source(Source):
    """Batches and class folders that are absent are counted, so that a part of the set can be prepared."""

    kind: Literal["cifar10"]
    takes_archive: ClassVar[bool] = True
    validation: Annotated[float, Field(ge=0, lt=1)] = 0.0  # share of the training rows, by a hash of their names

    def download(self, folder: Path) -> None:
        from torchvision.datasets import CIFAR10
        from torchvision.datasets.utils import download_url

        # Not by CIFAR10(download=True): it goes on to load the batches by Python's own unpickler.
        download_url(CIFAR10.url, str(folder), CIFAR10.filename, CIFAR10.tgz_md5)

    def read(self, folder: Path) -> Reading:
        reading = _read(folder)
        return replace(reading, rows=map(self._held_out, reading.rows))

    def _held_out(self, row: Row) -> Row:
        held = row.split == "train" and place_of(row.name) >= 1 - self.validation
        return replace(row, split="validation") if held else row


def _read(folder: Path) -> Reading:
    for names, ending, read in FORMS:
        tree = tree_at(folder, names) if folder.is_file() else find_tree(folder, names)
        batches = [name for name in BATCHES if tree is not None and f"{name}{ending}" in tree]
        if tree is not None and batches:
            return _read_batches(tree, batches, ending, read)
    return _read_folders(folder)


def _read_batches(tree: Tree, batches: list[str], ending: str, read: Callable[[bytes], Batch]) -> Reading:
    """Each batch is read twice, once to be checked and counted; one at a time is in memory."""

    def load(name: str) -> Batch:
        try:
            return read(tree.read(f"{name}{ending}", MAX_BATCH_BYTES))
        except InputError as error:
            raise InputError(f"{printable(tree.path / f'{name}{ending}')}: {error}") from None

    total = sum(len(load(name)[1]) for name in batches)
    rows = (row for name in batches for row in _rows(name, *load(name)))
    return Reading(rows, total, {"labels": CLASSES}, without_image=max(0, ROWS - total))


def _rows(batch: str, images: np.ndarray, labels: np.ndarray) -> Iterator[Row]:
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        yield Row(f"{batch}/{index:05d}", np.ascontiguousarray(image), BATCHES[batch], {"labels": label})


def _from_pickle(contents: bytes) -> Batch:
    values = {
        key.decode() if isinstance(key, bytes) else key: value for key, value in load_byte_arrays(contents).items()
    }
    data, labels = values.get("data"), values.get("labels")
    if (
        not isinstance(data, np.ndarray)
        or data.ndim != 2
        or data.shape[1] != RECORD - 1
        or not isinstance(labels, list)
    ):
        raise InputError("holds no `data` of 3,072 bytes a row and no `labels`; is it a batch of CIFAR-10?")
    if len(labels) != len(data) or not all(type(label) is int for label in labels):
        raise InputError(f"{len(labels)} labels for {len(data)} images")
    return _batch(data, np.array(labels, np.int64))


def _from_records(contents: bytes) -> Batch:
    if not contents or len(contents) % RECORD:
        raise InputError(f"has {len(contents):,} bytes, not a multiple of {RECORD:,}; was it cut short?")
    records = np.frombuffer(contents, np.uint8).reshape(-1, RECORD)
    return _batch(records[:, 1:], records[:, 0].astype(np.int64))


def _batch(data: np.ndarray, labels: np.ndarray) -> Batch:
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(CLASSES):
        raise InputError(f"has a label outside 0 to {len(CLASSES) - 1}")
    return data.reshape(-1, *SHAPE).transpose(0, 2, 3, 1), labels


FORMS = (
    (("cifar-10-batches-py", "cifar-10-python"), "", _from_pickle),
    (("cifar-10-batches-bin", "cifar-10-binary"), ".bin", _from_records),
)


def _read_folders(folder: Path) -> Reading:
    """`train/airplane/any.png`, `test/…`, in whatever folders; names in their sorted order."""
    tree = tree_at(folder, TREES) if folder.is_file() else find_tree(folder, TREES) or tree_at(folder)
    rows = [(name, *place) for name in tree.names() if (place := _split_and_class(name))]
    if not rows:
        raise InputError(
            f"{printable(folder)}: holds no cifar-10-batches-py, cifar-10-python.tar.gz, cifar-10-batches-bin,"
            " cifar-10-binary.tar.gz or train/ and test/ with a folder for each class"
        )
    strange = next((name for name, _, label in rows if label not in CLASSES), None)
    if strange is not None:
        raise InputError(f"{printable(tree.path / strange)}: its folder is none of {', '.join(CLASSES)}")
    made = (
        Row(name, tree.image(name), split, {"labels": np.array(CLASSES.index(label), np.int64)})
        for name, split, label in rows
    )
    return Reading(made, len(rows), {"labels": CLASSES}, without_image=max(0, ROWS - len(rows)), layout="class folders")


def _split_and_class(name: str) -> tuple[str, str] | None:
    """What the folders of a file say, or None where they say nothing."""
    parts = name.split("/")
    depth = next((depth for depth, part in enumerate(parts[:-2]) if part.lower() in SPLIT_FOLDERS), None)
    return None if depth is None else (SPLIT_FOLDERS[parts[depth].lower()], parts[depth + 1])
