"""Schema 1 of prepared data: which columns a split has, how rows are digested, what a file's identity is.

One HDF5 group per split; every column is one contiguous data set, so that its bytes lie at one offset and a memory map
reads them without HDF5. The file's attributes are scalars: integers and byte strings of fixed length.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

SCHEMA = 1
SPLITS = ("train", "validation", "test")
DIGEST_ROWS = 1024  # rows under one SHA-256
DIGEST_BYTES = 32
LANDMARKS = ("left eye", "right eye", "nose", "left mouth", "right mouth")  # as CelebA names them


class Shape(NamedTuple):
    """Channels and size in pixels of every image in a file; equal to the contract's `ImageShape`."""

    channels: int
    height: int
    width: int


class Column(NamedTuple):
    """What one row of a column holds; `axes` gives its shape, where -1 stands for any length of at least one."""

    dtype: np.dtype
    axes: tuple[int, ...]


COLUMNS = {
    "images": Column(np.dtype("u1"), (-1, -1, -1)),  # H, W, C
    "landmarks": Column(np.dtype("<f4"), (5, 2)),  # x, y in pixels of the prepared image
    "attributes": Column(np.dtype("i1"), (40,)),  # 0 or 1
    "labels": Column(np.dtype("<i8"), ()),  # from 0
    "parsing": Column(np.dtype("u1"), (-1, -1)),  # H, W
    "mask": Column(np.dtype("u1"), (-1, -1)),  # H, W: what is to be completed, from 128 on; written as 0 and 255
}
MASK = "mask"
LABELS = tuple(name for name in COLUMNS if name not in ("images", MASK))
NAMES = "names"  # source file names, UTF-8 padded with zero bytes to the longest
DIGESTS = "digests"


class Stored(NamedTuple):
    """One column of one split as it lies in the file."""

    name: str
    dtype: np.dtype
    shape: tuple[int, ...]  # the first axis is rows
    offset: int  # in bytes from the start of the file

    @property
    def row_bytes(self) -> int:
        return self.dtype.itemsize * int(np.prod(self.shape[1:], dtype=np.int64))

    @property
    def end(self) -> int:
        return self.offset + self.row_bytes * self.shape[0]

    def block(self, number: int) -> tuple[int, int]:
        """Where the rows under digest `number` start and end in the file."""
        last = min((number + 1) * DIGEST_ROWS, self.shape[0])
        return self.offset + number * DIGEST_ROWS * self.row_bytes, self.offset + last * self.row_bytes


TEXTS = ("recipe_name", "recipe", "options", "label_names", "terms", "tool_version")  # attributes, beside numbers


def digest_of_texts(texts: Mapping[str, str]) -> str:
    """SHA-256 over the attributes that are texts: 64 hexadecimal digits."""
    total = hashlib.sha256()
    for name in TEXTS:
        content = texts[name].encode()
        total.update(f"{name} {len(content)}\n".encode() + content)
    return total.hexdigest()


def digest_count(rows: int) -> int:
    """How many digests `rows` rows have."""
    return -(-rows // DIGEST_ROWS)


def digest(blocks: Iterable[bytes]) -> bytes:
    """SHA-256 over the same rows of every column, columns in the order of `COLUMNS`, names last."""
    total = hashlib.sha256()
    for block in blocks:
        total.update(block)
    return total.digest()


def identity(splits: Sequence[tuple[str, Sequence[Stored], bytes]]) -> str:
    """The digest of the digests, with each column's name, type and shape: 64 hexadecimal digits."""
    total = hashlib.sha256(f"inpaint schema {SCHEMA}\n".encode())
    for split, columns, digests in splits:
        for column in columns:
            total.update(f"{split}/{column.name} {column.dtype.str} {column.shape}\n".encode())
        total.update(digests)
    return total.hexdigest()
