"""`inpaint guide`: topics, plain where it is piped, and quick."""

import subprocess
import sys

import pytest
from conftest import inpaint

from inpaint_cli.cli.guide import render
from inpaint_cli.jobs.guide import guide, topics


def test_it_lists_every_topic_with_what_it_is_about():
    result = inpaint("guide")
    assert result.exit_code == 0, result.stderr
    listed = {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1] for line in result.stdout.splitlines()}
    assert listed.keys() == topics().keys() >= {"photos", "training", "evaluation"}
    assert all(len(line) <= 100 for line in result.stdout.splitlines())


@pytest.mark.parametrize("topic", topics())
def test_a_topic_is_printed_as_it_is_written_where_it_is_piped(topic):
    result = inpaint("guide", topic)
    assert result.exit_code == 0 and result.stdout.rstrip() == guide(topic).rstrip()
    assert guide(topic).startswith("# ") and topics()[topic], "its heading says behind a colon what it is about"


def test_on_a_terminal_it_is_rendered(capsys):
    render("# Masks: how\n\n| a | b |\n|---|---|\n| `c` | d |\n")
    shown = capsys.readouterr().out
    assert "Masks: how" in shown and "c" in shown and not {"|", "`", "#"} & set(shown)


@pytest.mark.parametrize("name", ["trainign", "../shipped/README", "", "photos/"])
def test_an_unknown_topic_is_refused_with_the_nearest(name):
    result = inpaint("guide", name)
    assert result.exit_code == 2 and "no topic" in result.stderr and "Choices: autoencoders" in result.stderr
    assert "did you mean 'training'?" in result.stderr or name != "trainign"


def test_neither_torch_nor_numpy_is_imported():
    program = (
        "import sys; from inpaint_cli.cli.main import app\n"
        "try: app(['guide', 'masks'])\n"
        "except SystemExit: sys.exit(9 if {'torch', 'numpy', 'h5py'} & set(sys.modules) else 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL, check=False).returncode == 0
