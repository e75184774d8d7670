"""What a network would be: names, shapes and kinds of its tensors, without the memory for any of them."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from torch.overrides import TorchFunctionMode

from inpaint_cli.errors import InputError, printable

MOST_PARTS = 20_000  # modules and weights of a network; the largest here has a few hundred
FILLS = (Tensor.normal_, Tensor.uniform_)


@contextmanager
def outlining() -> Iterator[None]:
    """Networks that are built within the block take no memory; more than `MOST_PARTS` of them are a `ValueError`."""
    count = itertools.count(1)

    def counted(module: nn.Module, name: str, part: object) -> None:
        if next(count) > MOST_PARTS:
            raise ValueError(f"it has more than {MOST_PARTS:,} parts")

    hooks = [register_module_module_registration_hook(counted), register_module_parameter_registration_hook(counted)]
    try:
        with torch.device("meta"), _WithoutFilling():
            yield
    finally:
        for hook in hooks:
            hook.remove()


class _WithoutFilling(TorchFunctionMode):
    """Weights that have no values get none at random; torch would load its compiler to find that out."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if function in FILLS or getattr(function, "__module__", "") == nn.init.__name__:
            return args[0] if args else (kwargs or {})["tensor"]
        return function(*args, **(kwargs or {}))


def refuse_misfits(expected: Mapping[str, Tensor], given: Mapping[str, Tensor], where: object) -> None:
    """`InputError` unless names, shapes and kinds of number are those that are expected. No value is looked at."""
    misfits = [f"{name} is missing" for name in expected if name not in given]
    misfits += [f"{name} is of no network" for name in given if name not in expected]
    for name in expected.keys() & given.keys():
        own, other = expected[name], given[name]
        if own.shape != other.shape:
            misfits.append(f"{name} is {[*other.shape]} and has to be {[*own.shape]}")
        elif own.is_floating_point() != other.is_floating_point():
            misfits.append(f"{name} is of {other.dtype} and has to be of {own.dtype}")
    if misfits:
        more = f", and {len(misfits) - 1:,} more" if len(misfits) > 1 else ""
        first = printable(min(misfits))
        raise InputError(f"{printable(where)}: these weights do not fit the method they name: {first}{more}")
