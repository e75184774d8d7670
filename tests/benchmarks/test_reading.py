"""Random batches: the memory-mapped reader, h5py's own indexing, and decoding JPEG files."""

import io

import h5py
import numpy as np
import pytest
import torch
from conftest import smooth_pictures
from measure import report, side_by_side
from PIL import Image

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.feeding import HostRows

pytestmark = pytest.mark.benchmark
BATCH, BATCHES = 24, 100


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """2,000 JPEG files of 96×96 and the file prepared from them."""
    from conftest import inpaint

    folder = tmp_path_factory.mktemp("large")
    (folder / "pictures").mkdir()
    for number, picture in enumerate(smooth_pictures(2000, 96)):
        Image.fromarray(picture).save(folder / "pictures" / f"{number}.jpg", quality=90)
    result = inpaint(
        "prepare", "folder", "--source", folder / "pictures", "-o", folder / "large.h5", "--size", 96, "-q"
    )
    assert result.exit_code == 0, result.stderr
    return folder


def test_random_batches(large):
    split = PreparedFile(large / "large.h5").split("train")
    generator = np.random.default_rng(0)
    orders = [np.sort(generator.choice(len(split), BATCH, replace=False)) for _ in range(BATCHES)]
    rows = HostRows({"image": split.images}, Hardware(torch.device("cpu"), "fp32"))
    files = [(large / "pictures" / name).read_bytes() for name in split.names]

    def mapped():
        for order, following in zip(orders, [*orders[1:], orders[0]], strict=True):
            rows.take(order, following)

    def indexed():
        with h5py.File(large / "large.h5") as file:
            images = file["train/images"]
            for order in orders:
                torch.from_numpy(images[order])  # sorted, as h5py demands

    def decoded():
        for order in orders[: BATCHES // 10]:
            np.stack([np.asarray(Image.open(io.BytesIO(files[index])).convert("RGB")) for index in order])

    seconds = side_by_side({"memory map": mapped, "h5py's own indexing": indexed, "decoding JPEG from memory": decoded})
    seconds["decoding JPEG from memory"] *= 10
    report(f"random batches of {BATCH} images, 96×96", seconds, "batches/s", BATCHES)
