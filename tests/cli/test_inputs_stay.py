"""Whatever option is given, no command replaces what it reads, a link, a pipe, or a file among those that it wrote."""

import os
import shutil

import pytest
from conftest import inpaint

from inpaint_cli import complete
from inpaint_cli.errors import UsageError


@pytest.fixture
def place(tmp_path, photo, mask, prepared, trained, monkeypatch):
    """A folder with everything that commands read, copied, in which they run."""
    shutil.copy(prepared, tmp_path / "data.h5")
    shutil.copytree(trained, tmp_path / "run")
    shutil.copy(trained / "checkpoints" / "step-00000004.safetensors", tmp_path / "model.safetensors")
    shutil.copy(photo, tmp_path / "other.png")
    (tmp_path / "alias.png").hardlink_to(photo)
    (tmp_path / "own.toml").write_text("")
    (tmp_path / "run" / "checkpoints" / "step-00000002.safetensors").write_bytes(b"an older one")
    (tmp_path / "pictures").mkdir()
    shutil.copy(photo, tmp_path / "pictures" / "one.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


COMPLETE = ["complete", "photo.png", "--mask", "mask.png", "--overwrite"]


@pytest.mark.parametrize(
    "command",
    [
        [*COMPLETE, "-o", "photo.png"],
        [*COMPLETE, "-o", "mask.png"],
        [*COMPLETE, "-o", "alias.png"],
        [*COMPLETE, "-o", "./run/../photo.png"],
        [*COMPLETE, "--source-mask", "other.png", "-o", "other.png"],
        ["complete", "--data", "data.h5", "--masks", "block:8", "-o", "data.h5", "--overwrite", "--method", "tv"],
        ["mask", "photo.png", "--mask", "photo.png", "--overwrite"],
        ["mask", "photo.png", "-o", "photo.png", "--overwrite"],
        ["masks", "block:8", "--photo", "photo.png", "-o", "photo.png", "--overwrite"],
        ["data", "data.h5", "--sheet", "data.h5", "--overwrite"],
        ["evaluate", "--data", "data.h5", "--masks", "block:8", "--method", "tv", "-o", "data.h5", "--overwrite"],
        ["evaluate", "--data", "data.h5", "--masks", "block:8", "--method", "tv", "--csv", "data.h5", "--overwrite"],
        [
            *("evaluate", "--data", "data.h5", "--masks", "block:8", "--checkpoint", "model.safetensors"),
            *("-o", "model.safetensors", "--overwrite"),
        ],
        ["export", "model.safetensors", "-o", "model.safetensors", "--data", "data.h5", "--overwrite"],
        ["export", "model.safetensors", "-o", "data.h5", "--data", "data.h5", "--overwrite"],
        ["export", "run", "-o", "run/checkpoints/step-00000004.safetensors", "--overwrite"],
        ["report", "page", "run", "-o", "run/run.json", "--overwrite"],
        ["report", "grid", "photo.png", "other.png", "--columns", "2", "-o", "other.png", "--overwrite"],
        ["prepare", "folder", "--source", "data.h5", "-o", "data.h5", "--overwrite"],
        ["prepare", "folder", "--source", "pictures", "-o", "pictures/one.png", "--overwrite"],
        ["export", "run", "-o", "run/checkpoints/step-00000002.safetensors", "--overwrite"],
        [
            *("evaluate", "--data", "data.h5", "--masks", "block:8", "--checkpoint", "run"),
            *("-o", "run/run.json", "--overwrite"),
        ],
    ],
    ids=lambda command: " ".join(command),
)
def test_an_output_that_is_an_input_is_refused(place, command):
    before = contents(place)
    result = inpaint(*command)
    assert result.exit_code == UsageError.exit_code and "is what is read" in result.stderr, result.stderr
    assert contents(place) == before


def test_the_library_replaces_no_photo_either(place):
    before = contents(place)
    with pytest.raises(UsageError, match="is what is read"):
        complete("photo.png", "mask.png", output="photo.png", overwrite=True)
    assert contents(place) == before


@pytest.mark.parametrize("name", ["link.png", "dangling.png", "pipe.png"])
def test_links_and_pipes_are_never_replaced(place, name):
    (place / "link.png").symlink_to("other.png")
    (place / "dangling.png").symlink_to("absent.png")
    os.mkfifo(place / "pipe.png")
    before = os.lstat(place / name)
    result = inpaint(*COMPLETE, "-o", name)
    assert result.exit_code == UsageError.exit_code and name in result.stderr
    assert os.lstat(place / name).st_mode == before.st_mode and not (place / "absent.png").exists()


def test_results_that_exist_as_links_are_skipped_where_that_is_asked(place):
    (place / "link.png").symlink_to("other.png")
    result = inpaint("complete", "photo.png", "--mask", "mask.png", "--skip-existing", "-o", "link.png")
    assert result.exit_code == 0 and "skipped" in result.stderr


def test_hidden_files_are_no_photos_and_no_masks(place):
    folder = place / "photos"
    folder.mkdir()
    shutil.copy("photo.png", folder / "cat.png")
    shutil.copy("mask.png", folder / "cat_mask.png")
    for name in (".cat_inpaint.abcd1234.part.png", ".cat.png", ".cat_mask.png"):
        (folder / name).write_bytes(b"half")
    for option in ("--overwrite", "--skip-existing"):
        assert inpaint("complete", folder, "-q", option).exit_code == 0
    assert not list(folder.glob(".cat_inpaint*")), "what a killed process left of a result is cleared"
    assert (folder / ".cat.png").read_bytes() == b"half"
