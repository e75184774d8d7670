"""One of several processes, and whoever started it."""

import os
import signal
import subprocess
import threading

import pytest

from inpaint_cli.engine import processes
from inpaint_cli.engine.processes import LAUNCHER, STORE, Team, end_with_parent, join_team, leave_team


def test_a_process_whose_launcher_ended_while_it_began_waits_for_nobody(monkeypatch):
    launcher = subprocess.Popen(["true"])
    launcher.wait()
    named = {"RANK": "0", "WORLD_SIZE": "2", STORE: "127.0.0.1:1", LAUNCHER: str(launcher.pid)}
    for name, value in named.items():
        monkeypatch.setenv(name, value)

    def ended(number, frame):
        raise SystemExit(128 + number)

    previous = signal.signal(signal.SIGTERM, ended)
    try:
        with pytest.raises(SystemExit, match="143"):
            join_team("cpu")
    finally:
        signal.signal(signal.SIGTERM, previous)


def watcher():
    return next((thread for thread in threading.enumerate() if thread.name == "parent"), None)


@pytest.mark.parametrize("leaves", [False, True])
def test_a_process_that_has_left_its_team_is_not_asked_to_end_once_more(monkeypatch, leaves):
    """Its launcher is killed: one of two noticed first, and this one ends with it; its own look comes later."""
    monkeypatch.delenv(LAUNCHER, raising=False)
    monkeypatch.setattr(processes, "PARENT_LOOK", 0.05)
    asked = []
    previous = signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    try:
        team = Team(left=end_with_parent())
        looking = watcher()
        if leaves:
            leave_team(team)
        monkeypatch.setattr(os, "getppid", lambda: 1)
        looking.join(timeout=30)
        assert watcher() is None and asked == ([] if leaves else [signal.SIGTERM])
    finally:
        signal.signal(signal.SIGTERM, previous)
