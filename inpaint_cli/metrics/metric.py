"""What a metric is: rows for each image of a batch, and what the joined rows of all images come to.

Rows are arrays whose first axis is the images. An image's rows depend on that image alone, so that rows computed in
batches of any size, by any number of processes, and joined in the order of the images' indices, are the same numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

HIGHER, LOWER, NEITHER = "higher", "lower", "neither"
Rows = Mapping[str, np.ndarray]
Shared = TypeVar("Shared")


@dataclass(frozen=True)
class Completions:
    """A batch of completed images, with everything that a metric may look at. The first axis is the images'.

    original, completed: uint8 [N, H, W, C]; hole: bool [N, H, W] or [N, H, W, C], true = missing; samples: uint8
    [N, S, H, W, C], several completions of each image; labels and predicted: what is true and what the method says, by
    name: `parsing` integer [N, H, W], `landmarks` float [N, P, 2] in pixels (x, y; NaN = unknown), `attributes` in
    {0, 1} [N, A] (predicted: any number, at least 0.5 = yes); networks: by the names in `Metric.networks`.
    """

    original: np.ndarray
    completed: np.ndarray
    hole: np.ndarray
    samples: np.ndarray | None = None
    labels: Mapping[str, np.ndarray] = field(default_factory=dict)
    predicted: Mapping[str, np.ndarray] = field(default_factory=dict)
    networks: Mapping[str, Any] = field(default_factory=dict)
    painted: np.ndarray | None = None  # whole pictures as their program made them, where known pixels were put back
    shared: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        original, completed = self.original, self.completed
        if not original.dtype == completed.dtype == np.uint8 or original.shape != completed.shape or original.ndim != 4:
            given = f"{original.dtype} {original.shape} and {completed.dtype} {completed.shape}"
            raise ValueError(f"two uint8 stacks of one shape [N, H, W, C] are compared, not {given}")
        if self.hole.dtype != bool or self.hole.shape not in (original.shape, original.shape[:3]):
            raise ValueError(
                f"the hole is bool {original.shape[:3]} or with channels, not {self.hole.dtype} {self.hole.shape}"
            )

    @property
    def missing(self) -> np.ndarray:
        """The hole for every value: bool [N, H, W, C]."""
        hole = self.hole if self.hole.ndim == 4 else self.hole[..., None]
        return np.broadcast_to(hole, self.original.shape)

    def once(self, name: str, compute: Callable[[], Shared]) -> Shared:
        """What two metrics share, such as an error image or a network's features: computed by whoever asks first."""
        if name not in self.shared:
            self.shared[name] = compute()
        return self.shared[name]


@dataclass(frozen=True)
class Column:
    """One number of a summary: what tables print, and how."""

    name: str
    unit: str = ""
    better: str = HIGHER
    decimals: int = 4


def _nothing(*arguments: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Metric:
    """One metric as data.

    rows(completions) gives arrays by name: float64 [N] for a column that every image has (NaN: not defined for this
    image; inf: identical images), [N, K] for values of which `derive` makes columns, or the features of a set metric.
    derive(means) gives columns from means over images; it also sees means of resampled images, [..., K] with more axes
    in front, so that derived columns have intervals. settle(rows, references) gives the columns of a set metric.
    count(rows) gives numbers of images that are left out, and why.
    """

    name: str  # as users choose it
    columns: tuple[Column, ...]
    definition: str
    rows: Callable[[Completions], dict[str, np.ndarray]]
    averages: tuple[str, ...] = ()  # the rows of which means over images are taken
    derive: Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]] = _nothing
    settle: Callable[[Rows, Mapping[str, Any]], dict[str, float]] = _nothing
    count: Callable[[Rows], dict[str, int]] = _nothing
    networks: tuple[str, ...] = ()  # names of weights
    labels: tuple[str, ...] = ()  # what both the data and the method must give
    samples: int = 1  # completions of each image; at least two where more than one is asked for
    images: int = 1  # fewer are refused
    enough: int = 1  # fewer are warned of
    smallest_side: int = 1  # in pixels
    alone: bool = False  # it measures completed images alone: none needs its original beside it
    reference: bool = False  # whether `settle` takes the statistics of the original images, by the metric's name


def obstacle(
    metric: Metric,
    *,
    images: int,
    side: int,
    samples: int = 1,
    labels: tuple[str, ...] = (),
    networks: tuple[str, ...] = (),
) -> str | None:
    """Why `metric` cannot be computed from this, as one clause with what to do about it; None when it can.

    side: the images' shorter side in pixels; labels: names that both the data and the method give; networks: loaded.
    """
    needed = [name for name in metric.networks if name not in networks]
    unknown = [name for name in metric.labels if name not in labels]
    if images < metric.images:
        return f"{metric.name} needs at least {metric.images} images; there are {images}"
    if side < metric.smallest_side:
        least = metric.smallest_side
        return f"{metric.name} needs images of at least {least}×{least} pixels; the shorter side has {side}"
    if samples < min(metric.samples, 2):
        return f"{metric.name} needs several completions of each image: --samples {metric.samples}"
    if unknown:
        return f"{metric.name} needs {' and '.join(unknown)} from both the data and the method"
    if needed:
        return f"{metric.name} needs the weights {' and '.join(needed)}: --weights {needed[0]}=FILE"
    return None


def warning(metric: Metric, images: int) -> str | None:
    """What readers of the metric must know of so few images; None when there are enough."""
    if images >= metric.enough:
        return None
    return (
        f"{metric.name} of {images:,} images is biased and is not to be compared with one of another number of images; "
        f"it takes {metric.enough:,} to be trusted"
    )
