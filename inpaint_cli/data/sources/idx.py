"""MNIST's form: four idx files, plain or gzipped."""

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

import numpy as np
from pydantic import PositiveInt

from inpaint_cli.data.rows import Reading, Row, require
from inpaint_cli.data.sources.base import Source
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable

FOLDERS = (".", "MNIST/raw", "raw")  # the last two as torchvision unpacks them
MAX_BYTES = 1 << 30  # MNIST unpacked is 47 MB; a gzip bomb is refused here


Part = tuple[np.ndarray, np.ndarray]  # images uint8 [N, H, W], labels int64 [N]


class IdxSource(Source):
    """Images and labels of a training and a test part; the last training rows are the validation split."""

    kind: Literal["idx"]
    validation: PositiveInt

    def read(self, folder: Path) -> Reading:
        train = _read_part(folder, "train")
        test = _read_part(folder, "t10k")
        kept = len(train[1]) - self.validation
        if kept < 1:
            raise InputError(
                f"{printable(folder)}: {len(train[1])} training rows are too few to hold out {self.validation} of them"
            )
        return Reading(rows=_rows(train, test, kept), total=len(train[1]) + len(test[1]))

    def download(self, folder: Path) -> None:
        from torchvision.datasets import MNIST

        MNIST(folder, download=True)  # into MNIST/raw, one of the places where `read` looks


def _rows(train: Part, test: Part, kept: int) -> Iterator[Row]:
    parts = (("train", train, 0, kept), ("validation", train, kept, len(train[1])), ("test", test, 0, len(test[1])))
    for split, (images, labels), start, stop in parts:
        file = "t10k" if split == "test" else "train"
        for index in range(start, stop):
            yield Row(f"{file}/{index:05d}", images[index][:, :, None], split, {"labels": labels[index]})


def _read_part(folder: Path, part: str) -> Part:
    images_path = require(folder, _either(f"{part}-images-idx3-ubyte"), FOLDERS)
    labels_path = require(folder, _either(f"{part}-labels-idx1-ubyte"), FOLDERS)
    images, labels = _read_idx(images_path, axes=3), _read_idx(labels_path, axes=1)
    if len(images) != len(labels):
        raise InputError(f"{printable(labels_path)}: {len(labels)} labels for {len(images)} images")
    return images, labels.astype(np.int64)


def _either(name: str) -> tuple[str, str]:
    return name, f"{name}.gz"


def _read_idx(path: Path, axes: int) -> np.ndarray:
    from torchvision.datasets.mnist import read_sn3_pascalvincent_tensor

    with tempfile.NamedTemporaryFile() as plain:
        _unpack(path, plain)
        try:
            values = read_sn3_pascalvincent_tensor(plain.name, strict=True).numpy()
        except Exception:  # assertions, index and value errors: the reader checks by failing
            raise InputError(
                f"{printable(path)}: not a whole idx file; it was cut short or is of another kind"
            ) from None
    if values.dtype != np.uint8 or values.ndim != axes or values.size == 0:
        raise InputError(f"{printable(path)}: holds {values.dtype} of shape {values.shape}, not bytes of {axes} axes")
    return values


def _unpack(path: Path, plain: IO[bytes]) -> None:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as packed:
            while block := packed.read(1 << 20):
                plain.write(block)
                if plain.tell() > MAX_BYTES:
                    raise InputError(f"{printable(path)}: holds more than {MAX_BYTES:,} bytes; not a set of digits")
            plain.flush()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{printable(path)}: cannot be unpacked ({error})") from None
