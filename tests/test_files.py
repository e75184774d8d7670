"""Files are whole or absent under their final name, nothing that was given is replaced, and no device is read."""

import errno
import multiprocessing
import os
import signal
import stat

import pytest

from inpaint_cli.errors import EnvironmentFault, InputError, UsageError
from inpaint_cli.files import clear_leftovers, naming, read_whole, refuse_existing, refuse_inputs, replacing


def test_a_failed_block_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "result.png"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_finished_block_replaces_the_file(tmp_path):
    path = tmp_path / "result.png"
    with replacing(path) as temporary:
        assert temporary.suffix == ".png" and not path.exists()
        temporary.write_text("new")
    assert path.read_text() == "new"
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_existing_outputs_need_overwrite(tmp_path):
    path = tmp_path / "there"
    path.write_text("mine")
    with pytest.raises(UsageError, match="--overwrite"), replacing(path, overwrite=False):
        pass
    refuse_existing(path, overwrite=True)
    with pytest.raises(UsageError, match="directory"):
        refuse_existing(tmp_path, overwrite=True)


def test_an_output_that_appears_meanwhile_is_left_alone(tmp_path):
    path = tmp_path / "result"
    with pytest.raises(UsageError), replacing(path, overwrite=False) as temporary:
        temporary.write_text("ours")
        path.write_text("theirs")
    assert path.read_text() == "theirs"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(EnvironmentFault, match="nowhere"), replacing(tmp_path / "nowhere" / "file"):
        pass


def test_links_pipes_and_devices_are_never_replaced(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("link", "link to .*file"), ("nowhere", "link to .*absent"), ("pipe", "no regular file")):
        with pytest.raises(UsageError, match=words), replacing(tmp_path / name, overwrite=True):
            pass
    with pytest.raises(UsageError, match="link to"):
        refuse_existing(tmp_path / "nowhere", overwrite=False)
    assert (tmp_path / "file").read_text() == "mine" and not (tmp_path / "absent").exists()


def test_what_is_read_is_no_output_by_whatever_name(tmp_path):
    given, other = tmp_path / "given", tmp_path / "other"
    given.write_text("")
    other.hardlink_to(given)
    for name in (given, tmp_path / "." / "given", other):
        with pytest.raises(UsageError, match="is what is read"):
            refuse_inputs([name], [None, tmp_path / "absent", given])
    refuse_inputs([tmp_path / "absent", None], [given, tmp_path / "absent"])


def write_for_ever(path, begun):
    with replacing(path) as temporary:
        temporary.write_text("half")
        begun.set()
        signal.pause()


@pytest.fixture
def writing(tmp_path):
    """A process that is in the middle of writing `tmp_path / "result.png"`."""
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    process = context.Process(target=write_for_ever, args=(tmp_path / "result.png", begun))
    process.start()
    assert begun.wait(60)
    yield process
    process.kill()
    process.join()


def test_what_a_killed_process_left_is_cleared_by_whoever_writes_next(tmp_path, writing):
    (tmp_path / ".keep.me.part.png").write_text("not ours")
    writing.kill()
    writing.join()
    assert len(list(tmp_path.glob(".result.*.part"))) == 1
    clear_leftovers(tmp_path, again=True)
    assert [path.name for path in tmp_path.iterdir()] == [".keep.me.part.png"]


def test_what_is_being_written_is_no_leftover(tmp_path, writing):
    before = list(tmp_path.glob(".result.*.part/*"))
    clear_leftovers(tmp_path, again=True)
    assert list(tmp_path.glob(".result.*.part/*")) == before and before[0].read_text() == "half"


def test_a_full_disk_names_the_file(tmp_path):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match=r"result\.png"), replacing(tmp_path / "result.png"):
        full()
    with pytest.raises(OSError, match=r"result\.png") as raised, replacing(tmp_path / "result.png") as temporary:
        temporary.read_text()  # a fault of the temporary file is one of the file
    assert raised.value.filename == str(tmp_path / "result.png")
    with pytest.raises(FileNotFoundError, match="other"), naming(tmp_path / "result.png"):
        (tmp_path / "other").read_text()


def test_reading_ends_at_the_limit_and_before_devices(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "long").write_bytes(b"x" * 11)
    for name, words in (
        ("pipe", "not a regular file"), ("zero", "not a regular file"), (".", "is a folder"),
        ("absent", "No such file"), ("long", "more than 10 bytes"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=words):
            read_whole(tmp_path / name, 10)
    assert read_whole(tmp_path / "long", 11) == b"x" * 11
