"""What completion needs of a trained method: which networks, and in how few bits they answer alike."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from inpaint_cli.engine.checkpoints import load_weights
from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.evaluating import complete_rows, observe
from inpaint_cli.engine.splits import Split
from inpaint_cli.masks import MaskProcess
from inpaint_cli.method import Method

TOGETHER = 8  # images that are answered before progress is told: a search takes minutes
KINDS = {"float16": torch.float16, "bfloat16": torch.bfloat16}  # in the order in which they are tried
EXACT = "float32"

# ---- which networks --------------------------------------------------------------------------------------------------


def keep_what_completes(method: Method) -> Method:
    """Let go of the networks that training alone needs. A method that names none completes with all of them."""
    kept = {*method.completes_with, *method.consults}
    for name in [name for name, _ in method.named_children()] if kept else ():
        if name not in kept:
            delattr(method, name)
    method.players.clear()
    return method


# ---- in how few bits -------------------------------------------------------------------------------------------------


class Change(NamedTuple):
    """How far answers are apart, and how far they may be."""

    between: Callable[[np.ndarray, np.ndarray], float]
    limit: float
    unit: str


def mean_difference(before: np.ndarray, after: np.ndarray) -> float:
    """Of uint8 values, in grey levels; not a number where there are none."""
    return float(np.abs(before.astype(np.int16) - after).mean()) if before.size else math.nan


def share_changed(before: np.ndarray, after: np.ndarray) -> float:
    """The share of labels that are others."""
    return float((before != after).mean())


def mean_distance(before: np.ndarray, after: np.ndarray) -> float:
    """Of points [..., 2], in pixels."""
    return float(np.linalg.norm(before - after, axis=-1).mean())


def mean_change(before: np.ndarray, after: np.ndarray) -> float:
    """Of probabilities, where there are any."""
    return float(np.nanmean(np.abs(before - after)))


CHANGES = {  # by what a method answers
    "attributes": Change(mean_change, 0.001, "of certainty"),
    "labels": Change(share_changed, 0.001, "of the classes"),
    "completion": Change(mean_difference, 0.5, "grey levels"),
    "parsing": Change(share_changed, 0.001, "of the labels"),
    "landmarks": Change(mean_distance, 0.1, "pixels"),
}


@dataclass(frozen=True)
class Trial:
    """What rounded weights are tried on: the first images of a split, each behind a mask of its own."""

    split: Split
    images: int
    masks: MaskProcess
    hardware: Hardware
    seed: int

    def answers(self, method: Method, advance: Callable[[int], object]) -> dict[str, np.ndarray]:
        """The missing values as completed, uint8 [N], and what else the method says of the images, by name.

        advance: called with how many images are done.
        """
        parts: list[dict[str, np.ndarray]] = []
        for start in range(0, self.images, TOGETHER):
            indices = range(start, min(start + TOGETHER, self.images))
            parts.append(self._answers(method, indices))
            advance(indices.stop)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _answers(self, method: Method, indices: range) -> dict[str, np.ndarray]:
        original = np.array(self.split.images[indices.start : indices.stop])
        observed, mask = observe(self.split, original, indices, self.masks, self.hardware, self.seed)
        found = {}
        if method.annotates:
            with torch.no_grad(), self.hardware.autocast():
                found = {name: said.cpu().numpy() for name, said in method.annotate(observed, mask).items()}
        if method.completes:
            completed, _ = complete_rows(method, self.split, original, indices, self.masks, self.hardware, self.seed)
            missing = mask.permute(0, 2, 3, 1).cpu().numpy() == 0
            found["completion"] = completed[np.broadcast_to(missing, completed.shape)]
        return found


@dataclass(frozen=True)
class Rounded:
    """Weights in as few bits as change the answers less than `CHANGES` allows, and what each kind that was tried
    changed: None where that is no number, since a weight is too large for the kind, or since nothing was missing."""

    kind: str
    weights: dict[str, Tensor]
    changes: dict[str, dict[str, float | None]]


def rounded(
    method: Method, weights: Mapping[str, Tensor], trial: Trial, advance: Callable[[int, int], object]
) -> Rounded:
    """The method's weights, float32 by name, with those of two and more dimensions rounded as far as may be."""
    changes: dict[str, dict[str, float | None]] = {}
    total = trial.images * (1 + len(KINDS))
    exact = trial.answers(method, lambda done: advance(done, total))
    for passed, (kind, dtype) in enumerate(KINDS.items(), start=1):
        tried = {name: in_fewer_bits(weight, dtype) for name, weight in weights.items()}
        within = partial(_advance_within, advance, passed * trial.images, total)
        found = _changes(method, tried, exact, trial, within)
        changes[kind] = {answer: significant(change) for answer, change in found.items()}
        if all(change < CHANGES[answer].limit for answer, change in found.items()):
            return Rounded(kind, tried, changes)
    return Rounded(EXACT, dict(weights), changes)


def _advance_within(advance: Callable[[int, int], object], before: int, total: int, done: int) -> None:
    advance(before + done, total)


def in_fewer_bits(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """Statistics, biases and counters, which are small and may be large numbers, stay as they are."""
    return weight.to(dtype) if weight.is_floating_point() and weight.dim() >= 2 else weight


def _changes(
    method: Method,
    weights: Mapping[str, Tensor],
    exact: Mapping[str, np.ndarray],
    trial: Trial,
    advance: Callable[[int], object],
) -> dict[str, float]:
    if not all(bool(weight.isfinite().all()) for weight in weights.values()):
        return dict.fromkeys(exact, math.nan)
    load_weights(method, weights, "rounded weights")
    after = trial.answers(method, advance)
    return {answer: CHANGES[answer].between(before, after[answer]) for answer, before in exact.items()}


def significant(change: float) -> float | None:
    """Three digits: what lies behind them is another on another machine."""
    return float(f"{change:.3g}") if math.isfinite(change) else None
