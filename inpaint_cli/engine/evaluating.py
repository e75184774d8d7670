"""Completed images of a prepared split -> the rows of their metrics.

Images are completed and measured in groups of `GROUP` neighbours that begin at multiples of it. What a group gives is a
function of (seed, the group's place) alone: random draws are seeded by it, and convolutions, which round differently at
other batch sizes, always see the same neighbours. So neither `batch` nor the number of processes changes a digit, as
long as each process computes with as many threads (OMP_NUM_THREADS): CPU libraries sum in another order with another
number. A `limit` that cuts a group short changes that group's random draws, and with them a random method's figures.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inpaint_cli.blending.blends import gradient_inside, poisson_blend
from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.feeding import to_signed, to_uint8
from inpaint_cli.engine.figures import GROUP, Described, Example, Protocol, chosen, examples_of, rows_of
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.randomness import derive_seed, generator_for, seed_default_generators
from inpaint_cli.engine.splits import Split
from inpaint_cli.errors import InputError
from inpaint_cli.masks import MaskProcess
from inpaint_cli.masks.drawing import draw_for_images
from inpaint_cli.method import Method
from inpaint_cli.metrics import Completions, Metric, joined, measure


@dataclass(frozen=True)
class Evaluated:
    """Rows of all images in their order, the same in every process."""

    rows: dict[str, np.ndarray]
    examples: list[Example]  # from the hardest to the easiest, or in their order
    places: np.ndarray  # of the images that could be read, int64 [N]
    unread: Mapping[int, str] = field(default_factory=dict)  # why others could not, by their places


Describe = Callable[[range], Iterable[Described | dict[int, str]]]  # the second: images that could not be read, and why


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
    method.eval()

    def describe(group: range) -> Iterable[Described]:
        yield Described(
            np.array(group), complete_group(method, split, group, masks, hardware, protocol), method.completes
        )

    return evaluate_groups(describe, protocol, team or Team(), progress)


def evaluate_groups(
    describe: Describe, protocol: Protocol, team: Team, progress: Callable[[int], None] = lambda done: None
) -> Evaluated:
    """Every chosen metric's rows of what `describe` gives for each group of neighbours."""
    found: dict[int, tuple[np.ndarray, dict[str, np.ndarray]]] = {}
    unread: dict[int, str] = {}
    examples: list[Example] = []
    for number, indices in _own_blocks(protocol, team):
        for described in (part for group in groups_of(indices) for part in describe(group)):
            if isinstance(described, dict):
                unread |= described
            elif len(described.places):
                found[int(described.places[0])] = (described.places, rows_of(described.completions, protocol))
                examples = chosen([*examples, *examples_of(described, protocol)], protocol)
        progress(min((number + 1) * team.size * max(protocol.batch, GROUP), protocol.images))
    return _gathered(team.gather((found, examples, unread)), protocol)


def _gathered(gathered: Iterable[tuple[Any, list[Example], dict[int, str]]], protocol: Protocol) -> Evaluated:
    """What all processes found, in the order of the images."""
    own = list(gathered)
    unread = {place: why for _, _, part in own for place, why in part.items()}
    merged = [part for found, _, _ in own for part in found.values()]
    if not merged:
        raise InputError(f"not one of {protocol.images:,} images can be read\n{next(iter(unread.values()))}")
    places = np.concatenate([places for places, _ in merged])
    order = np.argsort(places, kind="stable")
    rows = {name: values[order] for name, values in joined([rows for _, rows in merged]).items()}
    together = chosen([example for _, examples, _ in own for example in examples], protocol)
    return Evaluated(rows, together, places[order], dict(sorted(unread.items())))


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
        hole=np.broadcast_to(mask.permute(0, 2, 3, 1).cpu().numpy() == 0, original.shape).copy(),
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
        completed = torch.stack([blended(sample.float(), observed, mask, whole) for sample in completed.unbind(1)], 1)
    return to_uint8(completed)


def blended(completed: Tensor, observed: Tensor, mask: Tensor, whole: bool) -> Tensor:
    """Poisson editing; where the method says nothing about known pixels, no gradient across the rim is followed."""
    return poisson_blend(completed, observed, mask, None if whole else gradient_inside(completed, mask))


def observe(
    split: Split, original: np.ndarray, indices: range, masks: MaskProcess, hardware: Hardware, seed: int
) -> tuple[Tensor, Tensor]:
    """uint8 [B, H, W, C] -> what is known of them, float [B, C, H, W], and each image's own mask, [B, 1 or C, H, W].

    masks: the process for this split (`MaskProcess.of`), where masks belong to images.
    """
    image = to_signed(torch.from_numpy(original).to(hardware.device))
    mask = masks_of_rows(split, list(indices), masks, tuple(image.shape[1:]), hardware.device, seed)
    return torch.where(mask > 0, image, 0.0), mask


def masks_of_rows(
    split: Split, rows: Sequence[int], masks: MaskProcess, shape: Sequence[int], device: torch.device, seed: int
) -> Tensor:
    """The masks behind which the images of a split are evaluated, each its own: [B, 1 or C, H, W]."""
    points = split.labels.get("landmarks")
    landmarks = None if points is None else torch.from_numpy(np.array(points[list(rows)]))
    seeds = [derive_seed(seed, "evaluate", row) for row in rows]
    return draw_for_images(masks, shape, seeds, device=device, landmarks=landmarks, rows=rows)


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


Stacks = Callable[
    [range], Iterable[np.ndarray]
]  # images of some places, uint8 [N, H, W, C], those of one size together


def describe_originals(
    metric: Metric, stacks: Stacks, images: int, networks: Mapping[str, Any], team: Team
) -> dict[str, np.ndarray]:
    """One metric's rows of the original images themselves: what completed ones are to be like."""
    own = {}
    for group in list(groups_of(range(images)))[team.rank :: team.size]:
        for number, original in enumerate(stacks(group)):
            hole = np.zeros(original.shape, dtype=bool)
            own[group.start, number] = measure(Completions(original, original, hole, networks=networks), (metric,))
    merged = {place: rows for part in team.gather(own) for place, rows in part.items()}
    return joined([merged[place] for place in sorted(merged)])
