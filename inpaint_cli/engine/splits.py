"""What the engine asks of prepared images; the data's reader gives it, and so may anything else."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np


class Split(Protocol):
    """Images and labels by their rows."""

    @property
    def name(self) -> str:
        """For messages: train, validation, test."""

    @property
    def images(self) -> np.ndarray:
        """uint8 [N, H, W, C]"""

    @property
    def labels(self) -> Mapping[str, np.ndarray]:
        """Landmarks, attributes, labels, parsing, as far as there are any: first axis N."""

    def __len__(self) -> int:
        """N"""
