"""What a method's file says of itself, read from its text: to import it would import torch.

That is its settings, and what stands in plain values in its class and in those that the class extends: title, paper,
defaults, what it can do.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from inpaint_cli.jobs.slicing import PACKAGE, Elsewhere, definitions, sliced
from inpaint_cli.methods import refuse_unknown
from inpaint_cli.settings import AnySettings

DEFAULT_METHOD = "patch"  # completes where neither a method nor a checkpoint is named


@dataclass(frozen=True)
class Declared:
    """A method, as far as that can be said at once."""

    name: str
    values: Mapping[str, Any]  # of its class, those that are plain
    settings_type: type[AnySettings]

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
    def settings(self) -> tuple[str, ...]:
        """Names of what can be set."""
        return tuple(field.name for field in fields(self.settings_type))


@cache
def declared(name: str) -> Declared:
    """What the method's file says; `UsageError` with the nearest name if there is no such method."""
    refuse_unknown(name)
    file = PACKAGE / "methods" / f"{name.replace('-', '_')}.py"
    family = [*_family(file, "METHOD")]
    values: dict[str, Any] = {}
    for _, parent in reversed(family):
        values |= dict(_plain_values(parent))
    home = next(place for place, parent in family if "Settings" in dict(_assigned(parent)))
    return Declared(name, values, sliced(home, "Settings"))


def _family(file: Path, name: str) -> Iterator[tuple[Path, ast.ClassDef]]:
    """A class and those of this package that it extends, with their files, itself first."""
    match definitions(file).get(name):
        case Elsewhere(file=place, name=str(own)):
            yield from _family(place, own)
        case ast.Assign(value=ast.Name(id=own)):  # METHOD = MDE
            yield from _family(file, own)
        case ast.ClassDef() as found:
            yield file, found
            for base in found.bases:  # `Method`, and `nn.Module` of torch
                if isinstance(base, ast.Name):
                    yield from _family(file, base.id)


def _assigned(parent: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """Each name that a class gives a value, and the value."""
    for node in parent.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value


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
