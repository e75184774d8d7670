"""A tree gives the same names and bytes as a folder and as an archive; what is hostile or damaged is named."""

import gzip
import io
import os
import pickle
import struct
import tarfile
import zipfile

import pytest

from inpaint_cli.data import archives
from inpaint_cli.data.trees import contents, find_tree, open_tree, tree_at
from inpaint_cli.errors import InputError

FILES = {
    "b.png": b"second",
    "deep/a [bold].png": b"first" * 1000,
    "deep/-é 🎉\n.png": b"third",
    "deep/empty": b"",
}
ARCHIVES = ("zip", "stored.zip", "tar", "tar.gz", "tgz")


def write(path, files, top=""):
    files = {f"{top}{name}": data for name, data in files.items()}
    if path.suffix == ".zip":
        method = zipfile.ZIP_STORED if "stored" in path.name else zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return path
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def write_folder(path, files):
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def everything(tree):
    return {name: contents(pickle.loads(pickle.dumps(tree.image(name)))) for name in tree.names()}


@pytest.mark.parametrize("suffix", ARCHIVES)
@pytest.mark.parametrize("top", ["", "faces/"])
def test_folder_and_archive_give_the_same_names_and_bytes(tmp_path, suffix, top):
    files = {**FILES, ".hidden": b"x", "__MACOSX/._b.png": b"x", "deep/.DS_Store": b"x"}
    folder = tree_at(write_folder(tmp_path / "folder", files))
    tree = open_tree(write(tmp_path / f"faces.{suffix}", files, top).parent, (f"faces.{suffix}",))
    if not top or "stored" not in suffix:
        assert tree.names() == folder.names() == sorted(FILES)
        assert everything(tree) == everything(folder) == FILES
        assert "b.png" in tree and "absent" not in tree and tree.read("b.png") == b"second"
    else:  # called faces.stored: the top folder has another name and stays
        assert tree.names() == sorted(f"faces/{name}" for name in FILES)


def test_a_tree_is_found_by_the_names_of_folder_and_archive_alike(tmp_path):
    write(tmp_path / "102flowers.tgz", FILES, "jpg/")
    assert open_tree(tmp_path, ("jpg", "102flowers")).names() == sorted(FILES)
    write_folder(tmp_path / "Img" / "jpg", {"a": b"1"})
    assert open_tree(tmp_path, ("jpg",), (".", "Img")).names() == ["a"]
    assert find_tree(tmp_path, ("masks",)) is None
    with pytest.raises(InputError, match=r"found no masks or maps.*\.zip.*looked in .*Img"):
        open_tree(tmp_path, ("masks", "maps"), (".", "Img"))


@pytest.mark.parametrize("name", ["faces.7z", "faces.7z.001", "faces.rar"])
def test_archives_of_other_kinds_are_named_with_what_to_do(tmp_path, name):
    (tmp_path / name).write_bytes(b"7z")
    with pytest.raises(InputError, match=rf"{name}.*7z x {name}.*folder faces lies beside"):
        open_tree(tmp_path, ("faces",))
    assert find_tree(tmp_path, ("faces",)) is None


def test_an_absent_name_is_named(tmp_path):
    tree = tree_at(write(tmp_path / "a.zip", FILES))
    with pytest.raises(InputError, match=r"a\.zip: holds no c\.png"):
        tree.read("c.png")
    with pytest.raises(InputError, match="more than the 100"):
        tree.read("deep/a [bold].png", limit=100)


@pytest.mark.parametrize("suffix", ["zip", "tar", "tgz"])
@pytest.mark.parametrize("name", ["../../evil.png", "/etc/evil.png", "a/../../evil.png"])
def test_names_that_leave_the_archive_are_refused_and_the_rest_is_read(tmp_path, suffix, name):
    tree = tree_at(write(tmp_path / f"a.{suffix}", {**FILES, name: b"evil"}))
    assert tree.names() == sorted(FILES)
    assert [member.name for member in tree.refused] == [name]
    with pytest.raises(InputError, match="points out of the archive"):
        tree.refused[0].read()


def test_links_devices_and_pipes_in_an_archive_are_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, kind in (
            ("s", tarfile.SYMTYPE),
            ("h", tarfile.LNKTYPE),
            ("f", tarfile.FIFOTYPE),
            ("d", tarfile.CHRTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    tree = tree_at(tmp_path / "a.tar")
    assert tree.names() == [] and [member.name for member in tree.refused] == ["s", "h", "f", "d"]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("s")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    assert tree_at(tmp_path / "a.zip").refused[0].reason.startswith("is a link")


def test_loops_of_links_are_not_entered_and_pipes_are_not_waited_for(tmp_path):
    write_folder(tmp_path, {"a.png": b"1"})
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.png").symlink_to("self.png")
    os.mkfifo(tmp_path / "pipe.png")
    tree = tree_at(tmp_path)
    assert tree.names() == ["a.png", "pipe.png", "self.png"]
    for name in ("pipe.png", "self.png"):
        with pytest.raises(InputError, match=name):
            tree.read(name)


@pytest.mark.parametrize("suffix", ["zip", "tar", "tgz"])
def test_bytes_that_are_no_utf_8_keep_the_name_that_a_folder_gives(tmp_path, suffix):
    folder, name = tmp_path / "a", os.fsdecode(b"caf\xe9.png")
    folder.mkdir()
    (folder / name).write_bytes(b"1")
    if suffix == "zip":
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("cafX.png", b"1")
        packed = (tmp_path / "a.zip").read_bytes().replace(b"cafX", b"caf\xe9")
        (tmp_path / "a.zip").write_bytes(packed)
    else:
        write(tmp_path / f"a.{suffix}", {name: b"1"})
    names = tree_at(tmp_path / f"a.{suffix}").names()
    assert names == ([name] if suffix != "zip" else ["cafΘ.png"])  # zip says: code page 437


def test_utf_8_names_of_a_zip_without_its_flag_are_understood(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("cafXY.png", b"1")
    (tmp_path / "a.zip").write_bytes((tmp_path / "a.zip").read_bytes().replace(b"cafXY", "café".encode()))
    assert tree_at(tmp_path / "a.zip").names() == ["café.png"]


@pytest.mark.parametrize("suffix", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize("kept", [0, 10, 300, -1500])
def test_an_archive_cut_short_is_named(tmp_path, suffix, kept):
    data = {f"{number}.png": os.urandom(1000) for number in range(10)}
    path = write(tmp_path / f"a.{suffix}", data)
    size = path.stat().st_size if suffix != "tar" else 512 * 2 * 10 + 512 * 10  # a tar ends in padding
    os.truncate(path, kept if kept >= 0 else size + kept)
    with pytest.raises(InputError, match=rf"a\.{suffix}: .*cut short"):
        tree_at(path)


def test_a_damaged_member_is_one_refusal_and_not_the_archive_s(tmp_path):
    path = write(tmp_path / "a.zip", {"a.png": os.urandom(500), "b.png": os.urandom(500)})
    damaged = bytearray(path.read_bytes())
    damaged[200] ^= 255
    path.write_bytes(damaged)
    tree = tree_at(path)
    with pytest.raises(InputError, match=r"a\.zip: a\.png: is damaged"):
        tree.read("a.png")
    assert len(tree.read("b.png")) == 500


def test_a_member_that_holds_more_than_it_declares_is_refused(tmp_path):
    path = write(tmp_path / "a.zip", {"a.png": bytes(100_000)})
    honest = path.read_bytes()
    path.write_bytes(honest.replace(struct.pack("<I", 100_000), struct.pack("<I", 1_000)))
    with pytest.raises(InputError, match="is damaged"):
        tree_at(path).read("a.png")


def test_bombs_are_refused_before_they_are_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED", 1 << 20)
    bomb = write(tmp_path / "a.zip", {"a.png": bytes(4 << 20)})
    with pytest.raises(InputError, match=r"a\.zip: would unpack to 4,194,304 bytes"):
        tree_at(bomb)
    (tmp_path / "a.tgz").write_bytes(gzip.compress(bytes(8 << 20)))
    with pytest.raises(InputError, match=r"a\.tgz: unpacks to more than 100 times"):
        tree_at(tmp_path / "a.tgz")


def test_an_encrypted_archive_and_an_unknown_method_say_what_to_do(tmp_path):
    path = write(tmp_path / "a.zip", {"a.png": b"1"})
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\1\2")
    data[central + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="encrypted; extract it with its password"):
        tree_at(path)
    data[central + 8] &= 254
    data[central + 10] = 9  # deflate64
    path.write_bytes(data)
    assert "method 9" in tree_at(path).refused[0].reason


def test_a_header_of_a_tar_that_would_fill_the_memory_is_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("long")
        info.type, info.size = tarfile.GNUTYPE_LONGNAME, 3 << 20
        archive.addfile(info, io.BytesIO(bytes(3 << 20)))
    with pytest.raises(InputError, match="header of 3,145,728 bytes"):
        tree_at(tmp_path / "a.tar")
