"""Files are whole or absent under their final name."""

import os
import stat

import pytest

from inpaint_cli.errors import EnvironmentFault, UsageError
from inpaint_cli.files import refuse_existing, replacing


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
