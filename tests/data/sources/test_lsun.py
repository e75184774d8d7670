"""LSUN's databases, written by lmdb itself."""

import io
import subprocess
import sys

import lmdb
import numpy as np
import pytest
from data_sets import prepare
from PIL import Image

from inpaint_cli.errors import EnvironmentFault, InputError


def encoded(number, image_format="WEBP"):
    held = io.BytesIO()
    pixels = np.full((40, 60, 3), number, np.uint8)
    Image.fromarray(pixels).save(held, image_format)
    return held.getvalue()


def database(path, count, first=0):
    with lmdb.open(str(path), map_size=1 << 26) as opened, opened.begin(write=True) as transaction:
        for number in range(first, first + count):
            key = f"{number:040x}".encode()
            transaction.put(key, encoded(number, "WEBP" if number % 2 else "JPEG") + b"\0" * 6000)
    (path / "lock.mdb").unlink()


@pytest.fixture
def lsun(tmp_path):
    folder = tmp_path / "lsun"
    folder.mkdir()
    database(folder / "bedroom_train_lmdb", 40)
    database(folder / "bedroom_val_lmdb", 5, first=100)
    return folder


def test_databases_are_read_whole_with_keys_as_names_and_left_as_they_were(lsun, tmp_path):
    made = prepare("lsun-bedroom-64", lsun, tmp_path / "a.h5", allow_leaks=True)
    assert sum(made.rows.values()) == 45 and set(made.rows) == {"train", "validation", "test"}
    names = {name for split in made.rows for name in made.file.split(split).names}
    assert f"bedroom_train_lmdb/{7:040x}" in names and f"bedroom_val_lmdb/{104:040x}" in names
    for split in made.rows:
        held = made.file.split(split)
        for name, image in zip(held.names, held.images, strict=True):
            assert abs(int(image.mean()) - int(name[-4:], 16)) <= 4
    assert sorted(path.name for path in (lsun / "bedroom_train_lmdb").iterdir()) == ["data.mdb"]


def test_the_folder_of_one_database_may_be_named_itself(lsun, tmp_path):
    assert sum(prepare("lsun-bedroom-64", lsun / "bedroom_val_lmdb", tmp_path / "a.h5").rows.values()) == 5


def test_a_limit_reads_no_further_than_it_must(lsun, tmp_path):
    assert prepare("lsun-bedroom-64", lsun, tmp_path / "a.h5", limit=2).rows == dict.fromkeys(
        ("train", "validation", "test"), 2
    )


@pytest.mark.parametrize("kept", [0, 100, 4096, 8192, 100_000, -4096, -1])
def test_a_truncated_database_is_refused_and_crashes_nothing(lsun, tmp_path, kept):
    """In a process of its own: where lmdb met a missing page, this process would end without a word."""
    path = lsun / "bedroom_train_lmdb" / "data.mdb"
    path.write_bytes(path.read_bytes()[:kept])
    command = [sys.executable, "-m", "inpaint_cli", "prepare", "lsun-bedroom-64", "--source", lsun]
    done = subprocess.run([*command, "-o", tmp_path / "a.h5", "-q"], capture_output=True, text=True)
    assert done.returncode == 3 and "data.mdb" in done.stderr and "cut short" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_file_of_another_kind_and_an_empty_database_are_said(lsun, tmp_path):
    (lsun / "bedroom_train_lmdb" / "data.mdb").write_bytes(b"\1" * 20_000)
    with pytest.raises(InputError, match=r"data\.mdb: not an LMDB database"):
        prepare("lsun-bedroom-64", lsun, tmp_path / "a.h5")
    (lsun / "bedroom_train_lmdb" / "data.mdb").unlink()
    database(lsun / "bedroom_train_lmdb", 0)
    with pytest.raises(InputError, match="bedroom_train_lmdb: this database is empty"):
        prepare("lsun-bedroom-64", lsun, tmp_path / "a.h5")


def test_without_the_package_one_message_says_how_to_get_it(lsun, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(EnvironmentFault, match=r"pip install 'inpaint-cli\[lsun\]'"):
        prepare("lsun-bedroom-64", lsun, tmp_path / "a.h5")


def test_a_folder_of_images_serves_too_and_an_archived_database_does_not(lsun, tmp_path):
    (tmp_path / "rooms").mkdir()
    for number in range(30):
        (tmp_path / "rooms" / f"{number}.jpg").write_bytes(encoded(number, "JPEG"))
    assert sum(prepare("lsun-bedroom-64", tmp_path / "rooms", tmp_path / "a.h5").rows.values()) == 30
    (tmp_path / "rooms" / "bedroom_train_lmdb.zip").write_bytes(b"")
    with pytest.raises(InputError, match=r"bedroom_train_lmdb\.zip: .*extract it"):
        prepare("lsun-bedroom-64", tmp_path / "rooms", tmp_path / "b.h5")


def test_a_database_that_gives_fewer_images_than_it_promises_is_damaged(lsun, tmp_path):
    path = lsun / "bedroom_train_lmdb" / "data.mdb"
    contents = bytearray(path.read_bytes())
    for page in (0, 4096):
        place = page + 16 + 24 + 48 + 32  # page header; magic to map size; free list; the table up to its entries
        if int.from_bytes(contents[place : place + 8], "little") == 40:
            contents[place : place + 8] = (43).to_bytes(8, "little")
    path.write_bytes(contents)
    with pytest.raises(InputError, match=r"data\.mdb: holds 40 of its 43 images; it is damaged"):
        prepare("lsun-bedroom-64", lsun, tmp_path / "a.h5")
