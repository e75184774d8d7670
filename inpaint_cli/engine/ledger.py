"""What each turn did, on its way from the device to the log."""

import math
from collections.abc import Iterable
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

        Raises `DivergedError` at the first step whose losses or gradients are not finite: no checkpoint has them.
        """
        rows = [(step, _terms(updates), _norms(updates)) for step, updates in self._pending]
        self._pending.clear()
        values = torch.stack([value for _, *both in rows for named in both for value in named.values()]).double()
        self.learner.team.average([values])
        numbers = iter(values.tolist())
        settled = []
        for step, terms, norms in rows:
            row = {name: next(numbers) for name in terms}
            _refuse_infinite("the loss '{}' is", row, step)
            _refuse_infinite("the gradients of the player '{}' have the norm", {n: next(numbers) for n in norms}, step)
            settled.append({"step": step, **row})
        return settled


def _terms(updates: Iterable[Update]) -> dict[str, Tensor]:
    return {name: value for update in updates for name, value in update.terms.items()}


def _norms(updates: Iterable[Update]) -> dict[str, Tensor]:
    """By player; where it took several turns, the sum, which is not finite where one of them is not."""
    norms: dict[str, Tensor] = {}
    for update in updates:
        norms[update.player] = norms.get(update.player, 0.0) + update.norm.detach()
    return norms


def _refuse_infinite(what: str, values: dict[str, float], step: int) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise DivergedError(f"{what.format(name)} {value} at step {step}")
