"""Recipes: TOML files that say where a data set comes from and what each paper's experiment makes of it."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from inpaint_cli.data.crops import Crop
from inpaint_cli.data.geometry import FilterName
from inpaint_cli.data.layouts import Choice
from inpaint_cli.data.rows import place_of
from inpaint_cli.data.sources import AnySource
from inpaint_cli.errors import InputError, UsageError, unknown
from inpaint_cli.files import read_whole
from inpaint_cli.imaging.decoding import Mode, printable
from inpaint_cli.records.base import Line, Positive, first_problem

PACKAGE = Path(__file__).parents[1]
FOLDERS = (PACKAGE / "data_recipes", PACKAGE.parent / "data_recipes")  # in the wheel, in the repository
MAX_BYTES = 32_768  # the text is kept in an attribute of every file made with it
MAX_SIZE = 2048

Text = Annotated[Line, Field(min_length=1)]  # what a terminal can show: no escape sequences, no further lines
Share = Annotated[float, Field(ge=0, le=1)]


class HashSplits(BaseModel):
    """Shares of the splits. A row's split depends on its own name alone: adding files moves no other."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    train: Share = 0.0
    validation: Share = 0.0
    test: Share = 0.0

    @model_validator(mode="after")
    def _sum_is_one(self) -> "HashSplits":
        if abs(self.train + self.validation + self.test - 1) > 1e-9:
            raise ValueError("train, validation and test must sum to 1")
        return self

    def split(self, name: str) -> str:
        """The split of the row called `name`."""
        place = place_of(name)
        if place < self.train:
            return "train"
        return "validation" if place < self.train + self.validation else "test"


class Recipe(BaseModel):
    """One recipe; `data_recipes/README.md` explains every field."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: Text
    paper: Text
    sentence: Text  # of the paper, that this recipe carries out
    terms: Text  # of the source
    mode: Mode
    size: Annotated[int, Field(ge=8, le=MAX_SIZE)]
    size_may_change: bool = False
    filter: FilterName = "bicubic"
    minimum_rows: Positive = 1
    crop: Crop
    splits: HashSplits | None = None
    source: AnySource

    @model_validator(mode="after")
    def _splits_are_known(self) -> "Recipe":
        if self.splits is None and not self.source.has_splits:
            raise ValueError(f"a source of kind {self.source.kind} has no splits of its own; give a [splits] table")
        return self

    def resized(self, size: int | None) -> "Recipe":
        """The recipe at another size, where it allows one."""
        if size is None or size == self.size:
            return self
        if not self.size_may_change:
            raise UsageError(f"recipe {self.name} is defined at {self.size} pixels; --size does not apply to it")
        if not 8 <= size <= MAX_SIZE:
            raise UsageError(f"--size {size}: must be between 8 and {MAX_SIZE} pixels")
        return self.model_copy(update={"size": size})

    def splitting(self, choice: Choice | None) -> "Recipe":
        """The recipe with another way to read splits from folders, where its source has one."""
        if choice is None:
            return self
        if "splits" not in type(self.source).model_fields:
            raise UsageError(f"recipe {self.name} has splits of its own; --splits does not apply to it")
        return self.model_copy(update={"source": self.source.model_copy(update={"splits": choice})})


RECIPE = TypeAdapter(Recipe)


def recipe_names() -> list[str]:
    """The recipes that come with this program."""
    return sorted({path.stem for folder in FOLDERS for path in folder.glob("*.toml")})


def load_recipe(name_or_path: str) -> tuple[Recipe, str]:
    """A recipe and its text, by name or from one's own `.toml` file."""
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = _path_of(name_or_path)
    text = _read_text(path)
    try:
        return RECIPE.validate_python(_parsed(path, text)), text
    except ValidationError as error:
        raise InputError(f"{printable(path)}: {first_problem(error)}") from None


def _path_of(name: str) -> Path:
    found = next((path for folder in FOLDERS if (path := folder / f"{name}.toml").is_file()), None)
    if found is None or name not in recipe_names():
        raise UsageError(unknown("recipe", name, recipe_names()) + " (or the path of a .toml file of your own)")
    return found


def _read_text(path: Path) -> str:
    try:
        return read_whole(path, MAX_BYTES).decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{printable(path)}: not a text file") from None


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOML errors, and numbers of too many digits
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else printable(error)
        raise InputError(f"{printable(path)}: not valid TOML ({reason})") from None
