"""How a run trains, beside method, data and masks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The numbers of the loop; `batch` counts images over all processes and accumulated parts."""

    steps: int
    batch: int
    accumulate: int = 1
    seed: int = 0
    checkpoint_every: int = 1000
    sample_every: int = 500
