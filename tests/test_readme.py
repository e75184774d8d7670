"""The commands of README and guide run as written, with fewer steps: what prepares and trains first, then in order."""

import re
import shlex

import numpy as np
import pytest
from conftest import REPOSITORY, inpaint, smooth_pictures
from PIL import Image

README = (REPOSITORY / "README.md").read_text()
GUIDE = "\n".join(path.read_text() for path in sorted((REPOSITORY / "inpaint_cli" / "guide").glob("*.md")))
BOTH = README + GUIDE
STAGES = {"prepare": 0, "train": 1}
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", BOTH, re.S | re.M)
COMMANDS, OTHERS = ([line for kind, text in BLOCKS if kind == k for line in text.splitlines()] for k in ("bash", ""))


@pytest.mark.slow
def test_commands_run_as_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for number, picture in enumerate(smooth_pictures(12, 120)):
        Image.fromarray(picture).save(tmp_path / "photos" / f"{number}.png")
    Image.fromarray(smooth_pictures(1, 150, seed=9)[0]).save("photo.png")
    hole = np.zeros((150, 150), np.uint8)
    hole[60:80, 40:90] = 255
    Image.fromarray(hole).save("mask.png")
    (options,) = (text for kind, text in BLOCKS if kind == "toml")
    (tmp_path / "first.toml").write_text(options)
    done = set()
    for command in sorted(dict.fromkeys(COMMANDS), key=lambda line: STAGES.get(line.split()[1], 2)):
        words = shlex.split(command.replace("--steps 600", "--steps 3").replace("--steps 700", "--steps 4"))
        assert words[0] == "inpaint"
        limited = words[1] == "evaluate" or words[1:3] == ["prepare", "demo"] or "--data" in words[2:3]
        result = inpaint(*words[1:], *(["--limit", "8"] if limited else []))
        assert result.exit_code == 0, f"{command}\n{result.stderr}"
        done.add(words[1])
    assert {"prepare", "data", "train", "complete", "evaluate", "report", "masks"} <= done
    completed = ("photo_inpaint.png", "out_3.jpg", "look/index.html", "results/0_inpaint.png", "learned_3.png")
    others = (
        "completed.h5",
        "results.json",
        "images.csv",
        "run.html",
        "masks.png",
        "photos.h5",
        "sheet.png",
        "first.pt",
    )
    for name in completed + others:
        assert (tmp_path / name).stat().st_size > 300, name


def test_commands_that_need_other_data_are_ones_that_the_program_takes():
    """Those outside of `bash` blocks: their options are parsed, nothing is run."""
    from typer.main import get_command

    from inpaint_cli.cli.main import app
    from inpaint_cli.methods import method_class
    from inpaint_cli.settings import assigned, make_settings

    commands = [shlex.split(line)[1:] for line in OTHERS if line.startswith("inpaint ")]
    assert len(commands) > 5
    for words in commands:
        context = get_command(app).commands[words[0]].make_context(words[0], words[1:])
        if words[0] == "train":
            settings = method_class(context.params["method"]).Settings
            assert make_settings(settings, assigned(context.params["settings"] or []))


def test_every_command_is_introduced():
    from inpaint_cli.cli.main import app

    names = {command.callback.__name__ for command in app.registered_commands}
    assert all(f"`inpaint {name}`" in README for name in names)


def test_every_recipe_method_and_mask_is_introduced():
    from inpaint_cli.data.recipes import recipe_names
    from inpaint_cli.masks import KINDS
    from inpaint_cli.methods import method_names

    rows = [line.split("|")[1] for line in BOTH.splitlines() if line.startswith("| `")]
    introduced = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert {*recipe_names(), *method_names()} <= introduced
    assert all(f"`{kind.signature}`" in BOTH or f"`{name}:" in BOTH for name, kind in KINDS.items())


def test_methods_stand_in_readme_itself_and_every_topic_of_the_guide_is_linked():
    from inpaint_cli.jobs.guide import topics
    from inpaint_cli.methods import method_names

    assert all(f"`{name}`" in README for name in method_names())
    assert all(f"[{topic}](inpaint_cli/guide/{topic}.md)" in README for topic in topics())


@pytest.mark.parametrize("path", [REPOSITORY / "README.md", *sorted((REPOSITORY / "inpaint_cli/guide").glob("*.md"))])
def test_links_within_the_repository_lead_somewhere(path):
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.S | re.M)
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings, target
        elif "://" not in target:
            assert (path.parent / target).exists(), target
