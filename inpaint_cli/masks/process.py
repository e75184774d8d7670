"""From a specification string to masks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from inpaint_cli.errors import UsageError, unknown
from inpaint_cli.masks.arguments import MaskFile
from inpaint_cli.masks.kinds import KINDS, Kind, grammar
from inpaint_cli.masks.shapes import Request


@dataclass(frozen=True)
class MaskProcess:
    """A distribution over masks: one row of the table of kinds with its arguments."""

    spec: str  # canonical: `rec: 0.10` is `rec:0.1`
    kind: Kind
    arguments: tuple[Any, ...]

    @property
    def varies(self) -> bool:
        """False where every mask of one size is the same (faces move with their landmarks alone)."""
        return self.kind.varies

    @property
    def per_channel(self) -> bool:
        """Whether masks differ from channel to channel."""
        return self.kind.per_channel

    @property
    def only_size(self) -> tuple[int, int] | None:
        """The (height, width) that a mask file fixes, or None: every size."""
        files = [argument for argument in self.arguments if isinstance(argument, MaskFile)]
        return tuple(files[0].known.shape) if files else None

    def check(self, shape: Sequence[int]) -> None:
        """Raise `UsageError` or `InputError` when these masks cannot apply to images of (channels, height, width)."""
        channels, height, width = shape
        self.kind.check(Request(1, channels, height, width), *self.arguments)

    def draw(
        self, count: int, shape: Sequence[int], *, generator: torch.Generator, landmarks: Tensor | None = None
    ) -> Tensor:
        """`count` masks for images of (channels, height, width), on the generator's device.

        landmarks: [count, 5, 2], (x, y) in pixels; used by `face`, which is at its canonical place without them.
        Returns float32 {0, 1}, [count, 1 or C, H, W], 1 = known.
        """
        self.check(shape)
        request = Request(count, *shape, generator, landmarks)
        return self.kind.draw(request, *self.arguments).float().contiguous()


def parse_masks(spec: str) -> MaskProcess:
    """`"rec:0.1"` -> its process; `UsageError` names the problem and the grammar, `InputError` a file's fault."""
    name, _, text = spec.strip().partition(":")
    kind = KINDS.get(name.strip().lower())
    if kind is None:
        raise UsageError(f"{unknown('masks', name.strip(), KINDS)}\n{grammar()}")
    arguments = _parse_arguments(spec, kind, text)
    return MaskProcess(kind.written(arguments), kind, arguments)


def _parse_arguments(spec: str, kind: Kind, text: str) -> tuple[Any, ...]:
    # A path may hold commas, so the last argument takes what is left.
    parts = text.split(",", len(kind.arguments) - 1) if text.strip() else []
    try:
        if len(parts) != len(kind.arguments):
            raise ValueError(f"it is written {kind.signature}")
        return tuple(argument.parse(part.strip()) for argument, part in zip(kind.arguments, parts, strict=True))
    except ValueError as problem:
        raise UsageError(f"no masks '{spec}': {problem}\n{grammar()}") from None


def draw_for_images(
    process: MaskProcess,
    shape: Sequence[int],
    seeds: Sequence[int],
    device: torch.device | str = "cpu",
    landmarks: Tensor | None = None,
) -> Tensor:
    """One mask per seed: an image's mask is a function of its seed alone, whatever the batch and the device.

    Drawn on the CPU, one generator per image, since a GPU's generator gives other numbers; then moved to `device`.
    landmarks: [N, 5, 2] in pixels or None. Returns float32 {0, 1}, [N, 1 or C, H, W].
    """
    landmarks = None if landmarks is None else landmarks.cpu()
    if not process.varies:
        return process.draw(len(seeds), shape, generator=torch.Generator(), landmarks=landmarks).to(device)
    masks = [process.draw(1, shape, generator=torch.Generator().manual_seed(int(seed))) for seed in seeds]
    return torch.cat(masks).to(device)
