"""What a run leaves behind while it trains: metrics, checkpoints, sample grids, curves."""

import math
import time
from array import array
from collections.abc import Callable, Mapping
from typing import Any

from inpaint_cli.engine.exhibits import Preview, Validation
from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.engine.splits import Split
from inpaint_cli.engine.training import Learner
from inpaint_cli.reports.curves import draw_curves

Advance = Callable[[int, int, Mapping[str, float]], object]  # steps done, steps in all, figures of the last of them


class Recorder:
    """The observer that `fit` reports to. Only the leading process writes.

    advance: called whenever losses are known, with their terms and `images_per_second`; note: with what the user should
    know.
    """

    def __init__(
        self,
        run: RunDirectory,
        learner: Learner,
        header: Mapping[str, Any],
        split: Split,
        advance: Advance,
        note: Callable[[str], object],
    ):
        self.run, self.learner, self.header, self.advance = run, learner, header, advance
        self._note = note
        self.preview = Preview(learner, split)
        self.validation = Validation(learner, split) if learner.plan.validate_every else None
        self.columns: dict[str, array[float]] = {}  # of the metrics: 8 bytes a value, since runs are long
        self._remember(run.read_metrics().rows)
        self.began, self.first_step = time.monotonic(), learner.step

    def settled(self, rows: list[dict[str, float]]) -> None:
        if self.learner.team.leads:
            self.run.append_metrics(rows)
        self._remember(rows)
        terms = {name: value for name, value in rows[-1].items() if name != "step"}
        self.advance(self.learner.step, self.learner.plan.steps, {"images_per_second": self.images_per_second, **terms})

    @property
    def images_per_second(self) -> float:
        """Since this process began."""
        steps = self.learner.step - self.first_step
        return steps * self.learner.plan.batch / max(time.monotonic() - self.began, 1e-9)

    def _remember(self, rows: list[dict[str, float]]) -> None:
        """A term that is not in every row, such as that of a later stage, has gaps."""
        for row in rows:
            done = len(self.columns.get("step", ()))
            for name in {**self.columns, **row}:
                column = self.columns.setdefault(name, array("d", [math.nan] * done))
                column.append(row.get(name, math.nan))

    def note(self, text: str) -> None:
        if self.learner.team.leads:
            self._note(text)

    def save(self) -> None:
        self.learner.check_finite()
        if self.learner.team.leads:
            step = self.learner.step
            plan = self.learner.plan
            header = {**self.header, "step": step}
            self.run.write_checkpoint(step, self.learner.tensors(), header, plan.keep, plan.keep_every)
            draw_curves(self.columns, self.run.curves, f"{self.header['method']}, {self.header['masks']}")

    def validate(self) -> float:
        """The error on images that training does not see, the same in every process; the best weights are kept."""
        assert self.validation is not None  # the plan asked for it
        error = self.learner.team.gather(self.validation.error() if self.learner.team.leads else math.nan)[0]
        if self.learner.team.leads and error < min(self._validated, default=math.inf):
            self.learner.check_finite()
            step = self.learner.step
            self.run.write_best(self.learner.tensors(), {**self.header, "step": step})
        return error

    @property
    def _validated(self) -> list[float]:
        """Every validation so far."""
        return [value for value in self.columns.get("validation", ()) if math.isfinite(value)]

    @property
    def finished(self) -> bool:
        """Whether the last `patience` validations brought nothing better than those before them."""
        patience, errors = self.learner.plan.patience, self._validated
        return 0 < patience < len(errors) and min(errors[-patience:]) >= min(errors[:-patience])

    def sample(self) -> None:
        if self.learner.team.leads:
            with self.run.write_grid(self.learner.step) as temporary:
                self.preview.draw().save(temporary)
