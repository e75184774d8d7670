"""Runs that nobody names are numbered; what goes on is the newest of them."""

import pytest

from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.jobs.training.places import place_of_run


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def begin(name):
    place(name).mkdir(parents=True)
    (place(name) / "run.json").write_text("{}")


def place(name):
    return place_of_run(None, name, there=False)[0].path


def test_new_runs_are_numbered_and_nothing_that_is_there_is_taken(here):
    names = []
    for _ in range(3):
        names.append(str(place("mde")))
        begin("mde")
    assert names == ["runs/mde", "runs/mde-2", "runs/mde-3"] and str(place("mde-transfer")) == "runs/mde-transfer"
    (here / "runs" / "mde" / "run.json").unlink()
    run, notes = place_of_run(None, "mde", there=False)
    assert str(run.path) == "runs/mde-4" and notes == ["the run directory is runs/mde-4, since runs/mde-3 holds a run"]


def test_what_goes_on_is_the_newest_and_said_where_there_are_several(here):
    assert str(place_of_run(None, "mde", there=True)[0].path) == "runs/mde"
    begin("mde")
    assert place_of_run(None, "mde", there=True)[1] == []
    begin("mde")
    run, (note,) = place_of_run(None, "mde", there=True)
    assert str(run.path) == "runs/mde-2" and "newest of 2" in note
    assert place_of_run("elsewhere", "mde", there=True)[1] == []


def test_a_run_that_another_process_is_about_to_begin_is_taken(here):
    with RunDirectory(place("mde")).locked():
        assert str(place("mde")) == "runs/mde-2"
    assert str(place("mde")) == "runs/mde"
