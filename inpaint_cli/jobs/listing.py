"""Which systems there are, by paper, and what can be set of each."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from inpaint_cli.method import Defaults
from inpaint_cli.methods import method_class, method_names
from inpaint_cli.reports.published import PAPERS
from inpaint_cli.settings import describe

__all__ = ["PAPERS", "MethodEntry", "Setting", "method", "methods"]


class Setting(NamedTuple):
    """One row of a method's settings."""

    name: str
    type: str
    default: Any
    source: str  # of the default


@dataclass(frozen=True)
class MethodEntry:
    """One system that can be trained or run."""

    name: str
    title: str
    paper: str  # a key of `PAPERS`
    defaults: Defaults | None  # how its paper trains it; None: it needs no training
    settings: tuple[Setting, ...]


def methods() -> list[MethodEntry]:
    """Every system, by name."""
    return [method(name) for name in method_names()]


def method(name: str) -> MethodEntry:
    """One system; `UsageError` with the nearest name if there is none."""
    found = method_class(name)
    settings = tuple(Setting(*row) for row in describe(found.Settings))
    return MethodEntry(name, found.title, found.paper, found.defaults, settings)
