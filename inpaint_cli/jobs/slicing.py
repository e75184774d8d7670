"""Single definitions out of this package's files, such as a method's settings: to import its file would import torch.

A definition is run together with those that it names, wherever they stand, and with nothing else. What is imported
already is taken from there.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import inpaint_cli

PACKAGE = Path(inpaint_cli.__file__).parent


class Elsewhere(NamedTuple):
    """A name that a file has from another file of this package."""

    file: Path
    name: str | None  # None: the file itself, as in `from inpaint_cli.methods import deep_l2`


@cache
def definitions(file: Path) -> Mapping[str, Elsewhere | ast.stmt]:
    """What stands at the top of a file, by name."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return {name: found for node in body for name, found in _defined(node)}


def _defined(node: ast.stmt) -> Iterator[tuple[str, Elsewhere | ast.stmt]]:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            yield name, node
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            yield name, node
        case ast.ImportFrom(module=str(module)) if module.startswith("inpaint_cli."):
            room = PACKAGE.joinpath(*module.split(".")[1:])
            for alias in node.names:
                own = room / f"{alias.name}.py"
                found = Elsewhere(own, None) if own.exists() else Elsewhere(_file_of(room), alias.name)
                yield alias.asname or alias.name, found
        case ast.ImportFrom() | ast.Import():
            for alias in node.names:
                yield (alias.asname or alias.name).partition(".")[0], node


def _file_of(room: Path) -> Path:
    return room / "__init__.py" if room.is_dir() else room.with_suffix(".py")


class Slice:
    """A file as if it were imported, of which only that is run which is asked for."""

    def __init__(self, file: Path):
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return sliced(self._file, name)


@cache
def sliced(file: Path, name: str) -> Any:
    """What a name at the top of a file stands for."""
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    if hasattr(sys.modules.get(module), name):
        return getattr(sys.modules[module], name)
    found = definitions(file)[name]
    if isinstance(found, Elsewhere):
        return Slice(found.file) if found.name is None else sliced(found.file, found.name)
    scope = {"__name__": module, **{other: sliced(file, other) for other in _read_by(found) & {*definitions(file)}}}
    exec(compile(ast.Module([found], []), str(file), "exec"), scope)
    return scope[name]


def _read_by(definition: ast.stmt) -> set[str]:
    """The names that it reads, but those that it gives a value itself."""
    return {node.id for node in ast.walk(definition) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
