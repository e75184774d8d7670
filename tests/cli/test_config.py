"""--config FILE: its options stand where the command line has none; run.json says what was typed, and which code."""

import json
import re
import shlex
import subprocess
from types import SimpleNamespace

import pytest
from conftest import REPOSITORY, inpaint, train_arguments

from inpaint_cli.jobs.training import provenance

TOML = """
method = "mde"
data = "{data}"
steps = 7
sync-batchnorm = true
keep_every = 3
[set]
width = 8
perceptual = 0
"""


@pytest.fixture
def trained_with(monkeypatch):
    """What the job is given, by a training that does not happen."""
    given = {}

    def train(*arguments, **options):
        given.update(options, method=arguments[0], data=arguments[1])
        return SimpleNamespace(path="there")

    monkeypatch.setattr("inpaint_cli.jobs.training.running.train", train)
    return given


@pytest.fixture
def config(tmp_path, prepared):
    path = tmp_path / "mde.toml"
    path.write_text(TOML.format(data=prepared))
    return path


def test_the_command_line_counts_before_the_file(config, prepared, trained_with):
    said = inpaint("train", "--config", config, "--steps", 9, "--set", "width=16", "--masks", "block:8")
    assert said.exit_code == 0, said.stderr
    assert (trained_with["method"], trained_with["data"], trained_with["steps"]) == ("mde", prepared, 9)
    assert trained_with["sync_batchnorm"] is True and trained_with["keep_every"] == 3 and trained_with["batch"] is None
    assert trained_with["settings"] == ["width=8", "perceptual=0", "width=16"]  # the last of a name counts


def test_a_runs_own_file_begins_it_again_and_names_it_to_be_measured(trained, prepared, trained_with, monkeypatch):
    begun = json.loads((trained / "run.json").read_text())
    assert inpaint("train", "--config", trained / "run.json", "--seed", 5).exit_code == 0
    assert trained_with["seed"] == 5 and all(trained_with[name] == begun[name] for name in ("masks", "batch", "steps"))
    changed = dict(text.split("=") for text in trained_with["settings"])
    assert changed["width"] == str(begun["settings"]["width"]) and str(trained_with["data"]) == begun["data"]

    measured = {}
    monkeypatch.setattr(
        "inpaint_cli.jobs.evaluation.measuring.evaluate",
        lambda data, masks, **options: measured.update(options, data=data, masks=masks) or SimpleNamespace(
            tables="", raise_for_missing=lambda: None
        ),
    )  # fmt: skip
    assert inpaint("evaluate", "--config", trained / "run.json", "--limit", 2).exit_code == 0
    assert measured["checkpoints"] == [trained] and measured["masks"] == [begun["masks"]] and measured["limit"] == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('methd = "mde"', "no option 'methd'; did you mean 'method'"),
        ("seed = [1, 2]", "seed takes one value; to train with several, the shell runs the command for each"),
        ("set = 'width=3'", r"set is a table, \[set\]"),
        ("method = ", "not TOML"),
    ],
)
def test_what_a_file_cannot_say(tmp_path, text, message):
    (tmp_path / "wrong.toml").write_text(text)
    said = inpaint("train", "--config", tmp_path / "wrong.toml")
    assert said.exit_code in (2, 3)
    assert re.search(message, said.stderr), said.stderr


def test_run_json_says_what_was_typed_and_which_code(prepared, tmp_path, monkeypatch):
    words = [str(word) for word in [*train_arguments(prepared, tmp_path / "a run"), "--steps", 1]]
    monkeypatch.setattr("sys.argv", ["inpaint", *words])
    assert inpaint(*words).exit_code == 0
    begun = json.loads((tmp_path / "a run" / "run.json").read_text())
    assert shlex.split(begun["command"]) == ["inpaint", *words]
    assert begun["code"]["digest"] == provenance.code()["digest"]


def test_the_commit_is_read_without_git(tmp_path):
    (tmp_path / ".git").mkdir()
    assert provenance.commit_of(tmp_path) is None
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".git" / "packed-refs").write_text("# pack-refs\nabc123 refs/heads/main\n")
    assert provenance.commit_of(tmp_path) == "abc123"
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if found.returncode == 0:
        assert provenance.commit_of(REPOSITORY) == found.stdout.strip()
