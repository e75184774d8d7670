"""How the arguments of a mask specification are read; what cannot be read raises `ValueError` with the reason."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from inpaint_cli.errors import unknown
from inpaint_cli.imaging.holes import read_mask


@dataclass(frozen=True)
class Argument:
    """One argument of a kind: its name in the grammar and how it is read. `parse` raises `ValueError`."""

    name: str
    parse: Callable[[str], Any]


@dataclass(frozen=True)
class MaskFile:
    """A mask image and where it came from."""

    path: str
    known: Tensor = field(compare=False)  # bool [H, W]

    def __str__(self) -> str:
        return self.path


def count_of(name: str) -> Argument:
    """A whole number from 1."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and int(text) > 0):
            raise ValueError(f"{name} is a whole number from 1, not '{text}'")
        return int(text)

    return Argument(name, parse)


def fraction(name: str) -> Argument:
    """A number strictly between 0 and 1."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 < value < 1:
            raise ValueError(f"{name} is a fraction between 0 and 1, such as 0.25, not '{text}'")
        return value

    return Argument(name, parse)


def choice(name: str, choices: Iterable[str]) -> Argument:
    """One of a few words."""

    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(unknown(name, text, choices))
        return text.lower()

    return Argument(name, parse)


def exactly(number: int) -> Argument:
    """A number that the grammar fixes."""

    def parse(text: str) -> int:
        if text != str(number):
            raise ValueError(f"there are {number}, not '{text}'")
        return number

    return Argument(str(number), parse)


def read_mask_file(text: str) -> MaskFile:
    """White is the hole; `InputError` for a file that is missing, no image, or without both hole and known pixels."""
    return MaskFile(text, torch.from_numpy(~read_mask(text)))
