"""CIFAR-10's three forms; hostile pickles."""

import io
import os
import pickle
import tarfile
import zipfile
from types import MappingProxyType

import numpy as np
import pytest
from data_sets import prepare
from PIL import Image

from inpaint_cli.data.sources.byte_arrays import load_byte_arrays
from inpaint_cli.data.sources.cifar10 import CIFAR10Source
from inpaint_cli.errors import InputError

LABELS = [3, 9, 0, 7]


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)


def python_batch(pixels, changes=MappingProxyType({})):
    """As the data set's authors pickle it: protocol 2, keys and text as bytes."""
    values = {
        b"batch_label": b"a",
        b"labels": LABELS,
        b"data": pixels.reshape(len(pixels), -1),
        b"filenames": [b"x"] * 4,
    }
    return pickle.dumps({**values, **changes}, protocol=2)


@pytest.fixture(params=["folder", "archive", "binary", "tree"])
def source(request, pixels, tmp_path):
    """The same four images, in the training and the test part, in each form."""
    folder = tmp_path / "cifar"
    python, binary = folder / "cifar-10-batches-py", folder / "cifar-10-batches-bin"
    if request.param in ("folder", "archive"):
        python.mkdir(parents=True)
        for name in ("data_batch_1", "test_batch"):
            (python / name).write_bytes(python_batch(pixels))
    if request.param == "archive":
        with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as archive:
            archive.add(python, python.name)
        for path in python.iterdir():
            path.unlink()
        python.rmdir()
    if request.param == "binary":
        binary.mkdir(parents=True)
        records = b"".join(bytes([label]) + image.tobytes() for label, image in zip(LABELS, pixels, strict=True))
        for name in ("data_batch_1", "test_batch"):
            (binary / f"{name}.bin").write_bytes(records)
    if request.param == "tree":  # of names that are not held out
        for part in ("train", "test"):
            for label, image in zip(("cat", "truck", "airplane", "horse"), pixels, strict=True):
                (folder / part / label).mkdir(parents=True)
                Image.fromarray(image.transpose(1, 2, 0)).save(folder / part / label / "0002.png")
    return folder


def test_every_form_gives_the_same_images_and_counts_what_is_not_there(source, pixels, tmp_path):
    made = prepare("cifar10-32", source, tmp_path / "a.h5")
    assert made.rows == {"train": 4, "test": 4} and made.without_image == 59_992
    assert made.file.label_names["labels"][3] == "cat"
    for split in made.rows:
        held = made.file.split(split)
        found = dict(zip(held.labels["labels"][:].tolist(), held.images, strict=True))
        for label, image in zip(LABELS, pixels, strict=True):
            assert np.array_equal(found[label], image.transpose(1, 2, 0))


class Run:
    """Whoever loads this with Python's own unpickler makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def written(folder, contents):
    place = folder / "cifar-10-batches-py"
    place.mkdir()
    (place / "data_batch_1").write_bytes(contents)
    return folder


@pytest.mark.parametrize("key", ["data", "other"])
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_that_would_run_something_is_refused_by_name_and_runs_nothing(tmp_path, key, protocol):
    mark = tmp_path / "ran"
    hostile = pickle.dumps({"labels": LABELS, "data": "x", key: Run(mark)}, protocol)
    with pytest.raises(InputError, match=r"data_batch_1: names posix\.mkdir.*nothing of it was run|names nt\.mkdir"):
        prepare("cifar10-32", written(tmp_path, hostile), tmp_path / "a.h5")
    assert not mark.exists()
    pickle.loads(hostile)
    assert mark.exists()  # the pickle was a loaded one


@pytest.mark.parametrize("name", ["builtins eval", "numpy load", "numpy.core.multiarray fromfile", "os system"])
def test_no_other_name_is_looked_up(name):
    module, function = name.split()
    with pytest.raises(InputError, match="not an array"):
        load_byte_arrays(f"c{module}\n{function}\n(S'x'\ntR.".encode())


@pytest.mark.parametrize("dtype", ["f4", "O", "i8", "S3"])
def test_arrays_of_anything_but_bytes_are_refused(dtype):
    with pytest.raises(InputError, match="type"):
        load_byte_arrays(pickle.dumps({"data": np.zeros(3, dtype)}, 2))


def test_arrays_keep_their_order_of_axes():
    values = np.arange(6, dtype=np.uint8).reshape(2, 3)
    loaded = load_byte_arrays(pickle.dumps({"rows": values, "columns": np.asfortranarray(values)}, 2))
    assert np.array_equal(loaded[b"rows" if b"rows" in loaded else "rows"], values)
    assert np.array_equal(loaded["columns"], values)


@pytest.mark.parametrize("kept", [0, 1, 10, 100, 5000, -1])
def test_truncated_python_batches_are_named(tmp_path, pixels, kept):
    with pytest.raises(InputError, match=r"data_batch_1: .*cut short"):
        prepare("cifar10-32", written(tmp_path, python_batch(pixels)[:kept]), tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({b"labels": [0, 1, 2, 10]}, "label outside 0 to 9"),
        ({b"labels": [0, 1]}, "2 labels for 4 images"),
        ({b"labels": [0, 1, 2, "3"]}, "4 labels for 4"),
        ({b"labels": None}, "no `labels`"),
        ({b"data": np.zeros((4, 3000), np.uint8)}, "no `data` of 3,072 bytes"),
    ],
)
def test_batches_that_contradict_themselves_are_named(tmp_path, pixels, changes, problem):
    with pytest.raises(InputError, match=f"data_batch_1: .*{problem}"):
        prepare("cifar10-32", written(tmp_path, python_batch(pixels, changes)), tmp_path / "a.h5")


def test_truncated_binary_batches_are_named(tmp_path):
    (tmp_path / "cifar-10-batches-bin").mkdir()
    (tmp_path / "cifar-10-batches-bin" / "test_batch.bin").write_bytes(bytes(3073 * 2 - 1))
    with pytest.raises(InputError, match=r"test_batch\.bin: has 6,145 bytes, not a multiple of 3,073"):
        prepare("cifar10-32", tmp_path, tmp_path / "a.h5")


def test_a_class_folder_of_another_name_and_an_empty_folder_are_said(tmp_path):
    (tmp_path / "train" / "lion").mkdir(parents=True)
    Image.new("RGB", (32, 32)).save(tmp_path / "train" / "lion" / "a.png")
    with pytest.raises(InputError, match=r"lion.*none of airplane"):
        prepare("cifar10-32", tmp_path, tmp_path / "a.h5")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no cifar-10-batches-py, cifar-10-python\.tar\.gz"):
        prepare("cifar10-32", tmp_path / "empty", tmp_path / "a.h5")


def test_a_pickle_of_depth_ends_in_a_message():
    with pytest.raises(InputError):
        load_byte_arrays(b"(" * 200_000 + b".")
    deep = io.BytesIO()
    deep.write(b"]" + b"]a" * 10 + b".")
    with pytest.raises(InputError, match="not a dictionary"):
        load_byte_arrays(deep.getvalue())


def test_download_fetches_the_archive_and_loads_nothing_of_it(tmp_path, monkeypatch):
    from torchvision.datasets import utils

    asked = []
    monkeypatch.setattr(utils, "download_url", lambda *arguments: asked.append(arguments))
    CIFAR10Source(kind="cifar10").download(tmp_path)
    ((url, folder, name, digest),) = asked
    assert url.endswith("cifar-10-python.tar.gz") and name == "cifar-10-python.tar.gz" and len(digest) == 32
    assert folder == str(tmp_path) and not list(tmp_path.iterdir())


def test_a_share_of_the_training_images_is_held_out_by_name(tmp_path):
    for part in ("train", "test"):
        (tmp_path / part / "cat").mkdir(parents=True)
        for number in range(200):
            (tmp_path / part / "cat" / f"{number}.png").touch()
    splits = {share: splits_of(CIFAR10Source(kind="cifar10", validation=share), tmp_path) for share in (0.0, 0.1, 0.3)}
    counts = {share: list(found.values()).count("validation") for share, found in splits.items()}
    assert counts[0.0] == 0 and 8 <= counts[0.1] <= 32 and 40 <= counts[0.3] <= 80
    assert list(splits[0.3].values()).count("test") == 200
    held = {share: {name for name, split in found.items() if split == "validation"} for share, found in splits.items()}
    assert held[0.1] < held[0.3], "a larger share holds out more of the images, and no others"


def splits_of(source, folder):
    return {row.name: row.split for row in source.read(folder).rows}


@pytest.mark.parametrize("top", ["cifar10/cifar10", "archive", "."])
def test_kaggles_zip_of_png_trees_is_read_where_it_lies(pixels, tmp_path, top):
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        for part in ("train", "test"):
            for label, image in zip(("cat", "truck", "airplane", "horse"), pixels, strict=True):
                held = io.BytesIO()
                Image.fromarray(image.transpose(1, 2, 0)).save(held, "PNG")
                archive.writestr(f"{top}/{part}/{label}/0002.png", held.getvalue())
        archive.writestr("__MACOSX/._cifar10", b"resource")
    made = prepare("cifar10-32", tmp_path / "archive.zip", tmp_path / "a.h5")
    assert sum(made.rows.values()) == 8 and made.file.label_names["labels"][3] == "cat"
    assert sorted(made.file.split("test").labels["labels"][:].tolist()) == [0, 3, 7, 9]


def test_an_archive_of_batches_is_a_source(pixels, tmp_path):
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        for name in ("data_batch_1", "test_batch"):
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            content = python_batch(pixels)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    made = prepare("cifar10-32", tmp_path / "cifar-10-python.tar.gz", tmp_path / "a.h5")
    assert sum(made.rows.values()) == 8 and made.without_image == 59_992
