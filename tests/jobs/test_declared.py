"""What is read from a method's text is what its class says once it is imported."""

import json
import subprocess
import sys
from dataclasses import MISSING, asdict, fields

import pytest
from conftest import REPOSITORY
from pydantic import TypeAdapter

from inpaint_cli.errors import UsageError
from inpaint_cli.jobs.declared import declared
from inpaint_cli.methods import method_class, method_names

PROGRAM = """
import json, sys
from pydantic import TypeAdapter
from inpaint_cli.jobs.declared import declared
from inpaint_cli.methods import method_names
print(json.dumps({name: TypeAdapter(declared(name).settings_type).json_schema() for name in method_names()}))
assert "torch" not in sys.modules
"""


def test_settings_without_their_file_are_those_of_the_file():
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    schemas = json.loads(done.stdout)
    assert schemas == {name: TypeAdapter(method_class(name).Settings).json_schema() for name in method_names()}


@pytest.mark.parametrize("name", method_names())
def test_text_and_class_agree(name):
    said, found = declared(name), method_class(name)
    assert (said.title, said.paper, said.per_channel) == (found.title, found.paper, found.per_channel)
    assert said.settings == tuple(field.name for field in fields(found.Settings))
    if found.defaults is None:
        assert said.defaults is None
    else:
        usual = {field.name: field.default for field in fields(found.defaults) if field.default is not MISSING}
        assert {**usual, **said.defaults} == asdict(found.defaults)


def test_there_is_no_other():
    with pytest.raises(UsageError, match="did you mean 'mde'"):
        declared("mdee")
