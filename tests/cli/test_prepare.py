"""`inpaint prepare` on the command line: a summary on stdout, nothing else when redirected."""

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from inpaint_cli.cli.prepare import prepare
from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.errors import InputError, UsageError


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(prepare)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "tree").mkdir()
    for number in range(20):
        Image.new("RGB", (40, 40), (number, 0, 0)).save(tmp_path / "tree" / f"{number}.png")
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
    assert file.options == {"limit": 1, "mode": "rgb", "notes": [], "size": 128}


def test_mistakes_raise_one_error_of_their_kind(run, tree, tmp_path):
    assert isinstance(run("foldr", "--source", tree, "-o", tmp_path / "a.h5").exception, UsageError)
    assert isinstance(run("folder", "--source", tree / "no", "-o", tmp_path / "a.h5").exception, InputError)
    strict = run("folder", "--source", tree, "-o", tmp_path / "a.h5", "--strict", "--workers", 1)
    assert isinstance(strict.exception, InputError) and not (tmp_path / "a.h5").exists()
