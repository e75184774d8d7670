"""The papers' tables as data: one TOML file each in `papers/PAPER/`, read and checked here.

A folder with a `paper.toml`, which says what the paper is called, is a paper; each other TOML file in it is a table.

A table is systems (rows) under conditions (masks, data, split, or a part such as one label) measured by metrics.
Figures keep the digits of the print: `0.860` stays `0.860`. What a condition or row leaves out, the table's head says.
"""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from inpaint_cli.errors import UsageError, unknown

FOLDER = Path(__file__).parent / "papers"
PAPERS = {  # folder -> `authors: title`
    path.parent.name: "{authors}: {title}".format_map(tomllib.loads(path.read_text(encoding="utf-8")))
    for path in sorted(FOLDER.glob("*/paper.toml"))
}
BY_CONDITION = ("masks", "recipe", "split", "images")  # what a table may say once for all its conditions
BY_ROW = ("trained_on", "expected", "steps", "batch", "transfer")  # and for all its rows of ours
Published = Decimal | Literal["-"]  # a dash where the print has one, or nothing


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Metric(Part):
    """A column under every condition."""

    name: str  # the column's in results
    by_element: str = ""  # a column that is a list: of labels, of points
    label: str  # the print's
    better: Literal["higher", "lower"]
    unit: str = ""
    scale: int = 1  # the print's figure is the registry's, times this
    printed: bool = True  # false: a column of ours beside those of the print, which has no figures of it

    @property
    def heading(self) -> str:
        """`pSNR (dB, higher is better)`"""
        unit = f"{self.unit}, " if self.unit else ""
        return f"{self.label} ({unit}{self.better} is better)"


class Condition(Part):
    """On what the systems of one block of rows were measured."""

    label: str  # the print's
    meaning: str = ""
    masks: str | None = None  # a mask specification; None: the print names none
    recipe: str  # of `inpaint prepare`
    split: str | None = None  # None: the print has no such split
    images: str | None = None  # how many, in the print's words
    printed: bool = True  # false: one of ours beside those of the print, shown where something was measured
    element: int | None = None  # the label or point that the figures are of: a place in `Metric.by_element`

    def of(self, metrics: Mapping[str, Any], metric: Metric) -> Any:
        """What belongs here, among a result's figures or its intervals by name; None where there is none."""
        value = metrics.get(metric.name if self.element is None else metric.by_element)
        if self.element is None or value is None:
            return value
        return value[self.element] if self.element < len(value) else None


class Updates(Part):
    """How long something is trained."""

    steps: int
    batch: int


class Row(Part):
    """A system: as the print calls it, and which results of ours are of the same system."""

    system: str
    method: str | None = None  # None: none of ours
    settings: dict[str, Any] = Field(default_factory=dict)
    trained_on: str = "*"  # the masks it trained on, as a pattern: `reverse:*`
    untrained: bool = False
    expected: dict[str, Any] = Field(default_factory=dict)  # what the print used; a result that departs says so
    steps: int | None = None  # the same of the number of updates
    batch: int | None = None  # and of the images of one
    transfer: Updates | None = None  # and of what is learned on the features, which these were trained for
    figures: dict[str, list[Published]] = Field(default_factory=dict)  # by condition, in order of the printed metrics

    @field_validator("settings", "expected")
    @classmethod
    def _plain(cls, settings: dict[str, Any]) -> dict[str, Any]:
        return {name: float(value) if isinstance(value, Decimal) else value for name, value in settings.items()}


class Claim(Part):
    """A sentence of the text that its figures should bear out: some systems are ahead of others."""

    text: str  # in our words
    metric: str  # its label
    systems: list[str] = Field(min_length=1)
    behind: list[str] = Field(min_length=1)
    allowance: float = Field(1.0, ge=1)  # by how many times these may be ahead all the same: `close to`
    conditions: list[str] = Field(default_factory=list)  # all, where none is named

    @property
    def named(self) -> list[str]:
        return [*self.systems, *self.behind]


class PublishedTable(Part):
    name: str  # the file's
    paper: str  # the folder's
    place: str
    title: str
    statements: list[str] = Field(default_factory=list)  # what the text says of its figures
    trained_for_each: bool = False  # a system has a model of its own for each condition
    relative_to: str | None = None  # compare ratios to this system: the print's own scale is unknown
    metrics: list[Metric] = Field(min_length=1)
    conditions: list[Condition] = Field(min_length=1)
    rows: list[Row] = Field(min_length=1)
    claims: list[Claim] = Field(default_factory=list)

    @field_validator("paper")
    @classmethod
    def _known(cls, paper: str) -> str:
        if paper not in PAPERS:
            raise ValueError(f"no paper.toml in papers/{paper}")
        return paper

    @model_validator(mode="after")
    def _check(self) -> "PublishedTable":
        systems, labels = [row.system for row in self.rows], [condition.label for condition in self.conditions]
        printed = [condition.label for condition in self.conditions if condition.printed]
        if len({*systems}) < len(systems) or len({*labels}) < len(labels):
            raise ValueError("two rows or two conditions have one name")
        if self.relative_to not in (None, *systems):
            raise ValueError(f"relative_to names no row: {self.relative_to}")
        metrics = [metric.label for metric in self.metrics]
        for claim in self.claims:
            if not {*claim.named} <= {*systems} or claim.metric not in metrics or not {*claim.conditions} <= {*labels}:
                raise ValueError(f"the claim '{claim.text}' names what the table has not")
        for row in self.rows:
            if row.figures and (
                [*row.figures] != printed or any(len(given) != len(self.printed) for given in row.figures.values())
            ):
                raise ValueError(
                    f"{row.system}: one figure per metric that is printed, under each condition in order: {printed}"
                )
        return self

    @property
    def printed(self) -> list[Metric]:
        """The metrics that the print has."""
        return [metric for metric in self.metrics if metric.printed]

    def published(self, row: Row, condition: Condition, metric: Metric) -> Decimal | None:
        """The print's figure, or None where it has none."""
        figures = row.figures.get(condition.label)
        figure = figures[self.printed.index(metric)] if figures and metric.printed else "-"
        return None if figure == "-" else figure


def _files() -> dict[str, Path]:
    """Table -> its file."""
    return {path.stem: path for path in FOLDER.glob("*/*.toml") if path.name != "paper.toml"}


def table_names() -> list[str]:
    """Every table, as `inpaint report table` takes it."""
    return sorted(_files())


@cache
def load_table(name: str) -> PublishedTable:
    """The table of that name; `UsageError` with the nearest name if there is none."""
    path = _files().get(name)
    if path is None:
        raise UsageError(unknown("table", name, table_names()))
    raw = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    by_condition = {key: raw.pop(key) for key in BY_CONDITION if key in raw}
    raw["conditions"] = [{**by_condition, **condition} for condition in raw["conditions"]]
    by_row = {key: raw.pop(key) for key in BY_ROW if key in raw}
    raw["rows"] = [{**by_row, **row} if "method" in row else row for row in raw["rows"]]
    return PublishedTable(name=name, paper=path.parent.name, **raw)
