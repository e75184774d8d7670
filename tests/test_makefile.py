"""The tables that the makefiles make: each is one of the papers', and its commands are ones that the program takes."""

import itertools
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import REPOSITORY
from typer.main import get_command

from inpaint_cli.cli.main import app
from inpaint_cli.data.recipes import recipe_names
from inpaint_cli.masks import parse_masks
from inpaint_cli.methods import method_class
from inpaint_cli.metrics import METRICS
from inpaint_cli.reports.published import load_table, table_names
from inpaint_cli.settings import assigned, changed_for_completion, make_settings, settings_values


def make(*arguments, folder=REPOSITORY):
    """What `make` prints; where it warns, of a rule that is given twice for example, the test fails."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", *arguments, "TABLES=tables"]
    done = subprocess.run(command, cwd=folder, env=ours, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


def listed(kind):
    """The names of `make help`."""
    return re.findall(rf"^  make {kind}-(\S+)", make("help"), re.M)


TABLES, FIGURES = listed("table"), listed("figure")


def planned(target, scale, tmp_path):
    """The commands of `make TARGET`, each as its words behind `inpaint`."""
    (tmp_path / ".ready").touch()
    text = make("-n", target, f"SCALE={scale}", "DATA=data", f"VENV={tmp_path}").replace("\\\n", " ")
    return [shlex.split(command) for command in re.findall(rf"{tmp_path}/bin/inpaint ([^\n;|&>]*)", text)]


def given(words, option):
    return [value for name, value in itertools.pairwise(words) if name == option]


def test_they_are_tables_of_the_papers():
    assert TABLES and {*TABLES} <= {*table_names()}


def test_what_a_rule_makes_is_listed_and_nothing_else():
    made = re.findall(r"^tables/([^/%\s]+)\.(?:md|png|svg):", make("--print-data-base", "--dry-run", "help"), re.M)
    assert {*made} == {*TABLES} | {f"figure-{name}" for name in FIGURES}


def test_all_tables_are_all_that_are_listed(tmp_path):
    tables = [words[2] for words in planned("tables", "small", tmp_path) if words[:2] == ["report", "table"]]
    assert sorted(tables) == sorted(TABLES)


def test_no_name_is_given_twice():
    """The makefiles are read as one: what a paper calls NOISE is another's NOISE, too."""
    papers = REPOSITORY / "inpaint_cli/reports/papers"
    files = [REPOSITORY / "Makefile", papers / "shared.mk", *papers.glob("*/experiments.mk")]
    names = [
        name for path in files for name in re.findall(r"^(?:define )?([\w-]+)(?: *[:?]?=|$)", path.read_text(), re.M)
    ]
    assert {"SCALE", "MDE_small", "evaluate"} <= {*names}
    assert {name for name in names if names.count(name) > 1} == {"endef"}


def test_a_new_paper_is_one_folder(tmp_path):
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    papers = shutil.copytree(REPOSITORY / "inpaint_cli/reports/papers", tmp_path / "inpaint_cli/reports/papers")
    (papers / "new").mkdir()
    rules = "# A new paper\n\ntable-new-1: ## its table\n$(TABLES)/new-1.md: $(TABLES)/mde-3.json\n"
    (papers / "new/experiments.mk").write_text(rules)
    assert re.search(r"^A new paper\n  make table-new-1 +its table$", make("help", folder=tmp_path), re.M)
    (tmp_path / "pyproject.toml").touch()
    assert "report table new-1 tables/mde-3.json" in make("-n", "tables", folder=tmp_path)


def check(commands):
    """Every command is one that the program takes: names, settings, masks; what completes was trained before."""
    trained = {}
    for words in commands:
        match words[0]:
            case "prepare":
                assert words[1] in recipe_names()
                assert all(Path(source).name != "data" for source in given(words, "--source"))  # a data set's folder
            case "train":
                method = method_class(given(words, "--method")[0])
                settings = make_settings(method.Settings, assigned(given(words, "--set")))
                trained[REPOSITORY / given(words, "--outdir")[0]] = method, settings
            case "transfer":
                trained[REPOSITORY / given(words, "--outdir")[0]] = trained[
                    REPOSITORY / given(words, "--checkpoint")[0]
                ]
            case "evaluate" | "complete":
                specs = given(words, "--masks" if words[0] == "evaluate" else "--mask")
                assert all(parse_masks(spec) for spec in specs) and specs
                if given(words, "--data")[:1] == ["tables/oxford102-96.h5"]:  # these have no test split
                    assert given(words, "--split") == ["validation"]
                measured = {name for names in given(words, "--metrics") for name in names.split(",")}
                assert measured <= {"default", *METRICS}
                changes = assigned(given(words, "--set"))
                for run in given(words, "--checkpoint"):
                    if "$" not in run:  # a loop's
                        method, settings = trained[REPOSITORY / run]
                        changed_for_completion(method.Settings, settings_values(settings), changes)
                assert {method_class(method).defaults for method in given(words, "--method")} <= {None}
        context = get_command(app).commands[words[0]]
        if words[0] != "report":
            context.make_context(words[0], words[1:])


@pytest.mark.parametrize("scale", ["smoke", "small", "paper"])
@pytest.mark.parametrize("name", TABLES)
def test_every_command_of_a_table_is_one_that_the_program_takes(name, scale, tmp_path):
    commands = planned(f"table-{name}", scale, tmp_path)
    check(commands)
    assert ["report", "table", name] == commands[-1][:3]
    results = [word for word in commands[-1] if word.endswith(".json")]
    assert {*results} <= {output for words in commands for output in given(words, "-o")} and results


@pytest.mark.parametrize("name", FIGURES)
def test_every_command_of_a_figure_is_one_that_the_program_takes(name, tmp_path):
    commands = planned(f"figure-{name}", "small", tmp_path)
    assert commands
    check(commands)
    tables = [words[2:] for words in commands if words[:2] == ["report", "table"]]
    outputs = {output for words in commands for output in given(words, "-o")}
    for table, *words in tables:
        assert table in table_names() and {word for word in words if word.endswith(".json")} <= outputs
    if name.startswith("mde") and any(words[0] == "train" for words in commands):
        assert tables, "it does not say in what its models depart from the paper's"


@pytest.mark.parametrize("name", TABLES)
def test_every_row_of_a_known_method_is_measured(name, tmp_path):
    """What the print compares is compared: a row's method and settings are among the systems."""
    systems = []
    for words in planned(f"table-{name}", "paper", tmp_path):
        if words[0] == "train":
            method = given(words, "--method")[0]
            systems.append((method, make_settings(method_class(method).Settings, assigned(given(words, "--set")))))
    methods = {method for method, _ in systems}
    rows = [row for row in load_table(name).rows if row.method in methods]
    assert rows
    for row in rows:
        wanted = {**row.settings}
        assert any(
            method == row.method and wanted.items() <= {**settings_values(settings), **completion(row, wanted)}.items()
            for method, settings in systems
        ), row.system


def completion(row, wanted):
    """The settings that are given when images are completed, not when the model is trained."""
    from inpaint_cli.settings import completion_names

    names = completion_names(method_class(row.method).Settings)
    return {name: value for name, value in wanted.items() if name in names}
