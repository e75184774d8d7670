"""What a method's file says of itself in plain values, read from its text: to import it would import torch.

That is what stands in its class and in those that the class extends: title, paper, defaults, what it can do, and the
names of its settings.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import inpaint_cli
from inpaint_cli.methods import refuse_unknown

PACKAGE = Path(inpaint_cli.__file__).parent


@dataclass(frozen=True)
class Declared:
    """A method, as far as that can be said at once."""

    name: str
    values: Mapping[str, Any]  # of its class, those that are plain
    settings: tuple[str, ...]  # names
    former: tuple[str, ...]  # names of settings that others stand in place of

    @property
    def title(self) -> str:
        return str(self.values["title"])

    @property
    def paper(self) -> str:
        """Its folder's name in reports/papers."""
        return str(self.values["paper"])

    @property
    def defaults(self) -> Mapping[str, Any] | None:
        """How its paper trains it, by the names of `method.Defaults`; None: it needs no training."""
        return self.values.get("defaults")

    @property
    def per_channel(self) -> bool:
        """Whether masks may differ from channel to channel."""
        return bool(self.values["per_channel"])

    @property
    def labels(self) -> tuple[str, ...]:
        """That it learns from, as its settings come."""
        return tuple(self.values["learns_from_labels"])


@cache
def declared(name: str) -> Declared:
    """What the method's file says; `UsageError` with the nearest name if there is no such method."""
    refuse_unknown(name)
    file = PACKAGE / "methods" / f"{name.replace('-', '_')}.py"
    family = [*_family(file, _read(file).aliases["METHOD"])]
    values: dict[str, Any] = {}
    for _, parent in reversed(family):
        values |= dict(_plain_values(parent))
    home = next(place for place, parent in family if "Settings" in dict(_assigned(parent)))
    fields = [field for _, parent in reversed([*_family(home, "Settings")]) for field in _fields(parent)]
    former = (old for _, field in fields for old in _stood_in_for(field))
    return Declared(name, values, tuple(dict(fields)), tuple(former))


class Module(NamedTuple):
    """What a file of this package defines, and where names in it come from."""

    classes: Mapping[str, ast.ClassDef]
    imported: Mapping[str, tuple[Path, str]]  # name -> its file, its name there
    aliases: Mapping[str, str]  # METHOD = MDE


@cache
def _read(file: Path) -> Module:
    body = ast.parse(file.read_text(encoding="utf-8")).body
    imported = {}
    for node in body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("inpaint_cli."):
            room = PACKAGE.joinpath(*str(node.module).split(".")[1:])
            for alias in node.names:
                module = room / f"{alias.name}.py"  # of `from inpaint_cli.methods import deep_l2`
                imported[alias.name] = (module if module.exists() else room.with_suffix(".py"), alias.name)
    aliases = {
        node.targets[0].id: node.value.id
        for node in body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Name)
    }
    return Module({node.name: node for node in body if isinstance(node, ast.ClassDef)}, imported, aliases)


def _family(file: Path, name: str) -> Iterator[tuple[Path, ast.ClassDef]]:
    """A class and those of this package that it extends, with their files, itself first."""
    module = _read(file)
    if name in module.imported:
        yield from _family(*module.imported[name])
    elif name in module.classes:
        yield file, module.classes[name]
        for base in module.classes[name].bases:
            place, _, own = ast.unparse(base).rpartition(".")  # `deep_l2.Settings`, `Method`, and `nn.Module` of torch
            if not place:
                yield from _family(file, own)
            elif place in module.imported:
                yield from _family(module.imported[place][0], own)


def _assigned(parent: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """Each name that a class gives a value, and the value."""
    for node in parent.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value


def _fields(parent: ast.ClassDef) -> list[tuple[str, ast.AnnAssign]]:
    """Of a dataclass, by name."""
    nodes = [node for node in parent.body if isinstance(node, ast.AnnAssign)]
    return [(ast.unparse(node.target), node) for node in nodes]


def _stood_in_for(field: ast.AnnAssign) -> list[str]:
    """The settings that this one stands in place of (`settings.py`)."""
    entries = [
        pair
        for node in ast.walk(field)
        if isinstance(node, ast.Dict)
        for pair in zip(node.keys, node.values, strict=True)
    ]
    return [
        name
        for key, value in entries
        if isinstance(key, ast.Constant) and key.value == "in_place_of"
        for name in ast.literal_eval(value)
    ]


def _plain_values(parent: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    """Literals, and calls with literals by name, such as `Defaults(masks="rec:0.1", …)`, as mappings."""
    for name, value in _assigned(parent):
        keywords = value.keywords if isinstance(value, ast.Call) and not value.args else None
        try:
            if keywords is None:
                yield name, ast.literal_eval(value)
            else:
                yield name, {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in keywords}
        except ValueError:
            continue  # computed
