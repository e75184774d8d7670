"""What a checkpoint says about itself: its header, and on the card of a slim one what was measured."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from inpaint_cli.errors import InputError, UsageError, printable
from inpaint_cli.records.base import (
    Count,
    Digest,
    Finite,
    Line,
    Name,
    Positive,
    Prose,
    Record,
    Seed,
    Settings,
    Shape,
    Step,
    first_problem,
    validated,
)
from inpaint_cli.records.results import Comparison, Result
from inpaint_cli.records.transfers import Transfer

FORMAT: Literal[1] = 1
KIND = "a checkpoint's header"


class DataFacts(Record):
    """The images of the training, and on which terms they may be used."""

    recipe: Line
    title: Prose
    terms: Prose
    identity: Line
    images: Count


class Rounding(Record):
    """In how few bits weights are, and what each kind that was tried changed."""

    weights: Literal["float32", "float16", "bfloat16"]
    changes: dict[Name, dict[Name, Finite | None]] = Field(default_factory=dict)
    images: Count = 0
    split: Line = ""
    masks: Line = ""


class Evaluation(Record):
    """What one results file holds of a model and of the systems beside it."""

    results: list[Result]
    comparisons: list[Comparison]


class Figures(Record):
    """What was measured of a model."""

    of: list[Digest]  # the names that results know it by
    evaluations: list[Evaluation]


class Header(Record):
    """All that a checkpoint says about itself. It names no path and no time: the same training gives the same bytes."""

    format: Literal[1] = FORMAT
    digest: Digest = ""  # of the whole content; it is written last
    method: Name
    settings: Settings
    shape: Shape
    masks: Line
    step: Step
    steps: Step
    batch: Positive
    accumulate: Positive
    seed: Seed
    precision: Literal["bf16", "fp32"]
    clip_gradients: Finite | None = Field(None, gt=0)
    sync_batchnorm: bool = False
    data_identity: Line
    recipe: Line
    versions: dict[Name, Line]
    started_from: Digest | None = None  # the checkpoint whose weights the training began with; None: random ones
    transfer: Transfer | None = None  # of an encoder that was put to another use; method and settings are the encoder's
    weights: dict[Name, Line] = Field(
        default_factory=dict
    )  # of frozen networks that the losses looked through, as results name them
    holds: Literal["completion"] | None = None  # of a slim one, as is what follows
    made_from: Digest | None = None
    about: Prose | None = None
    data: DataFacts | None = None
    rounding: Rounding | None = None
    figures: Figures | None = None

    @property
    def slim(self) -> bool:
        """Whether it holds what completion needs alone, so that training cannot go on from it."""
        return self.holds is not None

    def plain(self) -> dict[str, Any]:
        """What the file says, ready for JSON."""
        return self.model_dump(mode="json", exclude_unset=True)


HEADER = TypeAdapter(Header)


def parse_header(text: str, where: object) -> tuple[Header, dict[str, Any]]:
    """A header, and the plain value that its digest is of."""
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise InputError(f"{printable(where)}: damaged, or not a checkpoint ({reason})") from None
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise InputError(f"{printable(where)}: not a checkpoint that this version of inpaint wrote")
    return validated(HEADER, plain, where, KIND), plain


def header_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """A header's plain values, as they will be written; `UsageError` for one that could not be read again."""
    try:
        header = HEADER.validate_python({name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        raise UsageError(f"no checkpoint can say this: {first_problem(error)}") from None
    return header.model_dump(mode="json", exclude_unset=True) | {"format": FORMAT}
