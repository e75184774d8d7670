"""A method's settings: typed, checked by pydantic, changed with `--set NAME=VALUE`, each default with its source."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import Field, asdict, fields
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from pydantic import TypeAdapter, ValidationError

from inpaint_cli.errors import UsageError, unknown


class AnySettings(Protocol):
    """Those of a method: a frozen pydantic dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


@runtime_checkable
class LabelSettings(Protocol):
    """Those of a method that learns from labels, as far as they say which."""

    @property
    def learned_labels(self) -> tuple[str, ...]:
        """Columns of prepared data."""

    def check_labels(self, labels: Container[str]) -> None:
        """`InputError` where data with these labels lacks one, with what makes it and what else can be set."""


@runtime_checkable
class HelperSettings(Protocol):
    """Those of a method whose losses look through frozen networks, as far as they say which."""

    @property
    def needed_helpers(self) -> tuple[str, ...]:
        """Names of the frozen, already trained networks: vgg16, or a method's."""


Settings = TypeVar("Settings", bound=AnySettings)
Assignments = Iterable[str] | Mapping[str, Any]  # ["width=32"] as `--set` takes it, or {"width": 32}


def assigned(assignments: Assignments) -> dict[str, Any]:
    """`["width=32", "hide_and_seek=rec"]` -> the texts by name; what is named already stays as it is."""
    if isinstance(assignments, Mapping):
        return dict(assignments)
    values = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(f"--set takes NAME=VALUE, not '{assignment}'")
        values[name.strip().replace("-", "_")] = value.strip()
    return values


def make_settings(settings_type: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Values by name, as text or as their own type -> an instance of `settings_type`; errors name the choices."""
    names = [field.name for field in fields(settings_type)]
    for name in values:
        if name not in names:
            raise UsageError(_no_setting(settings_type, name, names))
    try:
        return TypeAdapter(settings_type).validate_python(dict(values))
    except ValidationError as error:
        problem = error.errors()[0]
        where = f"--set {problem['loc'][0]}={problem['input']}: " if problem["loc"] else ""
        message = problem["msg"].removeprefix("Value error, ")  # pydantic's words before a validator's own
        raise UsageError(where + message[:1].lower() + message[1:]) from None


def settings_values(settings: AnySettings) -> dict[str, Any]:
    """The plain values, as checkpoints and run configurations keep them."""
    return asdict(settings)


def completion_names(settings_type: type[AnySettings]) -> list[str]:
    """The settings that concern completion alone, and may be other ones than in training."""
    schema = TypeAdapter(settings_type).json_schema().get("properties", {})
    return [name for name, entry in schema.items() if entry.get("set_at") == "completion"]


def changed_for_completion(
    settings_type: type[Settings], trained_with: Mapping[str, Any], changes: Mapping[str, Any]
) -> Settings:
    """A trained method's settings with those of completion changed; `UsageError` for any other."""
    allowed = completion_names(settings_type)
    for name in changes:
        if allowed and name not in {field.name for field in fields(settings_type)}:
            raise UsageError(_no_setting(settings_type, name, allowed))
        if name not in allowed:
            may = f"what may be set is {', '.join(allowed)}" if allowed else "it has none that concern completion"
            raise UsageError(f"--set {name}: a checkpoint keeps the settings that it was trained with; {may}")
    return make_settings(settings_type, {**recalled(settings_type, trained_with), **changes})


def recalled(settings_type: type, kept: Mapping[str, Any]) -> dict[str, Any]:
    """What a checkpoint or a run keeps, without settings that another now stands in place of, and of settings younger
    than it, what held `before` there was a choice."""
    schema = TypeAdapter(settings_type).json_schema().get("properties", {}) if kept else {}
    before = {name: entry["before"] for name, entry in schema.items() if "before" in entry}
    gone = {name for entry in schema.values() for name in entry.get("in_place_of", ())}
    return {**before, **{name: value for name, value in kept.items() if name not in gone}}


def _no_setting(settings_type: type, name: str, names: list[str]) -> str:
    """Why there is no setting of that name, and which there are."""
    if not names:
        return f"no setting '{name}': there are none to set"
    for heir, entry in TypeAdapter(settings_type).json_schema().get("properties", {}).items():
        if name in entry.get("in_place_of", ()):
            return f"no setting '{name}' any more: '{heir}' stands in its place, {_type_name(entry)}"
    return unknown("setting", name, names)


def describe(settings_type: type[AnySettings]) -> list[tuple[str, str, Any, str]]:
    """Rows of name, type, default and source, as `inpaint methods NAME` prints them."""
    schema = TypeAdapter(settings_type).json_schema().get("properties", {})
    return [(name, _type_name(entry), entry.get("default"), _source(entry)) for name, entry in schema.items()]


def _source(entry: dict[str, Any]) -> str:
    return entry.get("description", "") + ("; set at completion" if entry.get("set_at") == "completion" else "")


def _type_name(entry: dict[str, Any]) -> str:
    if "anyOf" in entry:
        return " | ".join(_type_name(option) for option in entry["anyOf"])
    if "enum" in entry:
        return " | ".join(map(str, entry["enum"]))
    return {"integer": "int", "number": "float", "boolean": "bool", "string": "text", "null": "unset"}.get(
        entry.get("type", ""), ""
    )
