"""Measured results put in their places in a paper's table, or refused by name.

Results that stand under one condition must have been measured on the same images behind the same masks: ranks and
differences would mean nothing otherwise.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from inpaint_cli.errors import InputError
from inpaint_cli.records.results import Result
from inpaint_cli.reports.published import Condition, PublishedTable, Row, load_table, table_names


@dataclass
class Line:
    """One system of the filled table: a row of the print, one of our own, or both."""

    system: str
    row: Row | None = None  # of the print
    results: dict[str, Result] = field(default_factory=dict)  # by the condition's label


@dataclass(frozen=True)
class Filled:
    table: PublishedTable
    lines: list[Line]

    @property
    def results(self) -> list[Result]:
        """Each result once, in the order of the lines."""
        return list({id(result): result for line in self.lines for result in line.results.values()}.values())


def fill(table: PublishedTable, files: Iterable[tuple[Path, list[Result]]]) -> Filled:
    """The table with every result in its place; `InputError` for results that have none."""
    lines = [Line(row.system, row) for row in table.rows]
    placed: dict[str, tuple[Path, Result]] = {}  # by the condition's label: what the others there must agree with
    for path, results in files:
        for result in results:
            for condition in conditions_of(table, result, path):
                first_path, first = placed.setdefault(condition.label, (path, result))
                _refuse_other_conditions(condition, first_path, first, path, result)
                line = _line_of(lines, result, condition, path, table.trained_for_each)
                line.results[condition.label] = result
    return Filled(table, lines)


def conditions_of(table: PublishedTable, result: Result, path: Path) -> list[Condition]:
    """Where a result belongs; `InputError` naming what the table has instead."""
    found = [condition for condition in table.conditions if condition.masks in (None, result.masks)]
    if not found:
        raise InputError(_other_masks(table, result, path))
    splits = {condition.split for condition in found}
    found = [condition for condition in found if condition.split in (None, result.data.split)]
    if not found:
        raise InputError(
            f"{path}: measured on the split '{result.data.split}'; {table.name} is of "
            f"{' and '.join(sorted(filter(None, splits)))}: evaluate with --split"
        )
    recipes = {condition.recipe for condition in table.conditions}
    if len(recipes) > 1:  # one recipe alone is a condition to be read, not to be chosen by
        recipe = result.data.recipe.removesuffix("-part")  # cut the same way, from a part of the data set
        found = [condition for condition in found if condition.recipe == recipe]
    if not found:
        raise InputError(
            f"{path}: measured on data of the recipe '{result.data.recipe}'; {table.name} has {' and '.join(recipes)}"
        )
    return found


def _other_masks(table: PublishedTable, result: Result, path: Path) -> str:
    own = ", ".join(dict.fromkeys(condition.masks for condition in table.conditions if condition.masks))
    others = [
        name
        for name in table_names()
        if any(condition.masks == result.masks for condition in load_table(name).conditions)
    ]
    hint = f"; they are those of {' and '.join(others)}" if others else ""
    return f"{path}: masks {result.masks} are none of {table.name}{hint}. It has: {own}"


def _refuse_other_conditions(condition: Condition, first_path: Path, first: Result, path: Path, result: Result) -> None:
    """Raise `InputError` when two results under one condition were measured on different things."""
    pairs = {
        "masks": (first.masks, result.masks, "mixed mask specifications"),
        "data": (first.data.identity[:16], result.data.identity[:16], "other data"),
        "split": (first.data.split, result.data.split, "another split"),
        "images": (first.images, result.images, "another number of images"),
        "seed": (first.seed, result.seed, "other masks: another seed"),
    }
    for name, (one, other, problem) in pairs.items():
        if one != other:
            raise InputError(
                f"{path}: {problem} under '{condition.label}': {name} {other} here, {one} in {first_path}; "
                "results in one table are of the same images and masks"
            )


def _line_of(lines: list[Line], result: Result, condition: Condition, path: Path, trained_for_each: bool) -> Line:
    """The line of the result's system, made where there is none yet. A row of the print may get several.

    trained_for_each: a row's results under several conditions are of several models.
    """
    for line in lines:
        if any(other.identity == result.identity for other in line.results.values()):
            if condition.label in line.results:
                raise InputError(f"{path}: {result.system} behind {result.masks} is there twice; give each result once")
            return line
    row = row_of([line.row for line in lines if line.row], result)
    own = [line for line in lines if row is not None and line.row is row]
    for line in own:
        if not line.results or (trained_for_each and condition.label not in line.results):
            return line
    line = Line(_name_beside(row, own, result) if row else called(result), row)
    lines.insert(lines.index(own[-1]) + 1 if own else len(lines), line)
    return line


def _name_beside(row: Row, own: list[Line], result: Result) -> str:
    """The print's name, and what sets a second system of its row apart: `MDE: frozen=True`, `MDE (own output)`."""
    measured = [ways(other) for line in own for other in line.results.values()]
    name = apart(own, result) or ("" if ways(result) and ways(result) not in measured else result.system)
    return called(result, f"{row.system}: {name}" if name else row.system)


def apart(own: Iterable[Line], result: Result) -> str:
    """The settings in which a system is unlike all others of its row: `frozen=True`; "" where there are none."""
    others = [other for line in own for other in line.results.values()]
    return " ".join(
        f"{name}={value}"
        for name, value in result.settings.items()
        if all(name in other.settings and other.settings[name] != value for other in others)
    )


def called(result: Result, name: str = "") -> str:
    """The system by a name or as its results name it, and how it was measured where that is not the usual way."""
    return f"{name or result.system} ({', '.join(ways(result))})" if ways(result) else name or result.system


def ways(result: Result) -> list[str]:
    """How a result was measured, where that is not the usual way."""
    samples = [f"{result.samples} samples"] if result.samples > 1 else []
    return samples + {"known": [], "poisson": ["Poisson"], "output": ["own output"]}[result.compose]


def row_of(rows: list[Row], result: Result) -> Row | None:
    """The row that describes the result's system most closely, or None: it is none of the print's."""
    fitting = [row for row in rows if is_described(row, result)]
    return max(fitting, key=lambda row: len(row.settings) + (row.trained_on != "*"), default=None)


def is_described(row: Row, result: Result) -> bool:
    """Whether method, settings and training are those of a row."""
    transferred = result.pretrained_step is not None  # the row is of the pretraining
    steps = result.pretrained_step if transferred else result.checkpoint and result.checkpoint.step
    learned_on = result.pretrained_on if transferred else result.trained_on
    return (
        row.method == result.method
        and row.untrained == (steps == 0)
        and fnmatchcase(learned_on or "", row.trained_on)
        and all(name in result.settings and _equal(result.settings[name], row.settings[name]) for name in row.settings)
    )


def departures(row: Row, result: Result) -> list[str]:
    """In what a result differs from what the print did for this row: `perceptual 0.0, not 2e-05`."""
    found = [
        f"{name} {result.settings[name]}, not {wanted}"
        for name, wanted in row.expected.items()
        if name in result.settings and not _equal(result.settings[name], wanted)
    ]
    own = (result.checkpoint.step, result.checkpoint.batch) if result.checkpoint else (None, None)
    if result.pretrained_step is None:
        return found + _of_training(own, (row.steps, row.batch))
    found += _of_training((result.pretrained_step, result.pretrained_batch), (row.steps, row.batch))
    wanted = (row.transfer.steps, row.transfer.batch) if row.transfer else (None, None)
    return found + [f"in the transfer {words}" for words in _of_training(own, wanted)]


def _of_training(own: tuple[int | None, int | None], wanted: tuple[int | None, int | None]) -> list[str]:
    """Departures of updates and of images per update, as far as both are known; no update is no training."""
    (steps, batch), (printed_steps, printed_batch) = own, wanted
    found = [f"{steps:,} steps, not {printed_steps:,}"] if steps and printed_steps not in (None, steps) else []
    return found + ([f"batch {batch}, not {printed_batch}"] if batch and printed_batch not in (None, batch) else [])


def _equal(one: Any, other: Any) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other))
    return math.isclose(one, other, rel_tol=1e-9) if numbers else one == other
