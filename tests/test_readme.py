"""README's commands run as written, in the order in which they are written, with fewer training steps."""

import re
import shlex

import numpy as np
import pytest
from conftest import REPOSITORY, inpaint, smooth_pictures
from PIL import Image

README = (REPOSITORY / "README.md").read_text()
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", README, re.S) for line in block.splitlines()]


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
    done = {"train": False}
    for command in sorted(COMMANDS, key=lambda line: "runs/first" in line and "complete" in line):  # these need the run
        words = shlex.split(command.replace("--steps 600", "--steps 3").replace("--steps 700", "--steps 4"))
        assert words[0] == "inpaint"
        limit = ["--limit", "8"] if words[1] == "evaluate" or words[1:3] == ["prepare", "demo"] else []
        result = inpaint(*words[1:], *limit)
        assert result.exit_code == 0, f"{command}\n{result.stderr}"
        done[words[1]] = True
    assert all(done.get(name) for name in ("prepare", "train", "complete", "evaluate", "masks"))
    for name in ("completed.png", "several_3.png", "examples.png", "masks.png", "photos.h5"):
        assert (tmp_path / name).stat().st_size > 500


def test_every_command_is_introduced():
    from inpaint_cli.cli.main import app

    names = {command.callback.__name__ for command in app.registered_commands}
    assert all(f"`inpaint {name}`" in README for name in names)


def test_every_recipe_method_and_mask_is_introduced():
    from inpaint_cli.data.recipes import recipe_names
    from inpaint_cli.masks import KINDS
    from inpaint_cli.methods import method_names

    assert all(f"| `{name}` |" in README for name in (*recipe_names(), *method_names()))
    assert all(f"`{kind.signature}`" in README or f"`{name}:" in README for name, kind in KINDS.items())
