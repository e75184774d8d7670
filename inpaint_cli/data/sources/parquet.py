"""Sets as Hugging Face keeps them: parquet files whose column `image` holds encoded images.

The form (from memory): `data/train-00000-of-00004.parquet`, or `default/train/0000.parquet`; an image is a struct of
`bytes` and `path`; the schema's metadata `huggingface` is JSON with features: `{"_type": "ClassLabel", "names": […]}`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from inpaint_cli.data.layouts import Choice
from inpaint_cli.data.rows import Reading, Row
from inpaint_cli.data.sources.base import Source
from inpaint_cli.data.sources.shards import splits_of
from inpaint_cli.data.trees import FolderTree
from inpaint_cli.errors import EnvironmentFault, InputError, printable

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile  # an extra of this package

IMAGES = ("image", "img", "jpg", "png")  # what a column of images is called, in this order
AT_ONCE = 32  # rows


class ParquetSource(Source):
    """Encoded images, with the classes of the first column that has names for its numbers."""

    kind: Literal["parquet"]
    image: str | None = None  # the column of images; None: the first that is called as one
    label: str | None = None  # the column of classes; None: the first of the kind ClassLabel
    splits: Choice = "auto"
    takes_archive: ClassVar[bool] = True  # one file of a set
    has_splits: ClassVar[bool] = False
    where: ClassVar[str] = "get the parquet files of a set, such as those below data/ of its Hugging Face page"

    def read(self, folder: Path) -> Reading:
        if folder.is_file():
            return self._read(folder.parent, [folder.name], {}, "one file")
        names = FolderTree(folder).names()
        shards = [name for name in names if name.endswith(".parquet")]
        if not shards:
            arrow = any(name.endswith(".arrow") for name in names)
            hint = "; .arrow files are what `datasets` saves for itself: write them by its to_parquet" if arrow else ""
            raise InputError(f"{printable(folder)}: no .parquet files in it or in folders below it{hint}")
        return self._read(folder, shards, *splits_of(shards, self.splits, folder))

    def _read(self, folder: Path, shards: Sequence[str], splits: Mapping[str, str], words: str) -> Reading:
        columns = self._columns(folder / shards[0])
        labelled = columns.label is not None and all(_has_labels(folder / shard, columns.label) for shard in shards)
        total = sum(_opened(folder / shard).metadata.num_rows for shard in shards)
        rows = (
            row
            for shard in shards
            for row in _rows(folder / shard, shard, columns if labelled else columns.without_label(), splits.get(shard))
        )
        classes = {"labels": columns.classes} if labelled and columns.classes else {}
        return Reading(rows, total, classes, layout=f"parquet, {words}")

    def _columns(self, path: Path) -> "Columns":
        file = _opened(path)
        schema, features = file.schema_arrow, _features(file)
        image = self.image or next((name for name in IMAGES if name in schema.names), None)
        if image is None or image not in schema.names:
            wanted = self.image or " or ".join(IMAGES)
            raise InputError(f"{printable(path)}: no column {wanted}; it has {', '.join(map(printable, schema.names))}")
        classes = [name for name, feature in features.items() if feature.get("_type") == "ClassLabel"]
        label = self.label or next((name for name in classes if name in schema.names), None)
        names = features.get(label or "", {}).get("names", ())
        return Columns(image, label, tuple(map(str, names)) if isinstance(names, list) else ())


class Columns:
    """Which columns of a parquet file are read."""

    def __init__(self, image: str, label: str | None, classes: tuple[str, ...]):
        self.image, self.label, self.classes = image, label, classes

    def without_label(self) -> "Columns":
        return Columns(self.image, None, ())

    @property
    def names(self) -> list[str]:
        return [self.image, *([self.label] if self.label else [])]


def _features(file: "ParquetFile") -> dict[str, dict[str, Any]]:
    """What the file's metadata say of its columns; nothing where they are absent or damaged."""
    try:
        stored = (file.schema_arrow.metadata or {})[b"huggingface"]
        features = json.loads(stored)["info"]["features"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    found = features.items() if isinstance(features, dict) else ()
    return {str(name): feature for name, feature in found if isinstance(feature, dict)}


def _has_labels(path: Path, label: str) -> bool:
    """Whether every row has a class; where they are withheld, as in many test splits, they are -1."""
    try:
        values = np.asarray(_opened(path).read(columns=[label]).column(label).to_numpy())
    except Exception:  # pyarrow raises nearly every kind; an absent column is one of them
        return False
    return values.dtype.kind in "iu" and bool((values >= 0).all())


def _rows(path: Path, shard: str, columns: Columns, split: str | None) -> Iterator[Row]:
    """One batch at a time is in memory."""
    number = 0
    try:
        for batch in _opened(path).iter_batches(batch_size=AT_ONCE, columns=columns.names):
            for values in batch.to_pylist():
                labels = {"labels": np.array(values[columns.label], np.int64)} if columns.label else {}
                yield Row(f"{shard}/{number:07d}", _bytes(values[columns.image]), split, labels)
                number += 1
    except InputError:
        raise
    except Exception as error:  # pyarrow raises nearly every kind on damage
        raise InputError(f"{printable(path)}: damaged after {number:,} rows ({_first_line(error)})") from None


def _bytes(stored: object) -> bytes:
    """The encoded image; of one that is kept elsewhere nothing, so that its row is skipped with a reason."""
    value = stored.get("bytes") if isinstance(stored, dict) else stored
    return value if isinstance(value, bytes) else b""


def _opened(path: Path) -> "ParquetFile":
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise EnvironmentFault(
            f"{printable(path)}: parquet files are read by the package pyarrow; install it with:"
            " pip install 'inpaint-cli[parquet]'"
        ) from None
    try:
        return ParquetFile(path)
    except Exception as error:  # pyarrow raises nearly every kind on damage
        raise InputError(f"{printable(path)}: not a whole parquet file ({_first_line(error)})") from None


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).partition("\n")[0]
