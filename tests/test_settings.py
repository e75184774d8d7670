"""Settings from `--set NAME=VALUE`: typed, checked, with the nearest name."""

from typing import Literal

import pytest
from pydantic import Field
from pydantic.dataclasses import dataclass

from inpaint_cli.errors import UsageError, unknown
from inpaint_cli.searching.model import SearchSettings
from inpaint_cli.settings import assigned, changed_for_completion, describe, make_settings, recalled, settings_values


@dataclass(frozen=True)
class Settings:
    width: int = Field(64, ge=2, description="figure 4")
    rate: float = Field(2e-4, description="implementation details")
    game: Literal["rec", "alt"] = Field("alt", description="figure 8")
    weight: float | None = Field(None, description="not in the paper")
    sharp: bool = Field(True, description="not in the paper")


def parse_settings(assignments):
    return make_settings(Settings, assigned(assignments))


def test_values_take_their_types():
    settings = parse_settings(["width=32", "rate=1e-3", "game=rec", "weight=0.5", "sharp=false"])
    assert settings == Settings(32, 1e-3, "rec", 0.5, False)
    assert parse_settings([]) == Settings()


def test_values_survive_the_checkpoint():
    assert make_settings(Settings, settings_values(Settings(width=8))) == Settings(width=8)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("widht=3", "did you mean 'width'.*game, rate, sharp, weight, width"),
        ("width", "NAME=VALUE"),
        ("width=wide", "--set width=wide.*integer"),
        ("width=1", "--set width=1.*greater than or equal to 2"),
        ("game=hide", "'rec' or 'alt'"),
    ],
)
def test_mistakes_name_the_choices(assignment, message):
    with pytest.raises(UsageError, match=message):
        parse_settings([assignment])


@dataclass(frozen=True)
class Younger(Settings):
    generator: Literal["vgg", "strided"] = Field("vgg", description="figure 4", json_schema_extra={"before": "strided"})


def test_a_setting_younger_than_a_checkpoint_is_what_it_was_before():
    kept = settings_values(Settings(width=8))
    assert changed_for_completion(Younger, kept, {}) == Younger(width=8, generator="strided")
    assert changed_for_completion(Younger, {**kept, "generator": "vgg"}, {}).generator == "vgg"
    assert recalled(Younger, {}) == {} and make_settings(Younger, {}).generator == "vgg"  # a training that begins now


@dataclass(frozen=True)
class Searching(SearchSettings):
    width: int = 64


def test_what_concerns_completion_is_changed_and_nothing_else():
    began = {"search_steps": 1000, "width": 8}  # by a version without `search`
    changed = changed_for_completion(Searching, began, {"search_steps": "5", "search": "printed"})
    assert (changed.search_steps, changed.search, changed.width) == (5, "printed", 8)
    with pytest.raises(UsageError, match="did you mean 'search_steps'"):
        changed_for_completion(Searching, began, {"serch_steps": "5"})
    with pytest.raises(UsageError, match="a checkpoint keeps the settings"):
        changed_for_completion(Searching, began, {"width": "9"})
    with pytest.raises(UsageError, match="it has none that concern completion"):
        changed_for_completion(Settings, {}, {"width": "9"})


def test_settings_that_another_stands_in_place_of_are_passed_over_where_kept_and_named_where_given():
    began = {"search_steps": 7, "turn_every": 16, "prior_every": 4, "search_rate": 0.2, "tolerance": 0.01}
    assert changed_for_completion(Searching, began, {}) == Searching(search_steps=7)
    heir = "no setting 'turn_every' any more: 'search' stands in its place, turned | printed"
    with pytest.raises(UsageError, match=heir.replace("|", r"\|")):
        changed_for_completion(Searching, began, {"turn_every": "0"})
    with pytest.raises(UsageError, match="'search' stands in its place"):
        make_settings(Searching, {"tolerance": "0"})


def test_descriptions_name_type_default_and_source():
    assert describe(Settings) == [
        ("width", "int", 64, "figure 4"),
        ("rate", "float", 2e-4, "implementation details"),
        ("game", "rec | alt", "alt", "figure 8"),
        ("weight", "float | unset", None, "not in the paper"),
        ("sharp", "bool", True, "not in the paper"),
    ]


def test_unknown_names_are_answered_with_the_nearest():
    assert "did you mean 'collagan'?" in unknown("method", "colagan", ["mde", "collagan"])
    assert "did you mean" not in unknown("method", "zzz", ["mde", "collagan"])
