"""Results files: what `inpaint evaluate -o` writes, read and checked."""

import json
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from inpaint_cli.errors import InputError

Figure = float | list[float | None] | None  # a list: of labels, of points; None: not defined


class Recorded(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Data(Recorded):
    """The images."""

    recipe: str
    split: str
    identity: str


class Checkpoint(Recorded):
    digest: str
    step: int


class Column(Recorded):
    """How a figure is printed, and which metric it is of."""

    metric: str
    unit: str = ""
    better: str = "neither"
    decimals: int = 4
    warning: str = ""


class Result(Recorded):
    """One system behind one mask specification."""

    system: str  # how the results name it: unique among the results of one file
    method: str
    settings: dict[str, Any] = Field(default_factory=dict)
    trained_on: str | None = None  # the masks; None for a method that trains nothing
    masks: str
    images: int
    samples: int = 1
    compose: Literal["known", "poisson", "output"] = "known"
    metrics: dict[str, Figure]
    intervals: dict[str, tuple[float, float] | None] = Field(default_factory=dict)  # 95 %, by metric
    columns: dict[str, Column] = Field(default_factory=dict)
    data: Data
    checkpoint: Checkpoint | None = None
    seed: int = 0
    notes: list[str] = Field(default_factory=list)
    definitions: dict[str, str] = Field(default_factory=dict)
    runs: int = 1  # that the figures are means over (`reports.averaging`)

    @property
    def identity(self) -> tuple[Any, ...]:
        """What makes two results those of one system: equal for the same weights and settings."""
        weights = self.checkpoint.digest if self.checkpoint else ""
        return self.method, json.dumps(self.settings, sort_keys=True), weights, self.samples, self.compose


class Difference(Recorded):
    """Of two systems, image by image."""

    mean: float | None
    interval: tuple[float, float] | None
    images: int


class Comparison(Recorded):
    """Two systems on the same images behind the same masks: first - second, by column."""

    masks: str
    first: str
    second: str
    differences: dict[str, Difference]


Entries = TypeVar("Entries")


def read_results(path: Path) -> list[Result]:
    """Every result of a file; `InputError` that names the file and what is wrong with it."""
    return _read(path, "results", TypeAdapter(list[Result]))


def read_comparisons(path: Path) -> list[dict[str, Any]]:
    """The paired comparisons of a results file, as plain values."""
    return [comparison.model_dump() for comparison in _read(path, "comparisons", TypeAdapter(list[Comparison]))]


def _read(path: Path, name: str, entries: TypeAdapter[Entries]) -> Entries:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise InputError(f"{path}: not a results file ({error}); `inpaint evaluate -o` writes one") from None
    if not isinstance(content, dict) or not isinstance(content.get("results"), list) or not content["results"]:
        raise InputError(f"{path}: holds no results; `inpaint evaluate -o` writes a results file")
    try:
        return entries.validate_python(content.get(name, []))
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise InputError(
            f"{path}: not a results file of this version ({name} {where}: {problem['msg'].lower()}); evaluate again"
        ) from None
