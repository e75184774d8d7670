"""Whatever lies in a folder or an archive: `prepare folder` takes what is an image and says why the rest is not."""

import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inpaint_cli.data.preparing import plan, prepare_file
from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.data.recipes import load_recipe
from inpaint_cli.errors import EnvironmentFault, InputError

REPOSITORY = Path(__file__).parents[2]
BAD_INPUTS = REPOSITORY.parent / "shared" / "badinputs"
STRAY = os.fsdecode(b"caf\xe9.png")
NAMES = ("plain.png", "with space.png", "line\nbreak.png", "🎉.png", "-rf.png", "[bold]red[/bold].png", "a'b\"c.png")


def picture(number):
    held = io.BytesIO()
    Image.fromarray(np.full((20, 24, 3), number, np.uint8)).save(held, "PNG")
    return held.getvalue()


def prepare(source, output, size=16, **options):
    recipe, text = load_recipe("folder")
    return prepare_file(recipe.resized(size), text, source, output, **options)


@pytest.fixture
def files():
    named = {f"deep/{name}": picture(number) for number, name in enumerate(NAMES)}
    return {**named, "notes.txt": b"no image", "deep/.hidden.png": b"", "__MACOSX/._plain.png": b"x"}


@pytest.fixture
def folder(tmp_path, files):
    for name, data in files.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(data)
    return tmp_path / "tree"


def pack(path, files):
    """An archive of the files in another order, below a folder called as the archive."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in reversed(files.items()):
                archive.writestr(f"tree/{name}", data)
        return path
    with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as archive:
        for name, data in reversed(files.items()):
            info = tarfile.TarInfo(f"tree/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def test_odd_names_come_through(folder, tmp_path):
    (folder / "deep" / STRAY).write_bytes(picture(99))
    made = prepare(folder, tmp_path / "a.h5")
    names = [name for split in made.file.splits for name in made.file.split(split).names]
    assert sorted(names) == sorted([f"deep/{name}" for name in (*NAMES, STRAY)])
    assert made.skipped.count == 1 and "notes.txt" in made.skipped.reasons[0]


@pytest.mark.parametrize("suffix", ["zip", "tar", "tgz"])
@pytest.mark.parametrize("workers", [1, 2])
def test_an_archive_gives_the_bytes_that_its_folder_gives(folder, files, tmp_path, suffix, workers):
    archive = pack(tmp_path / f"tree.{suffix}", files)
    prepare(folder, tmp_path / "folder.h5")
    prepare(archive, tmp_path / "archive.h5", workers=workers)
    assert (tmp_path / "folder.h5").read_bytes() == (tmp_path / "archive.h5").read_bytes()
    assert not (tmp_path / "deep").exists()


def test_what_an_archive_may_not_hold_is_skipped_with_its_reason(tmp_path):
    pack(tmp_path / "tree.tar", {"a.png": picture(1), "../../../evil.png": picture(2)})
    with tarfile.open(tmp_path / "tree.tar", "a") as archive:
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    made = prepare(tmp_path / "tree.tar", tmp_path / "a.h5")
    assert sum(made.rows.values()) == 1 and made.skipped.count == 2
    assert "out of the archive" in made.skipped.reasons[0] and "link" in made.skipped.reasons[1]


def test_pipes_and_loops_keep_nobody_waiting(folder, tmp_path):
    os.mkfifo(folder / "pipe.png")
    (folder / "loop").symlink_to(folder)
    (folder / "self.png").symlink_to("self.png")
    made = prepare(folder, tmp_path / "a.h5")
    assert sum(made.rows.values()) == len(NAMES) and made.skipped.count == 3
    assert any("pipe.png: is not a regular file" in reason for reason in made.skipped.reasons)


def test_the_forecast_counts_and_writes_nothing(folder, files, tmp_path):
    archive = pack(tmp_path / "tree.zip", files)
    before = sorted(tmp_path.iterdir())
    recipe, _ = load_recipe("folder")
    found = plan(recipe.resized(16), archive, tmp_path / "a.h5")
    assert sum(found.rows.values()) == len(NAMES) + 1  # the note is found out when it is decoded
    assert found.measure.columns == {"images": (16, 16, 3)} and found.measure.row_bytes >= 16 * 16 * 3
    assert found.measure.origins == ("archive tree.zip, read in place",)
    assert sorted(tmp_path.iterdir()) == before
    made = prepare(archive, tmp_path / "a.h5")
    assert all(count <= found.rows[split] for split, count in made.rows.items())


def test_a_disk_without_room_is_found_before_the_first_row_is_written(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("inpaint_cli.data.room.available", lambda output: 1000)
    with pytest.raises(EnvironmentFault, match=r"8 rows need .* bytes of disk .* 1,000 are free"):
        prepare(folder, tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()


def test_a_folder_that_refuses_files_is_found_before_the_source_is_read(tmp_path):
    with pytest.raises(EnvironmentFault, match="/proc: no file can be made in it"):
        prepare(tmp_path, Path("/proc/a.h5"))


def test_other_files_are_no_source(tmp_path):
    (tmp_path / "tree.7z").write_bytes(b"7z\xbc\xaf")
    with pytest.raises(InputError, match=r"tree\.7z.*7z x tree\.7z"):
        prepare(tmp_path / "tree.7z", tmp_path / "a.h5")
    (tmp_path / "photo.png").write_bytes(picture(1))
    with pytest.raises(InputError, match=r"photo\.png: is neither a folder nor an archive"):
        prepare(tmp_path / "photo.png", tmp_path / "a.h5")


EVERY_BAD_INPUT = """
import json, re, sys, time
from pathlib import Path
from inpaint_cli.data import preparing
from inpaint_cli.data.recipes import load_recipe
seconds = {}
whole = preparing.shape_rows
def timed(shaping, rows):
    parts = []
    for row in rows:
        start = time.monotonic()
        parts.append(whole(shaping, [row]))
        seconds[row.name] = time.monotonic() - start
    return whole_again(parts)
def whole_again(parts):
    import numpy as np
    kept = [columns["images"] for columns, _ in parts if columns]
    reasons = {place: reason for place, (_, found) in enumerate(parts) for reason in found.values()}
    return ({"images": np.concatenate(kept)} if kept else {}), reasons
preparing.shape_rows = timed
preparing.REASONS_KEPT = 10_000
recipe, text = load_recipe("folder")
made = preparing.prepare_file(recipe, text, Path(sys.argv[1]), Path(sys.argv[2]), workers=1, allow_leaks=True)
status = open("/proc/self/status").read()  # getrusage would count the process that started this one
peak = int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) / 1024
print(json.dumps({"rows": made.rows, "skipped": made.skipped.count, "reasons": made.skipped.reasons,
                  "slowest": max(seconds.values()), "files": len(seconds), "peak": peak}))
"""


@pytest.mark.skipif(not BAD_INPUTS.is_dir(), reason="the collection of bad inputs is not here")
def test_the_whole_collection_of_bad_inputs_goes_through(tmp_path):
    command = [sys.executable, "-c", EVERY_BAD_INPUT, str(BAD_INPUTS), str(tmp_path / "a.h5")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert sum(found["rows"].values()) > 250 and len(found["reasons"]) == found["skipped"] > 200
    assert sum(found["rows"].values()) + found["skipped"] == found["files"]
    assert found["slowest"] < 10 and found["peak"] < 1000  # seconds, MiB
    PreparedFile(tmp_path / "a.h5").verify()
