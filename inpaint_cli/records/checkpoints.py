"""What a checkpoint says about itself: its header, and on the card of a slim one what was measured; those of a run.

A run's own are called step-00000100.safetensors, eight digits exactly; all else is the user's.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open

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
IN_METADATA = "inpaint"  # the header's name there
ENDING = ".safetensors"
BEST = f"best{ENDING}"  # by validation; it is no step of the run
Read = TypeVar("Read")


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


class Blended(Record):
    """Of which two checkpoints of one kind the weights are an average, and how much the second one counts."""

    first: Digest
    second: Digest
    share: float = Field(gt=0, lt=1)


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
    blended: Blended | None = None
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


# ---- files -----------------------------------------------------------------------------------------------------------


@contextmanager
def opened(path: Path, framework: str) -> Iterator[tuple[Any, str]]:
    """A checkpoint's file as safetensors opens it for "pt" or "numpy", and the text of its header.

    `InputError` when it is missing, damaged, not ours, also where it is read meanwhile.
    """
    if not path.is_file():
        raise InputError(f"{printable(path)}: no such checkpoint")
    try:
        with safe_open(path, framework=framework, device="cpu") as file:
            text = (file.metadata() or {}).get(IN_METADATA)
            if text is None:
                raise InputError(f"{printable(path)}: not a checkpoint that this version of inpaint wrote")
            yield file, text
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{printable(path)}: damaged, or not a checkpoint ({error})") from None


def read_header(path: Path) -> Header:
    """What a file says about itself. Its weights are neither read nor verified."""
    with opened(path, "numpy") as (_, text):
        header, _ = parse_header(text, path)
    return header


def step_name(step: int, ending: str = ENDING) -> str:
    """`step-00000100.safetensors`"""
    return f"step-{step:08d}{ending}"


def steps_in(folder: Path, ending: str = ENDING) -> dict[int, Path]:
    """The files in a folder that are called after a step, newest first. `step-00000100-mine` is not one of them."""
    named = re.compile(rf"step-([0-9]{{8}}){re.escape(ending)}")
    found = {int(match[1]): path for path in folder.glob("step-*") if (match := named.fullmatch(path.name))}
    return dict(sorted(found.items(), reverse=True))


def best_or_newest(run: Path, read: Callable[[Path], Read]) -> tuple[Read, list[str]]:
    """Of a run directory's checkpoints what `read` makes of the best by validation, else of the newest that it can
    read, and what is wrong with those that were passed over; `InputError` where there is none."""
    folder, problems = run / "checkpoints", list[str]()
    best = [folder / BEST] if (folder / BEST).exists() else []
    for path in [*best, *steps_in(folder).values()]:
        try:
            return read(path), problems
        except InputError as error:
            problems.append(str(error))
    raise InputError("\n".join([f"{printable(run)}: no usable checkpoint in this run directory", *problems]))
