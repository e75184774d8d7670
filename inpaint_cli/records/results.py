"""Results files: what `inpaint evaluate -o` writes, read and checked."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, TypeAdapter, model_validator

from inpaint_cli.errors import InputError, printable
from inpaint_cli.records.base import (
    Count,
    Finite,
    Line,
    Name,
    Positive,
    Prose,
    Record,
    Seed,
    Settings,
    Step,
    read_json,
    validated,
)

Figure = Finite | list[Finite | None] | None  # a list: of labels, of points; None: not defined
Interval = tuple[Finite, Finite]
Intervals = Interval | list[Interval | None] | None  # a list: one for each figure of a list
BY = "_by_"  # in the names of figures that are lists: dice_by_label
LARGEST_FILE = 64 << 20  # bytes
KIND = "a results file"


class Data(Record):
    """The images."""

    recipe: Line
    split: Line
    identity: Line


class Checkpoint(Record):
    digest: Line
    step: Step
    batch: Positive | None = None  # images of one of its updates; None: an older version did not say


class Column(Record):
    """How a figure is printed, and which metric it is of."""

    metric: Name
    unit: Line = ""
    better: Line = "neither"
    decimals: Annotated[int, Field(strict=True, ge=0, le=12)] = 4
    warning: Line = ""


class Figures(Record):
    """By name, with their intervals. Those whose names say so are lists, of labels or points, and as long."""

    metrics: dict[Name, Figure]
    intervals: dict[Name, Intervals] = Field(default_factory=dict)  # 95 %
    elements: dict[Name, list[Line]] = Field(default_factory=dict)  # what the figures of a list are of, by its name

    @model_validator(mode="after")
    def lengths_agree(self) -> Self:
        for name, figure in self.metrics.items():
            if figure is not None and isinstance(figure, list) is not (BY in name):
                raise ValueError(f"metrics: {name} is {'a list' if isinstance(figure, list) else 'a number'}")
            for other in (self.intervals.get(name), self.elements.get(name)):
                if other is not None and figure is not None and _length(other) != _length(figure):
                    raise ValueError(f"metrics: {name} and what belongs to it are not as long")
        return self


def _length(value: object) -> int | None:
    return len(value) if isinstance(value, list) else None


class Share(Figures):
    """The figures of the images of which so much is missing: from the lower end on, below the upper one."""

    low: Finite
    high: Finite
    images: Count


class Result(Figures):
    """One system behind one mask specification."""

    system: Line  # how the results name it: unique among the results of one file
    method: Name
    settings: Settings = Field(default_factory=dict)
    trained_on: Line | None = None  # the masks; None for a method that trains nothing
    pretrained_on: Line | None = None  # of a transfer: the masks behind which its encoder was trained; None: untrained
    pretrained_step: Step | None = None  # and for how long: 0 is random weights; None: this is no transfer
    pretrained_batch: Positive | None = None  # with how many images an update
    masks: Line
    images: Count
    samples: Positive = 1
    compose: Literal["known", "poisson", "output"] = "known"
    columns: dict[Name, Column] = Field(default_factory=dict)
    by_hole_share: list[Share] = Field(default_factory=list)
    data: Data
    checkpoint: Checkpoint | None = None
    seed: Seed = 0
    notes: list[Prose] = Field(default_factory=list)
    definitions: dict[Name, Prose] = Field(default_factory=dict)
    runs: Positive = 1  # that the figures are means over (`reports.averaging`)

    @property
    def identity(self) -> tuple[Any, ...]:
        """What makes two results those of one system: equal for the same weights and settings."""
        weights = self.checkpoint.digest if self.checkpoint else ""
        return self.method, json.dumps(self.settings, sort_keys=True), weights, self.samples, self.compose


class Difference(Record):
    """Of two systems, image by image."""

    mean: Finite | None
    interval: Interval | None
    images: Count


class Comparison(Record):
    """Two systems on the same images behind the same masks: first - second, by column."""

    masks: Line
    first: Line
    second: Line
    differences: dict[Line, Difference]


Entries = TypeVar("Entries")
RESULTS, COMPARISONS = TypeAdapter(list[Result]), TypeAdapter(list[Comparison])


def read_results(path: Path) -> list[Result]:
    """Every result of a file; `InputError` that names the file and what is wrong with it."""
    return _read(path, "results", RESULTS)


def read_comparisons(path: Path) -> list[dict[str, Any]]:
    """The paired comparisons of a results file, as plain values."""
    return [comparison.model_dump() for comparison in _read(path, "comparisons", COMPARISONS)]


def _read(path: Path, name: str, entries: TypeAdapter[Entries]) -> Entries:
    content = read_json(Path(path), LARGEST_FILE, f"{KIND}, as `inpaint evaluate -o` writes one")
    if not isinstance(content, dict) or not isinstance(content.get("results"), list) or not content["results"]:
        raise InputError(f"{printable(path)}: holds no results; `inpaint evaluate -o` writes a results file")
    return validated(entries, content.get(name, []), path, f"{KIND} ({name})")
