"""What is read from a method's text is what its class says once it is imported."""

from dataclasses import MISSING, asdict, fields

import pytest
from pydantic import TypeAdapter

from inpaint_cli.errors import UsageError
from inpaint_cli.jobs.declared import declared
from inpaint_cli.methods import method_class, method_names


@pytest.mark.parametrize("name", method_names())
def test_text_and_class_agree(name):
    said, found = declared(name), method_class(name)
    assert (said.title, said.paper, said.per_channel) == (found.title, found.paper, found.per_channel)
    assert said.labels == found.learns_from_labels
    assert set(said.settings) == {field.name for field in fields(found.Settings)}
    schema = TypeAdapter(found.Settings).json_schema().get("properties", {})
    assert set(said.former) == {name for entry in schema.values() for name in entry.get("in_place_of", ())}
    if found.defaults is None:
        assert said.defaults is None
    else:
        usual = {field.name: field.default for field in fields(found.defaults) if field.default is not MISSING}
        assert {**usual, **said.defaults} == asdict(found.defaults)


def test_there_is_no_other():
    with pytest.raises(UsageError, match="did you mean 'mde'"):
        declared("mdee")
