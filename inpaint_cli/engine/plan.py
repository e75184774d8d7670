"""How a run trains, beside method, data and masks."""

from dataclasses import dataclass

from inpaint_cli.records.runs import KEEP


@dataclass(frozen=True)
class Plan:
    """The numbers of the loop; `batch` counts images over all processes and accumulated parts."""

    steps: int
    batch: int
    accumulate: int = 1
    seed: int = 0
    checkpoint_every: int = 1000
    sample_every: int = 500
    validate_every: int = 0  # 0 = never
    patience: int = 0  # validations without a better one after which training ends; 0 = it goes on to the last step
    clip_gradients: float | None = None  # the largest norm of a player's gradients; None = as they are
    sync_batchnorm: bool = False  # statistics over all processes; false: each process normalises its share
    compile: bool = False  # networks run as torch.compile makes them
    keep: int = KEEP  # checkpoints that stay: the newest ones
    keep_every: int = 0  # and those of every so many steps; 0 = no others
