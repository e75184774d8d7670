"""What shares an axis, and what things are called."""

import pytest

from inpaint_cli.reports.terms import kinds_of, label, time_words


def test_a_name_that_means_two_things_stands_where_its_method_has_it():
    assert kinds_of(["global"]) == {"Against the discriminators": ["global"]}
    of_critics = kinds_of(["global", "global_penalty", "patch", "patch_penalty", "generator"])
    assert of_critics["Discriminators"] == ["global", "patch"] and "step" not in kinds_of(["step"])


def test_what_has_no_kind_has_an_axis_of_its_own_before_those_of_pace():
    found = kinds_of(["step", "seconds", "memory_mib", "bits_per_dimension", "validation", "odd_term"])
    assert [*found] == ["Validation error", "Bits per dimension", "Odd term", "Memory, MiB"]


def test_names_are_words():
    assert (
        label("learning_rate/mask_seeker") == "mask seeker" and label("reconstruction_d") == "reconstruction, landmarks"
    )


@pytest.mark.parametrize(("seconds", "words"), [(8.24, "8.2 s"), (192, "3 min 12 s"), (18200, "5 h 3 min")])
def test_time(seconds, words):
    assert time_words(seconds) == words
