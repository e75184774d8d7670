"""What is installed: the program, and with it the recipes and what is known of the papers."""

import subprocess
import sys
import zipfile

from conftest import REPOSITORY


def test_the_wheel_carries_the_program_the_recipes_and_the_papers(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("inpaint-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    recipes = {path.name for path in (REPOSITORY / "data_recipes").glob("*.toml")}
    assert recipes and {f"inpaint_cli/data_recipes/{name}" for name in recipes} <= set(names)
    templates = {path.name for path in (REPOSITORY / "inpaint_cli/reports/templates").iterdir()}
    assert {"base.css", "viewer.js"} < templates <= {name.rpartition("/")[2] for name in names}
    papers = {str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "inpaint_cli/reports/papers").glob("*/*.*")}
    assert {"mde-3.toml", "paper.toml", "experiments.mk"} <= {path.rpartition("/")[2] for path in papers}
    assert papers | {"inpaint_cli/reports/papers/shared.mk"} <= set(names)
    assert "inpaint_cli/methods/mde.py" in names and not any(name.startswith("tests") for name in names)

    target = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(target)
    program = """
from inpaint_cli.data.recipes import load_recipe
from inpaint_cli.reports.published import load_table
print(load_recipe("mnist-96")[0].name, load_table("mde-3").name)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=target, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["mnist-96", "mde-3"]


def test_dependencies_admit_the_versions_that_are_promised():
    import tomllib

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert {"torch>=2.11", "torchvision>=0.26"} <= set(project["dependencies"])
    assert project["requires-python"] == ">=3.11" and project["scripts"]["inpaint"] == "inpaint_cli.cli.main:main"
