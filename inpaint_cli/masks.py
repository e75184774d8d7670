"""Every masking process, by specification string (interface; being filled in)."""

from torch import Tensor


class MaskProcess:
    spec: str
    random: bool

    def draw(self, count, shape, *, generator, landmarks=None) -> Tensor: ...


def parse_masks(spec: str) -> MaskProcess: ...
