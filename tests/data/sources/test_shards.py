"""Parquet files as Hugging Face keeps them, and WebDataset's tars, written in their genuine form."""

import io
import json
import sys
import tarfile

import numpy as np
import pytest
from conftest import smooth_pictures
from data_sets import prepare
from PIL import Image

from inpaint_cli.errors import EnvironmentFault, InputError

PICTURES = smooth_pictures(30, 40)


def encoded(number, form="PNG"):
    held = io.BytesIO()
    Image.fromarray(PICTURES[number]).save(held, form)
    return held.getvalue()


def held(made):
    """Every row of a prepared file by its name: split, label and image."""
    found = {}
    for split in made.rows:
        rows = made.file.split(split)
        labels = rows.labels.get("labels", [None] * len(rows))
        found |= {
            name: (split, label, image) for name, label, image in zip(rows.names, labels, rows.images, strict=True)
        }
    return found


# ---- parquet ---------------------------------------------------------------------------------------------------------

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def write_parquet(path, numbers, labels=(0, 1), names=("cat", "dog"), **changes):
    """Images as structs of bytes and path, labels as int64, and what `datasets` says of both in the metadata."""
    images = [{"bytes": encoded(number), "path": f"{number}.png"} for number in numbers]
    columns = {"image": images, "label": [labels[number % len(labels)] for number in numbers], **changes}
    features = {"image": {"_type": "Image"}, "label": {"names": list(names), "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pyarrow.table({name: values for name, values in columns.items() if values is not None})
    parquet.write_table(table.replace_schema_metadata(metadata), path)


@pytest.fixture
def huggingface(tmp_path):
    for shard, numbers in enumerate((range(8), range(8, 15))):
        write_parquet(tmp_path / "hf" / "data" / f"train-{shard:05d}-of-00002-0123abcd.parquet", numbers)
    write_parquet(tmp_path / "hf" / "data" / "validation-00000-of-00001.parquet", range(15, 20))
    write_parquet(tmp_path / "hf" / "data" / "test-00000-of-00001.parquet", range(20, 26))
    (tmp_path / "hf" / "README.md").write_text("---\n---")
    return tmp_path / "hf"


def test_parquet_files_are_read_with_their_splits_and_classes(huggingface, tmp_path):
    made = prepare("parquet", huggingface, tmp_path / "a.h5", size=40)
    assert made.rows == {"train": 15, "validation": 5, "test": 6} and made.skipped.count == 0
    assert made.file.label_names == {"labels": ["cat", "dog"]}
    assert made.layout == "parquet, shards: 1 of test, 2 of train, 1 of validation"
    split, label, image = held(made)["data/train-00001-of-00002-0123abcd.parquet/0000003"]
    assert (split, label) == ("train", 1) and np.array_equal(image, PICTURES[11])


def test_the_form_that_hugging_face_converts_to_and_one_file(huggingface, tmp_path):
    for split, numbers in (("train", range(6)), ("test", range(6, 9))):
        write_parquet(tmp_path / "other" / "default" / split / "0000.parquet", numbers)
    assert prepare("parquet", tmp_path / "other", tmp_path / "a.h5", size=40).rows == {"train": 6, "test": 3}
    one = prepare("parquet", huggingface / "data" / "test-00000-of-00001.parquet", tmp_path / "b.h5", size=40)
    assert sum(one.rows.values()) == 6 and one.layout == "parquet, one file"


def test_withheld_labels_leave_all_without(huggingface, tmp_path):
    write_parquet(huggingface / "data" / "test-00000-of-00001.parquet", range(20, 26), labels=(-1,))
    assert prepare("parquet", huggingface, tmp_path / "a.h5", size=40).labels == ()
    write_parquet(huggingface / "data" / "test-00000-of-00001.parquet", range(20, 26), label=None)
    assert prepare("parquet", huggingface, tmp_path / "b.h5", size=40).labels == ()


def test_shards_of_one_split_alone_are_asked_about(tmp_path):
    write_parquet(tmp_path / "hf" / "train-00000-of-00001.parquet", range(9))
    with pytest.raises(InputError, match="train is called as a split, and there is no other"):
        prepare("parquet", tmp_path / "hf", tmp_path / "a.h5", size=40)
    (tmp_path / "hf" / "train-00000-of-00001.parquet").rename(tmp_path / "hf" / "0000.parquet")
    assert sum(prepare("parquet", tmp_path / "hf", tmp_path / "a.h5", size=40).rows.values()) == 9


def test_images_that_are_not_there_are_skipped_with_a_reason(huggingface, tmp_path):
    images = [{"bytes": None, "path": "a.png"}, {"bytes": b"text", "path": None}, {"bytes": encoded(20), "path": None}]
    write_parquet(huggingface / "data" / "test-00000-of-00001.parquet", range(20, 23), image=images)
    made = prepare("parquet", huggingface, tmp_path / "a.h5", size=40)
    assert made.rows["test"] == 1 and made.skipped.count == 2 and "0000000" in made.skipped.reasons[0]


def test_what_is_wrong_with_parquet_files(huggingface, tmp_path, monkeypatch):
    shard = huggingface / "data" / "test-00000-of-00001.parquet"
    whole = shard.read_bytes()
    for content in (whole[:-100], whole[: len(whole) // 2], b"", b"PAR1" * 100):
        shard.write_bytes(content)
        with pytest.raises(InputError, match=r"test-00000-of-00001\.parquet: not a whole parquet file"):
            prepare("parquet", huggingface, tmp_path / "a.h5", size=40)
    shard.write_bytes(whole[:4] + b"\xff" * 2000 + whole[2004:])  # its end is whole, its rows are not
    with pytest.raises(InputError, match=r"test-00000-of-00001\.parquet: damaged after"):
        prepare("parquet", huggingface, tmp_path / "a.h5", size=40)
    write_parquet(tmp_path / "other" / "a.parquet", range(3), image=None, picture=[1, 2, 3])
    with pytest.raises(InputError, match="no column image or img or jpg or png; it has label, picture"):
        prepare("parquet", tmp_path / "other", tmp_path / "a.h5", size=40)
    (tmp_path / "arrow").mkdir()
    (tmp_path / "arrow" / "data-00000-of-00001.arrow").write_bytes(b"")
    with pytest.raises(InputError, match="to_parquet"):
        prepare("parquet", tmp_path / "arrow", tmp_path / "a.h5", size=40)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(EnvironmentFault, match=r"pip install 'inpaint-cli\[parquet\]'"):
        prepare("parquet", tmp_path / "other", tmp_path / "a.h5", size=40)


# ---- WebDataset ------------------------------------------------------------------------------------------------------


def write_tar(path, numbers, classes=True, form="jpg"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for number in numbers:
            files = {f"{number:06d}.{form}": encoded(number, "JPEG"), f"{number:06d}.json": b"{}"}
            if classes:
                files[f"{number:06d}.cls"] = str(number % 3).encode()
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


@pytest.fixture
def shards(tmp_path):
    for shard, numbers in enumerate((range(8), range(8, 15))):
        write_tar(tmp_path / "shards" / f"mine-train-{shard:06d}.tar", numbers)
    write_tar(tmp_path / "shards" / "mine-val-000000.tar", range(15, 20))
    return tmp_path / "shards"


def test_tars_of_samples_are_read_with_their_splits_and_classes(shards, tmp_path):
    made = prepare("webdataset", shards, tmp_path / "a.h5", size=40)
    assert made.rows == {"train": 15, "validation": 5} and made.skipped.count == 0
    assert made.layout == "webdataset, shards: 2 of train, 1 of validation, with classes"
    split, label, image = held(made)["mine-train-000001.tar/000011"]
    expected = np.asarray(Image.open(io.BytesIO(encoded(11, "JPEG"))))
    assert (split, label) == ("train", 11 % 3) and np.array_equal(image, expected)
    again = prepare("webdataset", shards, tmp_path / "b.h5", size=40, workers=2)
    assert again.file.identity == made.file.identity


def test_one_shard_and_samples_without_a_class(shards, tmp_path):
    write_tar(tmp_path / "one.tar", range(9), classes=False)
    made = prepare("webdataset", tmp_path / "one.tar", tmp_path / "a.h5", size=40)
    assert sum(made.rows.values()) == 9 and made.labels == () and made.layout == "webdataset, one shard"
    write_tar(shards / "mine-val-000000.tar", range(15, 20), classes=False)
    assert prepare("webdataset", shards, tmp_path / "b.h5", size=40).labels == ()


def test_what_is_wrong_with_shards(shards, tmp_path):
    path = shards / "mine-val-000000.tar"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"mine-val-000000\.tar: not a whole tar archive"):
        prepare("webdataset", shards, tmp_path / "a.h5", size=40)
    for folder, name, words in (("none", "a.txt", r"no \.tar shards"), ("packed", "a.tar.gz", "gunzip")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(b"")
        with pytest.raises(InputError, match=words):
            prepare("webdataset", tmp_path / folder, tmp_path / "a.h5", size=40)
    write_tar(tmp_path / "other" / "0.tar", range(3), form="npy")
    with pytest.raises(InputError, match="hold no images"):
        prepare("webdataset", tmp_path / "other", tmp_path / "a.h5", size=40)
