"""What asks a training to save: SIGTERM and Ctrl-C, to end after the step in hand; SIGUSR1, to go on.

Clusters send SIGUSR1 some time before a machine is taken away.
"""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple

from inpaint_cli.engine.processes import Team
from inpaint_cli.errors import FAULTS

ENDING = (signal.SIGTERM, signal.SIGINT)
SAVING = signal.SIGUSR1
ANSWER = "stopping after this step; Ctrl-C once more ends at once, without saving it"


class Asked(NamedTuple):
    """What any process of the team was asked for since the last step, the same in all of them."""

    end: int = 0  # the signal's number
    save: int = 0

    @property
    def name(self) -> str:
        return signal.Signals(self.end).name


class Signals:
    """Notes signals while its block lasts. The first Ctrl-C is answered at once, the second one ends at once."""

    def __init__(self, answer: Callable[[str], object]):
        self.answer = answer
        self._end = self._save = 0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        if threading.current_thread() is threading.main_thread():  # elsewhere Python hears none
            heard = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]  # as behind nohup
            self._previous = {number: signal.signal(number, self._note) for number in (*heard, SAVING)}
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == SAVING:
            self._save = number
        elif self._end and number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            self._end = self._end or number
            if number == signal.SIGINT and FAULTS not in os.environ:  # else the launcher answers
                self.answer(ANSWER)

    def asked(self, team: Team) -> Asked:
        """Called by all processes of a team after the same step. Once one is to end, all are: none is asked again."""
        asked = Asked(*team.largest([self._end, self._save]))
        if asked.end:
            team.ending.set()
        self._save = 0
        return asked
