"""What is installed: the program, and with it the recipes and what is known of the papers."""

import os
import re
import site
import subprocess
import sys
import venv
import zipfile

import numpy as np
import pytest
from conftest import REPOSITORY, smooth_pictures
from PIL import Image

import inpaint_cli
from inpaint_cli.jobs.guide import topics

PYTHON = (REPOSITORY / "inpaint_cli" / "guide" / "python.md").read_text()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (built,) = folder.glob("inpaint_cli-*.whl")
    return built


def test_the_wheel_carries_the_program_the_recipes_and_the_papers(wheel, tmp_path):
    names = zipfile.ZipFile(wheel).namelist()
    recipes = {path.name for path in (REPOSITORY / "data_recipes").glob("*.toml")}
    assert recipes and {f"inpaint_cli/data_recipes/{name}" for name in recipes} <= set(names)
    templates = {path.name for path in (REPOSITORY / "inpaint_cli/reports/templates").iterdir()}
    assert {"base.css", "viewer.js"} < templates <= {name.rpartition("/")[2] for name in names}
    papers = {str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "inpaint_cli/reports/papers").glob("*/*.*")}
    assert {"mde-3.toml", "paper.toml", "experiments.mk"} <= {path.rpartition("/")[2] for path in papers}
    assert papers | {"inpaint_cli/reports/papers/shared.mk"} <= set(names)
    models = {str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "inpaint_cli/shipped").iterdir()}
    assert "inpaint_cli/shipped/README.md" in models and models <= set(names)
    guide = {f"inpaint_cli/guide/{topic}.md" for topic in topics()}
    assert "inpaint_cli/guide/photos.md" in guide and guide <= set(names)
    assert {"inpaint_cli/methods/mde.py", "inpaint_cli/py.typed"} <= set(names) and not any(
        name.startswith("tests") for name in names
    )

    target = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(target)
    program = """
from inpaint_cli.data.recipes import load_recipe
from inpaint_cli.reports.published import load_table
print(load_recipe("mnist-96")[0].name, load_table("mde-3").name)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=target, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["mnist-96", "mde-3"]


def test_the_models_that_come_with_it_are_small_slim_and_introduced():
    entries = inpaint_cli.models()
    assert sum(entry.bytes for entry in entries) <= 24 * 2**20
    introduced = (REPOSITORY / "inpaint_cli/shipped/README.md").read_text()
    for entry in entries:
        assert entry.card["holds"] == "completion" and entry.card["about"] and entry.card["data"]["terms"]
        assert entry.card["figures"]["evaluations"] and f"| `{entry.name}` |" in introduced


@pytest.mark.slow
def test_the_guides_python_runs_as_written_from_the_wheel_in_an_environment_of_its_own(wheel, tmp_path):
    """The environment has nothing of the repository; only the libraries that the wheel asks for are lent to it."""
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(command, check=True, capture_output=True)
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (packages / "lent.pth").write_text("\n".join(site.getsitepackages()))
    (tmp_path / "photos").mkdir()
    for number, picture in enumerate(smooth_pictures(40, 70)):
        Image.fromarray(picture).save(tmp_path / "photos" / f"{number}.png")
    Image.fromarray(smooth_pictures(1, 90, seed=9)[0]).save(tmp_path / "photo.png")
    hole = np.zeros((90, 90), np.uint8)
    hole[30:50, 40:60] = 255
    Image.fromarray(hole).save(tmp_path / "mask.png")
    (code,) = re.findall(r"^```python\n(.*?)^```", PYTHON, re.S | re.M)
    code += "\nprint(inpaint_cli.__file__)"
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([python, "-c", code], cwd=tmp_path, env=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *steps, figures, place = done.stdout.splitlines()
    assert steps[-1] == "10 10" and figures.startswith("[('mde',") and str(packages) in place
    assert (tmp_path / "filled.png").stat().st_size > 300


def test_dependencies_admit_the_versions_that_are_promised():
    import tomllib

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert {"torch>=2.11", "torchvision>=0.26"} <= set(project["dependencies"])
    assert project["requires-python"] == ">=3.11" and project["scripts"]["inpaint"] == "inpaint_cli.__main__:main"


def test_no_instruction_installs_the_other_project_that_is_called_inpaint():
    """On the package index `inpaint` is a stranger's; the distribution here is inpaint-cli, the command inpaint."""
    import tomllib

    assert tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["name"] == "inpaint-cli"
    texts = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob(".github/*.md"), *REPOSITORY.glob("data_recipes/*")]
    texts += [*(REPOSITORY / "inpaint_cli").rglob("*.py"), *(REPOSITORY / "inpaint_cli").rglob("*.md")]
    for path in texts:
        installed = re.findall(r"pip install '?([\w.-]+)", path.read_text())
        assert "inpaint" not in installed, path


def test_what_is_to_be_cited_is_this_version():
    version = inpaint_cli.__version__
    assert f"\nversion: {version}\n" in (REPOSITORY / "CITATION.cff").read_text()
    assert f"version = {{{version}}}" in (REPOSITORY / "README.md").read_text()
