"""Small sources in their genuine form."""

import gzip

import numpy as np
import pytest
from data_sets import DIGITS
from PIL import Image


def idx(values):
    header = bytes([0, 0, 8, values.ndim]) + b"".join(length.to_bytes(4, "big") for length in values.shape)
    return header + values.tobytes()


@pytest.fixture
def digits(tmp_path):
    (tmp_path / "digits.toml").write_text(DIGITS)
    folder = tmp_path / "idx"
    folder.mkdir()
    random = np.random.default_rng(0)
    for part, rows in (("train", 10), ("t10k", 3)):
        images = gzip.compress(idx(random.integers(0, 256, (rows, 28, 28), dtype=np.uint8)))
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(images)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(rows, dtype=np.uint8) % 10))
    return tmp_path


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    (folder / "deep [bold]").mkdir(parents=True)
    for number in range(30):
        Image.new("RGB", (20 + number, 16), (number, 0, 0)).save(folder / "deep [bold]" / f"-{number} é\n.png")
    (folder / ".hidden.png").write_bytes(b"")
    (folder / "loop").symlink_to(folder)
    return folder
