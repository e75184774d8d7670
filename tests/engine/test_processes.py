"""One of several processes, and whoever started it."""

import signal
import subprocess

import pytest

from inpaint_cli.engine.processes import LAUNCHER, STORE, join_team


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
