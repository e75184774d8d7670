"""How the arguments of a mask specification are read; what cannot be read raises `ValueError` with the reason."""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from inpaint_cli.errors import InputError, printable, unknown
from inpaint_cli.imaging.mask_files import read_mask

ANY = "any"  # of a few words: one of them, drawn for each image
BETWEEN = re.compile(r"(?<=[^eE])-")  # the dash of LOW-HIGH; that of 1e-05 belongs to its number


@dataclass(frozen=True)
class Argument:
    """One argument of a kind: its name in the grammar and how it is read. `parse` raises `ValueError`."""

    name: str
    parse: Callable[[str], Any]
    default: Any = None  # where it may be left out, as what comes after it; None: it may not


@dataclass(frozen=True)
class Range:
    """LOW-HIGH: a number drawn for each image, all of them as likely; whole where both ends are."""

    low: float
    high: float

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int)

    def __str__(self) -> str:
        return f"{self.low}-{self.high}"


Number = float | Range  # a size or a fraction, or a range of them


def smallest(number: Number) -> float:
    """The lower end of a range, or the number itself."""
    return number.low if isinstance(number, Range) else number


def largest(number: Number) -> float:
    """The upper end of a range, or the number itself."""
    return number.high if isinstance(number, Range) else number


def is_drawn(argument: object) -> bool:
    """Whether each image draws this argument anew."""
    return isinstance(argument, Range) or argument == ANY


@dataclass(frozen=True)
class MaskFile:
    """A mask image, read when it is first looked at: what is never drawn is never opened."""

    path: str

    @cached_property
    def known(self) -> np.ndarray:
        """bool [H, W]; `InputError` for a file that is missing, no image, or without both hole and known pixels."""
        if Path(self.path).is_dir():
            raise InputError(f"{printable(self.path)}: is a folder; folder:{printable(self.path)} draws from its masks")
        return ~read_mask(self.path)

    def read(self) -> None:
        """Look at it now."""
        assert self.known is not None

    def __str__(self) -> str:
        return self.path


def count_of(name: str, least: int = 1, default: int | None = None) -> Argument:
    """A whole number from `least`."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and int(text) >= least):
            raise ValueError(f"{name} is a whole number from {least}, not '{text}'")
        return int(text)

    return Argument(name, parse, default)


def fraction(name: str) -> Argument:
    """A number strictly between 0 and 1."""

    def parse(text: str) -> float:
        value = float_of(text)
        if not 0 < value < 1:
            raise ValueError(f"{name} is a fraction between 0 and 1, such as 0.25, not '{text}'")
        return value

    return Argument(name, parse)


def float_of(text: str) -> float:
    """The number, or NaN where the text is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def ranged(argument: Argument) -> Argument:
    """The argument, or a range LOW-HIGH of it."""

    def parse(text: str) -> Any:
        ends = [argument.parse(end.strip()) for end in BETWEEN.split(text, maxsplit=1)]
        if len(ends) == 1:
            return ends[0]
        if not ends[0] < ends[1]:
            raise ValueError(f"the range '{text}' is empty: of LOW-HIGH, LOW is the smaller")
        return Range(*ends)

    return Argument(argument.name, parse)


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
