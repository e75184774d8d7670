"""The registry is this folder: methods/mde.py is --method mde, methods/deep_l2.py is --method deep-l2."""

import importlib
import pkgutil
from typing import TYPE_CHECKING

from inpaint_cli.errors import UsageError, unknown

if TYPE_CHECKING:
    from inpaint_cli.method import Method


def method_names() -> list[str]:
    """Every registered name, without importing any method."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))


def method_class(name: str) -> "type[Method]":
    """The class that `name` stands for; `UsageError` with the nearest name if there is none."""
    if name not in method_names():
        raise UsageError(unknown("method", name, method_names()))
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}").METHOD
