"""What the engine asks of prepared images; the data's reader gives it, and so may anything else."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from inpaint_cli.columns import Column


class Split(Protocol):
    """Images and labels by their rows."""

    @property
    def name(self) -> str:
        """For messages: train, validation, test."""

    @property
    def images(self) -> Column:
        """uint8 [N, H, W, C]"""

    @property
    def labels(self) -> Mapping[str, Column]:
        """Landmarks, attributes, labels, parsing, as far as there are any: first axis N."""

    @property
    def names(self) -> Sequence[str]:
        """Source file names, row by row."""

    @property
    def masks(self) -> Column | None:
        """What is to be completed of each, where the data says: uint8 [N, H, W], white is the hole."""

    @property
    def observed(self) -> bool:
        """Whether what the masks hide is gone from the images."""

    def __len__(self) -> int:
        """N"""
