"""Learning from observations: each image has one mask in the whole training, and what it hides is never looked at."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.randomness import derive_seed
from inpaint_cli.engine.splits import Split
from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.masks import MaskProcess, parse_masks
from inpaint_cli.masks.drawing import draw_for_images
from inpaint_cli.method import Method

LOOKED_AT = 64  # masks of the data, and as many of the process, that are compared
MOST_BYTES = 512 << 20  # of masks that are kept
STANDARD_ERRORS, LEAST = 4.0, 0.01  # by both of which their means have to differ before it is said


def own_process(split: Split, masks: MaskProcess) -> MaskProcess:
    """Where an image's own mask comes from: the file, where the masks' contents are gone from it, else `masks`."""
    return (parse_masks("stored") if split.observed else masks).of(split)


def own_masks(
    process: MaskProcess, shape: Sequence[int], rows: np.ndarray, seed: int, landmarks: Tensor | None = None
) -> Tensor:
    """The one mask of each image, a function of the seed and its row alone; on the CPU, [N, 1 or C, H, W].

    process: `own_process` of the split; landmarks: [N, 5, 2].
    """
    seeds = [derive_seed(seed, "own mask", row) for row in rows]
    return draw_for_images(process, shape, seeds, landmarks=landmarks, rows=rows.tolist())


class OwnMasks:
    """The masks of a split's images as `own_masks` draws them, kept at one bit a pixel once they are drawn.

    Masks of parts of faces, which follow landmarks, and those of too many images are drawn each time.
    """

    def __init__(self, process: MaskProcess, shape: Sequence[int], count: int, seed: int):
        self.process, self.shape, self.seed = process, shape, seed
        channels, height, width = shape
        self.size = (channels if process.per_channel else 1, height, width)
        length = -(-math.prod(self.size) // 8)
        kept = 0 if "face" in process.kinds or count * length > MOST_BYTES else count
        self.bits = np.empty((kept, length), np.uint8)  # what is not written to takes no memory
        self.known = np.zeros(kept, bool)

    def of(self, rows: np.ndarray, landmarks: Tensor | None = None) -> Tensor:
        """On the CPU, [N, 1 or C, H, W]; landmarks: [N, 5, 2]."""
        if not len(self.known):
            return own_masks(self.process, self.shape, rows, self.seed, landmarks)
        new = np.unique(rows[~self.known[rows]])
        if len(new):
            drawn = own_masks(self.process, self.shape, new, self.seed).flatten(1).numpy() > 0
            self.bits[new], self.known[new] = np.packbits(drawn, axis=1), True
        values = np.unpackbits(self.bits[rows], axis=1, count=math.prod(self.size))
        return torch.from_numpy(values).float().view(len(rows), *self.size)


def other_rows(rows: np.ndarray, count: int, generator: torch.Generator) -> np.ndarray:
    """For each row another of the `count`, drawn uniformly: whose mask is a fresh one where no process is known."""
    share = torch.rand(len(rows), generator=generator, device=generator.device, dtype=torch.float64).cpu().numpy()
    return (rows + 1 + (share * max(count - 1, 1)).astype(int)) % count


class Statistics(NamedTuple):
    """What is known of masks: of all pixels, and of the right neighbours of known ones. Shares by image, [N]."""

    known: Tensor
    neighbours: Tensor

    @classmethod
    def of(cls, masks: Tensor) -> "Statistics":
        known = masks.amin(dim=1) > 0
        both = (known[..., 1:] & known[..., :-1]).flatten(1).sum(1)
        first = known[..., :-1].flatten(1).sum(1).clamp(min=1)
        return cls(known.flatten(1).double().mean(1), both / first)

    def differs(self, other: "Statistics") -> bool:
        """Whether chance alone hardly explains the difference of the means."""
        for own, others in zip(self, other, strict=True):
            error = (own.var() / len(own) + others.var() / len(others)).sqrt()
            if (own.mean() - others.mean()).abs() > max(STANDARD_ERRORS * error, torch.tensor(LEAST)):
                return True
        return False

    def __str__(self) -> str:
        return f"{self.known.mean():.1%} of the pixels and {self.neighbours.mean():.1%} of known ones' neighbours"


def refuse_peeking(name: str, method: Method, plan: Plan) -> None:
    """`UsageError` for whatever would show a method that learns from observations more than was observed."""
    if not method.learns_from_observations:
        return
    if method.augmentation:
        kinds = ", ".join(type(change).__name__ for change in method.augmentation)
        raise UsageError(f"{name} learns from observations alone: augmentation ({kinds}) would move what is hidden")
    if plan.validate_every:
        raise UsageError(f"{name} learns from observations alone: --validate-every compares with complete images")


def check_observations(name: str, method: Method, split: Split, masks: MaskProcess, plan: Plan) -> list[str]:
    """Refuse observations that nothing can be learned from; returns what the user should know of their masks."""
    if not method.masked_once:
        return []
    rows = np.unique(np.linspace(0, len(split) - 1, LOOKED_AT).astype(int))
    points = split.labels.get("landmarks")
    landmarks = None if points is None else torch.from_numpy(np.array(points[rows]))
    own = own_masks(own_process(split, masks), method.shape, rows, plan.seed, landmarks)
    if own.all():
        raise InputError(f"{name}: nothing is missing of any of these images ({masks.spec}), and nothing to be learned")
    if not method.learns_from_observations:
        return []
    if not masks.varies or (len(rows) > 1 and bool((own == own[:1]).all())):
        raise UsageError(
            f"{name} learns from observations alone, and {masks.spec} hides the same pixels of every image: what "
            "lies there is never observed. Give masks that vary: noise:0.9, patches:90,5, block:16, …"
        )
    return _compared(own, split, masks, method.shape, rows, plan.seed)


def _compared(
    own: Tensor, split: Split, masks: MaskProcess, shape: Sequence[int], rows: np.ndarray, seed: int
) -> list[str]:
    """A note where the process of fresh masks is not that of the data's."""
    seeds = [derive_seed(seed, "fresh masks to compare", row) for row in rows]
    fresh = draw_for_images(masks.of(split), shape, seeds, rows=rows.tolist())
    data, process = Statistics.of(own), Statistics.of(fresh)
    if len(rows) < 2 or not data.differs(process):
        return []
    return [
        f"the data's masks know {data}; those of {masks.spec} {process}. Fresh masks are drawn from {masks.spec}, "
        "which --masks gives and which is to be what hid the data's pixels; stored takes other images' masks"
    ]
