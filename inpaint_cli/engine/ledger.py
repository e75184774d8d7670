"""What each turn did, on its way from the device to the log."""

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from inpaint_cli.errors import DivergedError

if TYPE_CHECKING:
    from inpaint_cli.engine.training import Learner


class Update(NamedTuple):
    """What one turn did."""

    player: str
    terms: dict[str, Tensor]  # the mean of each loss term
    norm: Tensor  # of the gradients


class Ledger:
    """Loss values on their way from device to log, fetched together so that a GPU does not wait for Python."""

    def __init__(self, learner: "Learner"):
        self.learner = learner
        self.interval = 1 if learner.hardware.device.type == "cpu" else 20
        self._pending: list[tuple[int, list[Update]]] = []

    def note(self, updates: list[Update]) -> None:
        self._pending.append((self.learner.step, updates))

    @property
    def due(self) -> bool:
        plan = self.learner.plan
        moments = (self.interval, plan.checkpoint_every, plan.sample_every, plan.validate_every, plan.steps)
        return any(self.learner.step % moment == 0 for moment in moments if moment)

    def settle(self) -> list[dict[str, float]]:
        """Rows {step, term: mean over the team} since the last call.

        Raises `DivergedError` at the first loss or gradient that is not finite: no checkpoint has what comes of it.
        """
        pending, self._pending = self._pending, []
        values = [value for _, updates in pending for u in updates for value in (*u.terms.values(), u.norm.detach())]
        together = torch.stack(values).double()
        self.learner.team.average([together])
        numbers, rows = iter(together.tolist()), []
        for step, updates in pending:
            row: dict[str, float] = {"step": step}
            for update in updates:
                terms = {name: next(numbers) for name in update.terms}
                _refuse_infinite("the loss '{}' is", terms, step)
                norm = {update.player: next(numbers)}
                _refuse_infinite("the gradients of the player '{}' have the norm", norm, step)
                row |= terms
            rows.append(row)
        return rows


def _refuse_infinite(what: str, values: dict[str, float], step: int) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise DivergedError(f"{what.format(name)} {value} at step {step}")
