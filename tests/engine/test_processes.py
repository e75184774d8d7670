"""One of several processes, and whoever started it."""

import os
import signal
import subprocess
import threading

import pytest

from inpaint_cli.engine import processes
from inpaint_cli.engine.processes import LAUNCHER, STORE, Team, end_with_parent, join_team
from inpaint_cli.engine.signals import Signals


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


class AnotherAsked(Team):
    def largest(self, numbers):
        return [signal.SIGTERM, 0]


@pytest.mark.parametrize("ends", [False, True])
def test_a_process_that_ends_since_another_was_asked_to_is_not_asked_itself(monkeypatch, ends):
    """Their launcher is killed: one of them noticed first, and this one ends with it; its own look comes later."""
    monkeypatch.delenv(LAUNCHER, raising=False)
    monkeypatch.setattr(processes, "PARENT_LOOK", 0.05)
    asked = []
    previous = signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    try:
        team, looking = AnotherAsked(ending=end_with_parent()), watcher()
        if ends:
            assert Signals(print).asked(team).end == signal.SIGTERM
        monkeypatch.setattr(os, "getppid", lambda: 1)
        looking.join(timeout=30)
        assert watcher() is None and asked == ([] if ends else [signal.SIGTERM])
    finally:
        signal.signal(signal.SIGTERM, previous)
