"""Imports point down: cli -> engine, methods -> method -> what they stand on. Read from the source, nothing is run."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "inpaint_cli"
GROUND = {"columns", "errors", "files", "settings"}
MAY_IMPORT = {  # room -> rooms it may stand on, beside itself and the ground
    "cli": {"jobs"},
    "jobs": {
        "engine", "methods", "method", "masks", "metrics", "data", "imaging", "records", "reports",
        "weights", "weight_files", "painting", "autoregressive", "probes",
    },
    "engine": {"method", "masks", "metrics", "records", "reports", "blending"},
    "painting": {"imaging", "reports"},
    "methods": {
        "method", "augmentation", "networks", "losses", "masks", "blending", "exemplar", "searching", "autoregressive",
    },
    "method": {"augmentation", "masks"},
    "augmentation": set(),
    "probes": {"method", "masks", "networks"},
    "weights": {"networks", "weight_files"},
    "weight_files": set(),
    "blending": set(),
    "exemplar": {"blending"},
    "searching": {"method", "blending", "networks"},
    "autoregressive": {"method", "networks"},
    "networks": set(),
    "losses": set(),
    "masks": {"data", "imaging"},
    "metrics": set(),
    "data": {"imaging", "records"},
    "imaging": set(),
    "records": set(),
    "reports": {"records"},
}  # fmt: skip


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Every inpaint_cli module that a file imports, at its top or inside a function, without the package's name."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("inpaint_cli."):
            names.add(node.module.removeprefix("inpaint_cli."))
        elif isinstance(node, ast.Import):
            names |= {a.name.removeprefix("inpaint_cli.") for a in node.names if a.name.startswith("inpaint_cli.")}
    return names


FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if room(path) not in ("__init__", "__main__")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    allowed = MAY_IMPORT.get(room(path), set()) | GROUND | {room(path)}
    assert {name.split(".")[0] for name in imported(path)} <= allowed


VARIANTS = {  # method -> the parents that it varies
    "deep_gan": {"methods", "methods.deep_l2"},
    "deep_wgan": {"methods.deep_gan"},
    "diagonal_bilstm": {"methods.row_lstm"},
}


def test_methods_import_no_siblings_but_a_variant_its_parents():
    for path in (PACKAGE / "methods").glob("*.py"):
        assert {name for name in imported(path) if name.startswith("methods")} <= VARIANTS.get(path.stem, set()), path


def test_the_engine_names_no_method():
    names = {path.stem for path in (PACKAGE / "methods").glob("*.py")} - {"__init__"}
    for path in (PACKAGE / "engine").glob("*.py"):
        words = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert not names & {word for word in words if isinstance(word, str)}, path


def modules(tree: ast.AST) -> set[str]:
    """What is imported anywhere below a node, by module."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return {getattr(node, "module", None) or node.names[0].name for node in nodes}


LIGHT = {"cli", "errors", "jobs.audience"}  # what a command may import before it runs


def test_commands_import_torch_only_when_they_run():
    for path in (PACKAGE / "cli").glob("*.py"):
        body = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
        found = modules(ast.Module(body, []))
        heavy = {m for m in found if m.split(".")[0] in ("torch", "numpy", "h5py", "skimage", "matplotlib")}
        own = {m.removeprefix("inpaint_cli.") for m in found if m.startswith("inpaint_cli.")}
        assert not heavy and all(name in LIGHT or name.startswith("cli.") for name in own), path


def test_nothing_but_cli_knows_typer_and_no_job_prints_or_exits():
    for path in FILES:
        tree = ast.parse(path.read_text())
        if room(path) != "cli":
            assert not {m.split(".")[0] for m in modules(tree)} & {"typer", "click", "rich"}, path
        if room(path) == "jobs":
            names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            assert not names & {"print", "SystemExit", "exit"}, path
