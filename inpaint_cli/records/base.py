"""What all records are made of: numbers within bounds, text without escape sequences; and how JSON becomes a record."""

import json
import unicodedata
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, TypeAdapter, ValidationError

from inpaint_cli.errors import InputError, printable
from inpaint_cli.files import read_whole

LARGEST = 1e39  # of a figure: float32 ends there, and sums of such numbers stay finite
LONGEST_NAME = 255  # bytes of a file's name
LAST_STEP = 99_999_999  # eight digits name a step

# Control characters (line breaks among them), halves of characters, separators of lines, and what turns text around:
# in a terminal they could show what no one wrote.
STEERING = ("Cc", "Cs", "Zl", "Zp")
TURNING = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F}


def _steers(letter: str) -> bool:
    return unicodedata.category(letter) in STEERING or ord(letter) in TURNING


def _one_line(text: str) -> str:
    if not text.isprintable() and any(map(_steers, text)):
        raise ValueError("holds control characters")
    return text


def _several_lines(text: str) -> str:
    for line in text.split("\n"):
        _one_line(line)
    return text


def _place(text: str) -> str:
    if any(len(part.encode("utf-8", "surrogatepass")) > LONGEST_NAME for part in text.split("/")):
        raise ValueError(f"holds a name of over {LONGEST_NAME} bytes, which is no file's")
    return text


Text = Annotated[str, Strict(), Field(max_length=100_000)]  # as it is: to be made printable by whoever shows it
Line = Annotated[str, Strict(), Field(max_length=20_000), AfterValidator(_one_line)]
Place = Annotated[Text, AfterValidator(_place)]  # of a file
Prose = Annotated[str, Strict(), Field(max_length=100_000), AfterValidator(_several_lines)]
Name = Annotated[str, Strict(), Field(pattern=r"^\w[\w .,:+/()=-]{0,99}$")]
Digest = Annotated[str, Strict(), Field(pattern=r"^[0-9a-f]{64}$")]

Finite = Annotated[float, Strict(), Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Share = Annotated[float, Strict(), Field(ge=0, le=1)]
Count = Annotated[int, Strict(), Field(ge=0, le=10**12)]
Positive = Annotated[int, Strict(), Field(ge=1, le=10**12)]
Step = Annotated[int, Strict(), Field(ge=0, le=LAST_STEP)]
Seed = Annotated[int, Strict(), Field(ge=0, le=10**30)]
Flag = Annotated[bool, Strict()]
Side = Annotated[int, Strict(), Field(ge=1, le=65_536)]


def _setting(value: Any) -> Any:
    if isinstance(value, str):
        return _one_line(value)
    if isinstance(value, int | float) and abs(value) <= LARGEST:  # NaN is not
        return value
    if value is None:
        return value
    raise ValueError("is no value of a setting: a number, a line of text, true, false or null")


Setting = Annotated[Any, AfterValidator(_setting)]
Settings = dict[Name, Setting]
Shape = tuple[Annotated[int, Strict(), Field(ge=1, le=4)], Side, Side]  # channels, height, width


class Record(BaseModel):
    """Unknown names are passed over: a newer version may have written them."""

    model_config = ConfigDict(frozen=True)


Content = TypeVar("Content")


def read_json(path: Path, limit: int, kind: str) -> Any:
    """The plain value of a file of at most `limit` bytes; kind: `a results file`, for messages."""
    try:
        return json.loads(read_whole(path, limit).decode("utf-8"))
    except UnicodeDecodeError:
        raise InputError(f"{printable(path)}: not {kind} (it is no text)") from None
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise InputError(f"{printable(path)}: not {kind} ({reason})") from None


def validated(schema: TypeAdapter[Content], value: Any, where: object, kind: str) -> Content:
    """The value as its schema has it; `InputError` names the first place that is not so."""
    try:
        return schema.validate_python(value)
    except ValidationError as error:
        raise InputError(f"{printable(where)}: not {kind} of this version ({first_problem(error)})") from None


def first_problem(error: ValidationError) -> str:
    """`settings.width: input should be a valid integer`"""
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = printable(".".join(map(str, problem["loc"])))[:200]
    message = problem["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return f"{place}: {message}" if place else message
