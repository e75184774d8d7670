"""`inpaint prepare` on the command line: a summary on stdout, nothing else when redirected."""

import shutil
from urllib.error import URLError

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from inpaint_cli.cli.prepare import prepare
from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.errors import EnvironmentFault, InputError, UsageError


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(prepare)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "tree").mkdir()
    for number in range(20):
        Image.new("RGB", (40, 40), (12 * number, 0, 0)).save(tmp_path / "tree" / f"{number}.png")
    (tmp_path / "tree" / "note.txt").write_text("no image")
    return tmp_path / "tree"


def test_the_summary_says_what_was_made_and_what_was_not(run, tree, tmp_path):
    done = run("folder", "--source", tree, "-o", tmp_path / "a.h5", "--size", 24, "--workers", 1)
    assert done.exit_code == 0 and done.stderr == ""
    file = PreparedFile(tmp_path / "a.h5")
    for part in (
        "20 images of 24×24, RGB",
        "skipped: 1",
        "note.txt",
        f"identity: {file.identity}",
        str(tmp_path / "a.h5"),
    ):
        assert part in done.stdout
    for split in file.splits:
        assert f"{split} " in done.stdout


def test_limit_and_quiet(run, tree, tmp_path):
    done = run("folder", "--source", tree, "--output", tmp_path / "a.h5", "--limit", 1, "--workers", 1, "-q")
    assert (done.exit_code, done.stdout) == (0, "")
    file = PreparedFile(tmp_path / "a.h5")
    assert {len(file.split(split)) for split in file.splits} == {1}
    assert file.options == {
        "limit": 1, "mode": "rgb", "notes": [], "size": 128, "copies": 0, "leaks": 0,
        "layout": "no split folders: dealt by names; no class folders",
    }  # fmt: skip


def test_mistakes_raise_one_error_of_their_kind(run, tree, tmp_path):
    assert isinstance(run("foldr", "--source", tree, "-o", tmp_path / "a.h5").exception, UsageError)
    assert isinstance(run("folder", "--source", tree / "no", "-o", tmp_path / "a.h5").exception, InputError)
    strict = run("folder", "--source", tree, "-o", tmp_path / "a.h5", "--strict", "--workers", 1)
    assert isinstance(strict.exception, InputError) and not (tmp_path / "a.h5").exists()


def test_a_dry_run_says_what_would_be_made_and_writes_nothing(run, tree, tmp_path):
    done = run("folder", "--source", tree, "-o", tmp_path / "a.h5", "--size", 24, "--mode", "gray", "--dry-run")
    assert done.exit_code == 0 and not (tmp_path / "a.h5").exists()
    for part in (
        "at most 21 images of 24×24, grey",
        "images 24×24×1",
        "read from: files",
        "free",
        "nothing was written",
    ):
        assert part in done.stdout


def test_another_mode_is_recorded(run, tree, tmp_path):
    assert run("folder", "--source", tree, "-o", tmp_path / "a.h5", "--mode", "gray", "--workers", 1).exit_code == 0
    file = PreparedFile(tmp_path / "a.h5")
    assert file.shape.channels == 1 and file.options["mode"] == "gray"
    assert isinstance(run("folder", "--source", tree, "-o", tmp_path / "b.h5", "--mode", "blue").exception, UsageError)


def test_an_archive_is_a_source(run, tree, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "tree"), "zip", tree)
    assert run("folder", "--source", archive, "-o", tmp_path / "a.h5", "--workers", 1, "-q").exit_code == 0
    assert run("folder", "--source", tree, "-o", tmp_path / "b.h5", "--workers", 1, "-q").exit_code == 0
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    refused = run("celeba-96", "--source", archive, "-o", tmp_path / "c.h5").exception
    assert isinstance(refused, InputError) and "not a folder" in str(refused)


def test_downloading_is_refused_where_it_cannot_be(run, tmp_path):
    for arguments, words in (
        (("folder", "--source", tmp_path / "new"), "images of your own"),
        (("mnist-96",), "needs --source"),
        (("demo", "--source", tmp_path / "new"), "leave out --source"),
        (("mnist-96", "--source", tmp_path / "new", "--dry-run"), "one of them"),
    ):
        refused = run(*arguments, "-o", tmp_path / "a.h5", "--download").exception
        assert isinstance(refused, UsageError) and words in str(refused)


def test_a_download_that_fails_is_one_message_that_names_the_folder(run, tmp_path, monkeypatch):
    def without_network(*arguments, **options):
        raise URLError("Temporary failure in name resolution")

    monkeypatch.setattr("urllib.request.urlopen", without_network)
    done = run("mnist-96", "--source", tmp_path / "new", "-o", tmp_path / "a.h5", "--download")
    assert isinstance(done.exception, EnvironmentFault), done.exception
    assert "could not be fetched" in str(done.exception) and "new" in str(done.exception)
    assert "terms: MNIST" in done.stderr and done.stdout == ""


def test_what_was_downloaded_is_what_is_read(run, tmp_path, monkeypatch):
    def fetch(folder, download):
        raw = folder / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for part, rows in (("train", 5010), ("t10k", 3)):
            sizes = b"".join(size.to_bytes(4, "big") for size in (rows, 28, 28))
            (raw / f"{part}-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + sizes + bytes(rows * 784))
            (raw / f"{part}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + sizes[:4] + bytes(rows))

    monkeypatch.setattr("torchvision.datasets.MNIST", fetch)
    arguments = ("--source", tmp_path / "new", "-o", tmp_path / "a.h5", "--limit", 2, "--workers", 1)
    done = run("mnist-96", *arguments, "--download")
    assert done.exit_code == 0 and {len(PreparedFile(tmp_path / "a.h5").split(s)) for s in ("train", "test")} == {2}


def test_without_a_recipe_they_are_listed(run):
    done = run()
    assert done.exit_code == 0 and "celeba-96            CelebA" in done.stdout and "\nfolder  " in done.stdout
