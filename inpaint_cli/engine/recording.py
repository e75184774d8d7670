"""What a run leaves behind while it trains: metrics, checkpoints, sample grids, curves."""

import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from inpaint_cli.engine.exhibits import Preview, Validation
from inpaint_cli.engine.pacing import Pace
from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.engine.splits import Split
from inpaint_cli.engine.training import Learner
from inpaint_cli.records.runs import Row, is_fact
from inpaint_cli.reports.curves import draw_curves

Advance = Callable[[int, int, Mapping[str, float]], object]  # steps done, steps in all, figures of the last of them


class Log(Protocol):
    """Where else the rows of metrics.jsonl go."""

    def begin(self, rows: Sequence[Mapping[str, float]], step: int) -> None:
        """rows: what the run has recorded so far, up to `step`."""

    def write(self, rows: Iterable[Mapping[str, float]]) -> None:
        """What follows."""

    def flush(self) -> None:
        """A checkpoint is being written, behind which nothing may be missing."""


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
        logs: Sequence[Log] = (),
    ):
        self.run, self.learner, self.header, self.advance = run, learner, header, advance
        self._note, self.logs = note, logs
        self.preview = Preview(learner, split)
        self.validation = Validation(learner, split) if learner.plan.validate_every else None
        self.columns: dict[str, array[float]] = {}  # of the metrics: 8 bytes a value, since runs are long
        before = run.read_metrics().rows
        self._remember(before)
        self.pace = Pace(learner, before)
        if not run.replaces:
            self._begin_logs(before, learner.step)

    def _begin_logs(self, rows: Sequence[Row], step: int) -> None:
        for log in self.logs:
            log.begin(rows, step)

    def begun(self) -> None:
        if self.run.replaces:
            self.run.replace(writes=self.learner.team.leads)
            self._begin_logs([], 0)

    def settled(self, rows: list[Row]) -> None:
        learner, terms = self.learner, {name: value for name, value in rows[-1].items() if name != "step"}
        self._remember(rows)
        if learner.team.leads:
            rows[-1] |= self.pace.facts()
            self.run.append_metrics(rows)
            for log in self.logs:
                log.write(rows)
        self.advance(learner.step, learner.plan.steps, {"images_per_second": self.pace.images_per_second, **terms})

    def _remember(self, rows: list[Row]) -> None:
        """What is learned. A term that is not in every row, such as that of a later stage, has gaps."""
        for row in rows:
            done = len(self.columns.get("step", ()))
            for name in filter(lambda name: not is_fact(name), {**self.columns, **row}):
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
            for log in self.logs:
                log.flush()
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
