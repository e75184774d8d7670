"""run.json, which says what a run trains and how, and metrics.jsonl, which says how that goes."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from inpaint_cli.errors import InputError, UsageError, printable
from inpaint_cli.files import open_regular
from inpaint_cli.records.base import (
    LAST_STEP,
    Count,
    Digest,
    Finite,
    Line,
    Name,
    Place,
    Positive,
    Record,
    Seed,
    Settings,
    Shape,
    Step,
    Text,
    first_problem,
    read_json,
    validated,
)
from inpaint_cli.records.transfers import Transfer

LARGEST_CONFIGURATION = 1 << 20  # bytes
LONGEST_ROW = 1 << 16  # bytes
KEEP = 2  # checkpoints: the newest, and one before it in case the newest is damaged
MOST_TERMS = 100  # in a row
KIND = "a run.json"


class Configuration(Record):
    """run.json. What has a default was added after the first version."""

    method: Name
    masks: Line
    masks_digest: Line | None = None  # of masks that are taken from folders
    batch: Positive
    steps: Step = Field(ge=1)
    accumulate: Positive = 1
    seed: Seed = 0
    clip_gradients: Finite | None = Field(None, gt=0)
    sync_batchnorm: bool = False
    compile: bool = False
    checkpoint_every: Positive = 1000
    sample_every: Positive = 500
    validate_every: Count = 0
    patience: Count = 0
    keep: Positive = KEEP
    keep_every: Count = 0
    settings: Settings
    started_from: Digest | None = None  # the checkpoint whose weights it began with; None: random ones
    transfer: Transfer | None = None  # of a run of `inpaint transfer`; method and settings are its encoder's
    weights: dict[Name, Text] = Field(default_factory=dict)
    data: Place
    data_identity: Line
    recipe: Line
    shape: Shape
    precision: Literal["bf16", "fp32"]
    device: Line = ""
    processes: Positive = 1
    inpaint: Line = ""
    versions: dict[Name, Line] = Field(default_factory=dict)
    command: Text = ""  # as it was typed
    code: dict[Name, Line] = Field(default_factory=dict)  # digest of the package's files, git's commit


CONFIGURATION = TypeAdapter(Configuration)


def read_configuration(path: Path) -> dict[str, Any]:
    """What run.json says, without what it leaves to its default."""
    value = read_json(path, LARGEST_CONFIGURATION, KIND)
    return validated(CONFIGURATION, value, path, KIND).model_dump(exclude_unset=True)


def configured(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as run.json will have them; `UsageError` for one that could not be read again."""
    try:
        return CONFIGURATION.validate_python(dict(values)).model_dump()
    except ValidationError as error:
        raise UsageError(f"a run cannot be trained with this: {first_problem(error)}") from None


# ---- metrics ---------------------------------------------------------------------------------------------------------

Row = dict[str, float]  # `step`, each loss term of it, and now and then facts of how training goes
SECONDS, IMAGES_PER_SECOND, MEMORY = "seconds", "images_per_second", "memory_mib"
LEARNING_RATE = "learning_rate/"  # and the player
ROW = TypeAdapter(dict[Name, Finite])
STEP = TypeAdapter(Annotated[int, Field(ge=0, le=LAST_STEP)])


def is_fact(name: str) -> bool:
    """Whether a row's value says how training goes, not what is learned."""
    return name in (SECONDS, IMAGES_PER_SECOND, MEMORY) or name.startswith(LEARNING_RATE)


class Metrics(NamedTuple):
    """The rows of a run, by their order in the file."""

    rows: list[Row]
    passed_over: int = 0  # lines that are no rows: the last one cut short by a killed process, or damaged ones


def read_metrics(path: Path) -> Metrics:
    """Every row of the file; none where there is no file."""
    rows, passed_over = [], 0
    for line in _lines(path):
        try:
            row = ROW.validate_json(line)
            rows.append({**row, "step": STEP.validate_python(row["step"])})
        except (ValidationError, KeyError):
            passed_over += 1
        else:
            if len(row) > MOST_TERMS:
                raise InputError(f"{printable(path)}: a row has {len(row)} terms; no run of inpaint wrote it")
    return Metrics(rows, passed_over)


def _lines(path: Path) -> Iterator[bytes]:
    if not path.exists():
        return
    with open_regular(path) as file:
        while line := file.readline(LONGEST_ROW):
            yield line


def row_text(row: Mapping[str, Any]) -> str:
    """One line of metrics.jsonl."""
    return json.dumps(row) + "\n"
