"""What a run leaves behind while it trains: metrics, checkpoints, sample grids, curves."""

import math
import time
from array import array
from collections.abc import Callable, Mapping
from typing import Any

import torch
from PIL import Image

from inpaint_cli.engine.feeding import spread, to_signed, to_uint8
from inpaint_cli.engine.randomness import derive_seed, seed_default_generators
from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.engine.splits import Split
from inpaint_cli.engine.training import Learner
from inpaint_cli.errors import UsageError
from inpaint_cli.masks import draw_for_images
from inpaint_cli.reports.curves import draw_curves
from inpaint_cli.reports.grids import grid
from inpaint_cli.reports.palette import coloured

PREVIEWS = 8  # images in a sample grid
VALIDATED = 256  # images that early stopping looks at
TOGETHER = 32  # of them are completed at once


Advance = Callable[[int, int, Mapping[str, float]], object]  # steps done, steps in all, figures of the last of them


class Recorder:
    """The observer that `fit` reports to. Only the leading process writes.

    advance: called whenever losses are known, with their terms and `images_per_second`.
    """

    def __init__(self, run: RunDirectory, learner: Learner, header: Mapping[str, Any], split: Split, advance: Advance):
        self.run, self.learner, self.header, self.advance = run, learner, header, advance
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


class Exhibits:
    """The same few images and masks through the whole run."""

    def __init__(self, learner: Learner, split: Split, most: int):
        self.learner, method = learner, learner.method
        device, indices = learner.hardware.device, spread(len(split), most)
        self.image = to_signed(torch.from_numpy(split.images[indices]).to(device))
        seeds = [derive_seed(learner.plan.seed, "preview", index) for index in indices]
        points = split.labels.get("landmarks")
        landmarks = None if points is None else torch.from_numpy(points[indices])
        assert method.masks is not None  # it trains
        self.mask = draw_for_images(
            method.masks.of(split), method.shape, seeds, device=device, landmarks=landmarks, rows=indices.tolist()
        )
        self.observed = torch.where(self.mask > 0, self.image, 0.0)


class Validation(Exhibits):
    """The error of completions, for early stopping."""

    def __init__(self, learner: Learner, split: Split):
        if not learner.method.completes:
            raise UsageError("--validate-every measures completed images, and this method completes none")
        super().__init__(learner, split, VALIDATED)

    def error(self) -> float:
        """Mean squared error of the hole's pixels in [-1, 1], over up to `VALIDATED` images."""
        squares = missing = 0.0
        seed_default_generators(self.learner.plan.seed, "validation")
        with self.learner.completing() as method, self.learner.hardware.autocast():
            for image, observed, mask in zip(
                *(part.split(TOGETHER) for part in (self.image, self.observed, self.mask)), strict=True
            ):
                hole = (1 - mask).expand_as(image)
                squares += ((method.complete(observed, mask)[:, 0].float() - image).square() * hole).sum().item()
                missing += hole.sum().item()
        return squares / max(missing, 1.0)


class Preview(Exhibits):
    """A sample grid."""

    def __init__(self, learner: Learner, split: Split):
        super().__init__(learner, split, PREVIEWS)

    def draw(self) -> Image.Image:
        rows = {"original": to_uint8(self.image), "observed": to_uint8(self.observed)}
        with self.learner.completing() as method, self.learner.hardware.autocast():
            if method.completes:
                rows |= {name: to_uint8(images) for name, images in method.preview(self.observed, self.mask).items()}
            if "parsing" in method.annotates:
                rows["parsing"] = coloured(method.annotate(self.observed, self.mask)["parsing"].cpu().numpy())
        return grid([list(row) for row in rows.values()], labels_left=[*rows], title=f"step {self.learner.step}")
