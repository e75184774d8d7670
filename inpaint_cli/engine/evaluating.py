"""Completed images of a prepared split -> the rows of their metrics.

Images are completed and measured in groups of `GROUP` neighbours that begin at multiples of it. What a group gives is a
function of (seed, the group's place) alone: random draws are seeded by it, and convolutions, which round differently at
other batch sizes, always see the same neighbours. So neither `batch` nor the number of processes changes a digit, as
long as each process computes with as many threads (OMP_NUM_THREADS): CPU libraries sum in another order with another
number. A `limit` that cuts a group short changes that group's random draws, and with them a random method's figures.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inpaint_cli.blending.blends import gradient_inside, poisson_blend
from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.feeding import spread, to_signed, to_uint8
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.randomness import derive_seed, generator_for, seed_default_generators
from inpaint_cli.engine.splits import Split
from inpaint_cli.errors import InputError
from inpaint_cli.masks import MaskProcess, draw_for_images
from inpaint_cli.method import Method
from inpaint_cli.metrics import COLUMNS, Completions, Metric, joined, measure
from inpaint_cli.metrics.pixels import mean_squared_errors

GROUP = 32  # images completed together
COMPOSE = {
    "known": "known pixels as they were",
    "poisson": "known pixels as they were, Poisson editing at the rim",
    "output": "known pixels as the method paints them",
}
EXTREMES = 4  # hardest and easiest images kept of each system, for the grid


@dataclass(frozen=True)
class Protocol:
    """What is measured, and how, beside method, masks and images."""

    chosen: tuple[Metric, ...]
    images: int  # the first of the split
    seed: int = 0
    samples: int = 1  # completions of each image
    compose: str = "known"  # what is measured: a key of `COMPOSE`
    batch: int = GROUP  # images that a process has in hand at once
    show: int | None = None  # images of the grid, evenly spread; None: the hardest and the easiest
    networks: Mapping[str, Any] = field(
        default_factory=dict
    )  # that metrics look through, by the names of their weights


@dataclass(frozen=True)
class Example:
    """One image of the grid, uint8 [H, W, C] each."""

    index: int
    error: float  # mean squared, of the hole, 0-255
    original: np.ndarray
    observed: np.ndarray
    completed: np.ndarray | None  # None: the method only annotates
    predicted: Mapping[str, np.ndarray] = field(default_factory=dict)  # what it annotated, where that was measured


@dataclass(frozen=True)
class Evaluated:
    """Rows of all images in their order, the same in every process."""

    rows: dict[str, np.ndarray]
    examples: list[Example]  # from the hardest to the easiest, or in their order


def images_of(split: Split, limit: int | None) -> int:
    """How many images are evaluated; `InputError` when there are none."""
    count = min(len(split), limit or len(split))
    if not count:
        raise InputError(f"the split '{split.name}' has no images to evaluate on")
    return count


def evaluate(
    method: Method,
    split: Split,
    masks: MaskProcess,
    hardware: Hardware,
    protocol: Protocol,
    team: Team | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Evaluated:
    """Every chosen metric's rows.

    An image's mask is a function of (seed, its index) alone, so that methods are compared on the same holes. masks: the
    process for this split, where masks belong to images.
    """
    team = team or Team()
    method.eval()
    rows: dict[int, dict[str, np.ndarray]] = {}
    examples: list[Example] = []
    for number, indices in _own_blocks(protocol, team):
        for group in groups_of(indices):
            completions = complete_group(method, split, group, masks, hardware, protocol)
            rows[group.start] = rows_of(completions, protocol)
            examples = chosen([*examples, *_examples(completions, group, method.completes)], protocol)
        progress(min((number + 1) * team.size * max(protocol.batch, GROUP), protocol.images))
    gathered = team.gather((rows, examples))
    merged = {start: part for own, _ in gathered for start, part in own.items()}
    together = chosen([example for _, own in gathered for example in own], protocol)
    return Evaluated(joined([merged[start] for start in sorted(merged)]), together)


def _own_blocks(protocol: Protocol, team: Team) -> Iterator[tuple[int, range]]:
    """This process's row ranges, each of whole groups and about `batch` images."""
    size = max(1, protocol.batch // GROUP) * GROUP
    starts = range(team.rank * size, protocol.images, team.size * size)
    return enumerate(range(start, min(start + size, protocol.images)) for start in starts)


def groups_of(indices: range) -> Iterator[range]:
    """A range of rows, cut at the multiples of `GROUP`."""
    start = indices.start
    while start < indices.stop:
        stop = min((start // GROUP + 1) * GROUP, indices.stop)
        yield range(start, stop)
        start = stop


def complete_group(
    method: Method, split: Split, indices: range, masks: MaskProcess, hardware: Hardware, protocol: Protocol
) -> Completions:
    """Complete one group; what its metrics may look at."""
    original = np.array(split.images[indices.start : indices.stop])
    observed, mask = observe(split, original, indices, masks, hardware, protocol.seed)
    samples = _complete(method, observed, mask, hardware, protocol, indices) if method.completes else original[:, None]
    names = {name for metric in protocol.chosen for name in metric.labels}
    with torch.no_grad(), hardware.autocast():
        predicted = method.annotate(observed, mask) if names & {*method.annotates} else {}
    return Completions(
        original=original,
        completed=np.ascontiguousarray(samples[:, 0]),
        hole=np.broadcast_to(mask.permute(0, 2, 3, 1).cpu().numpy() == 0, original.shape),
        samples=samples if protocol.samples > 1 else None,
        labels={name: np.array(split.labels[name][indices.start : indices.stop]) for name in names & {*split.labels}},
        predicted={name: tensor.float().cpu().numpy() for name, tensor in predicted.items()},
        networks=protocol.networks,
    )


def _complete(
    method: Method, observed: Tensor, mask: Tensor, hardware: Hardware, protocol: Protocol, indices: range
) -> np.ndarray:
    """One group's completions, uint8 [B, samples, H, W, C]; every random draw is a function of (seed, its place)."""
    whole = method.paints_whole and {"known": False, "poisson": method.learns_rim, "output": True}[protocol.compose]
    seed_default_generators(protocol.seed, "evaluate", indices.start)
    generator = generator_for(hardware.device, protocol.seed, "evaluate", indices.start)
    options = {"whole": True} if whole else {}
    with torch.no_grad(), hardware.autocast():
        completed = method.complete(observed, mask, samples=protocol.samples, generator=generator, **options)
    if protocol.compose == "poisson":
        completed = torch.stack([_blended(sample.float(), observed, mask, whole) for sample in completed.unbind(1)], 1)
    return to_uint8(completed)


def _blended(completed: Tensor, observed: Tensor, mask: Tensor, whole: bool) -> Tensor:
    """Poisson editing; where the method says nothing about known pixels, no gradient across the rim is followed."""
    return poisson_blend(completed, observed, mask, None if whole else gradient_inside(completed, mask))


def observe(
    split: Split, original: np.ndarray, indices: range, masks: MaskProcess, hardware: Hardware, seed: int
) -> tuple[Tensor, Tensor]:
    """uint8 [B, H, W, C] -> what is known of them, float [B, C, H, W], and each image's own mask, [B, 1 or C, H, W].

    masks: the process for this split (`MaskProcess.of`), where masks belong to images.
    """
    image = to_signed(torch.from_numpy(original).to(hardware.device))
    points = split.labels.get("landmarks")
    landmarks = None if points is None else torch.from_numpy(np.array(points[indices.start : indices.stop]))
    seeds = [derive_seed(seed, "evaluate", index) for index in indices]
    mask = draw_for_images(
        masks, tuple(image.shape[1:]), seeds, device=hardware.device, landmarks=landmarks, rows=indices
    )
    return torch.where(mask > 0, image, 0.0), mask


def complete_rows(
    method: Method,
    split: Split,
    original: np.ndarray,
    indices: range,
    masks: MaskProcess,
    hardware: Hardware,
    seed: int,
) -> tuple[np.ndarray, Tensor]:
    """Complete uint8 [B, H, W, C] behind each image's own mask -> uint8 [B, H, W, C] and masks [B, 1 or C, H, W]."""
    completed, drawn = [], []
    for group in groups_of(indices):
        own = original[group.start - indices.start : group.stop - indices.start]
        observed, mask = observe(split, own, group, masks, hardware, seed)
        completed.append(_complete(method, observed, mask, hardware, Protocol((), len(own), seed), group)[:, 0])
        drawn.append(mask)
    return np.concatenate(completed), torch.cat(drawn)


def describe_originals(
    metric: Metric, split: Split, images: int, networks: Mapping[str, Any], team: Team
) -> dict[str, np.ndarray]:
    """One metric's rows of the original images themselves: what completed ones are to be like."""
    own = {}
    for group in list(groups_of(range(images)))[team.rank :: team.size]:
        original = np.array(split.images[group.start : group.stop])
        hole = np.zeros(original.shape, dtype=bool)
        own[group.start] = measure(Completions(original, original, hole, networks=networks), (metric,))
    merged = {start: rows for part in team.gather(own) for start, rows in part.items()}
    return joined([merged[start] for start in sorted(merged)])


# ---- several samples -------------------------------------------------------------------------------------------------


def rows_of(completions: Completions, protocol: Protocol) -> dict[str, np.ndarray]:
    """A group's rows. Of several samples: means of what is measured image by image, and beside each column the best of
    them (`psnr_best`); diversity sees all of them, and features of whole sets are those of the first."""
    if completions.samples is None:
        return measure(completions, protocol.chosen)
    averaged = tuple(metric for metric in protocol.chosen if metric.averages and metric.samples == 1)
    others = tuple(metric for metric in protocol.chosen if metric not in averaged)
    by_sample = [
        measure(replace(completions, completed=np.ascontiguousarray(sample), shared={}), averaged)
        for sample in completions.samples.swapaxes(0, 1)
    ]
    stacked = {name: np.stack([rows[name] for rows in by_sample]) for name in by_sample[0]}
    return {
        **measure(completions, others),
        **{name: rows.mean(axis=0) for name, rows in stacked.items()},
        **best(stacked),
    }


def best(stacked: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each image's best sample by each column: [S, N] -> [N]."""
    choose = {"higher": np.max, "lower": np.min}
    return {
        f"{name}_best": choose[COLUMNS[name].better](rows, axis=0)
        for name, rows in stacked.items()
        if rows.ndim == 2 and name in COLUMNS and COLUMNS[name].better in choose
    }


# ---- images to look at -----------------------------------------------------------------------------------------------


def _examples(completions: Completions, indices: range, completes: bool) -> list[Example]:
    _, errors = mean_squared_errors(completions)
    observed = np.where(completions.missing, np.uint8(128), completions.original)
    return [
        Example(
            index,
            float(errors[row]),
            completions.original[row],
            observed[row],
            completions.completed[row] if completes else None,
            {name: values[row] for name, values in completions.predicted.items()},
        )
        for row, index in enumerate(indices)
    ]


def chosen(examples: list[Example], protocol: Protocol) -> list[Example]:
    """Those that the grid shows: evenly spread ones in their order, or from the hardest to the easiest."""
    if protocol.show:
        shown = {*spread(protocol.images, protocol.show).tolist()}
        return sorted((example for example in examples if example.index in shown), key=lambda example: example.index)
    measured = [example for example in examples if np.isfinite(example.error)]
    ordered = sorted(measured, key=lambda example: (-example.error, -example.index))
    return ordered if len(ordered) <= 2 * EXTREMES else [*ordered[:EXTREMES], *ordered[-EXTREMES:]]
