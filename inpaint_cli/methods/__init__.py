"""The registry is this folder: methods/mde.py is --method mde, methods/deep_l2.py is --method deep-l2.

Called, it lists them: `inpaint_cli.methods()`.
"""

import importlib
import pkgutil
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from inpaint_cli.errors import UsageError, unknown
from inpaint_cli.settings import describe

if TYPE_CHECKING:
    from inpaint_cli.method import Defaults, Method


class Setting(NamedTuple):
    """One row of a method's settings."""

    name: str
    type: str
    default: Any
    source: str  # of the default


@dataclass(frozen=True)
class Entry:
    """One system that can be trained or run."""

    name: str
    title: str
    paper: str  # its folder's name in reports/papers
    defaults: "Defaults | None"  # how its paper trains it; None: it needs no training
    settings: tuple[Setting, ...]


def method_names() -> list[str]:
    """Every registered name, without importing any method."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))


def refuse_unknown(name: str) -> None:
    """`UsageError` with the nearest name if there is no such method."""
    if name not in method_names():
        raise UsageError(unknown("method", name, method_names()))


def method_class(name: str) -> "type[Method]":
    """The class that `name` stands for; `UsageError` with the nearest name if there is none."""
    refuse_unknown(name)
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}").METHOD


def entry(name: str) -> Entry:
    """What `inpaint methods NAME` says of one system."""
    found = method_class(name)
    settings = tuple(Setting(*row) for row in describe(found.Settings))
    return Entry(name, found.title, found.paper, found.defaults, settings)


class _Registry(ModuleType):
    """A folder of methods that can be called: the library's `methods` is both."""

    def __call__(self) -> list[Entry]:
        return [entry(name) for name in method_names()]


sys.modules[__name__].__class__ = _Registry
