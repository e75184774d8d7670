"""From a specification string to a masking process. torch is imported when masks are drawn, not before."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from inpaint_cli.errors import UsageError, unknown
from inpaint_cli.masks.arguments import MaskFile, Range, float_of, is_drawn
from inpaint_cli.masks.folders import MaskFolder
from inpaint_cli.masks.kinds import KINDS, Kind, Shape, grammar
from inpaint_cli.masks.stored import Images

if TYPE_CHECKING:
    from torch import Generator, Tensor

SQUARES = ("center", "block")  # kinds that hide one square


@dataclass(frozen=True)
class MaskProcess:
    """A distribution over masks: a row of the table of kinds with its arguments, or a mixture with its parts."""

    spec: str  # canonical: `rec: 0.10` is `rec:0.1`
    kind: Kind  # `MIXTURE` for several
    arguments: tuple[Any, ...]

    @property
    def parts(self) -> tuple["MaskProcess", ...]:
        """What a mixture takes its masks from; of any other process, itself."""
        return tuple(part.process for part in self.arguments) if self.kind == MIXTURE else (self,)

    @property
    def kinds(self) -> frozenset[str]:
        """The names of the kinds that masks may be of: one, or those of a mixture's parts."""
        return frozenset(part.kind.name for part in self.parts)

    @property
    def meanings(self) -> tuple[str, ...]:
        """What is written and what it means, a line for each kind."""
        return tuple(dict.fromkeys(f"{part.kind.signature}: {part.kind.meaning}" for part in self.parts))

    @property
    def varies(self) -> bool:
        """False where every mask of one size is the same (faces move with their landmarks alone)."""
        return self.kind.varies or any(is_drawn(argument) for argument in self.arguments)

    @property
    def per_channel(self) -> bool:
        """Whether masks, or some of a mixture's, differ from channel to channel."""
        return any(part.kind.per_channel for part in self.parts)

    @property
    def side(self) -> int | None:
        """The side of the one square that is missing, in pixels, where there is one and it always has the same."""
        squares = self.kind.name in SQUARES and not isinstance(self.arguments[0], Range)
        return int(self.arguments[0]) if squares else None

    @property
    def without_files(self) -> "MaskProcess | None":
        """What is left without masks from files, which may be out of reach one day: parts of a mixture, or None."""
        if self.kind != MIXTURE:
            return None if self.kind.from_files else self
        return _mixture([part for part in self.arguments if not part.process.kind.from_files])

    @property
    def folders(self) -> tuple[MaskFolder, ...]:
        """The folders that masks are taken from."""
        return tuple(argument for part in self.parts for argument in part.arguments if isinstance(argument, MaskFolder))

    @property
    def digest(self) -> str | None:
        """Of all masks that lie in folders, which a specification does not say; None where none do."""
        digests = [folder.contents.digest for folder in self.folders]
        return hashlib.sha256("".join(digests).encode()).hexdigest() if digests else None

    def of(self, images: Images, count: int | None = None) -> "MaskProcess":
        """The process for the first `count` images of a split: masks that belong to images are found by their names.

        `InputError` where one has none. Other processes stay as they are.
        """
        return replace(self, arguments=self.kind.of(images, count, *self.arguments))

    @property
    def only_size(self) -> tuple[int, int] | None:
        """The (height, width) that a mask file fixes, or None: every size."""
        arguments = (argument for part in self.parts for argument in part.arguments)
        file = next((argument for argument in arguments if isinstance(argument, MaskFile)), None)
        return (file.known.shape[0], file.known.shape[1]) if file else None

    def read(self) -> None:
        """Open the files that masks come from now, not when they are first drawn; `InputError` says what is wrong."""
        for argument in (argument for part in self.parts for argument in part.arguments):
            if isinstance(argument, MaskFolder | MaskFile):
                argument.read()

    def check(self, shape: Sequence[int]) -> None:
        """Raise `UsageError` or `InputError` when these masks cannot apply to images of (channels, height, width)."""
        self.kind.check(Shape(*shape), *self.arguments)

    def draw(
        self,
        count: int,
        shape: Sequence[int],
        *,
        generator: "Generator",
        landmarks: "Tensor | None" = None,
        rows: np.ndarray | None = None,
        moved: bool = False,
    ) -> "Tensor":
        """`count` masks for images of (channels, height, width), on the generator's device.

        landmarks: [count, 5, 2], (x, y) in pixels; used by `face`, which is at its canonical place without them.
        rows: of the images in the split that the process is `of`, [count]; used where masks belong to images, which are
        those of any image without them. moved: masks from folders are turned over and shifted, as in training.
        Returns float32 {0, 1}, [count, 1 or C, H, W], 1 = known.
        """
        from inpaint_cli.masks.drawing import Request, as_floats, drawn

        self.check(shape)
        channels, height, width = shape
        request = Request(count, channels, height, width, generator, landmarks, rows, moved)
        return as_floats(drawn(self, request))


@dataclass(frozen=True)
class Part:
    """One part of a mixture, and how often it is taken, measured by the others' weights."""

    process: MaskProcess
    weight: float

    def __str__(self) -> str:
        return self.process.spec if self.weight == 1 else f"{self.weight}*{self.process.spec}"


def parts_of(images: Images, count: int | None, *parts: Part) -> tuple[Part, ...]:
    """Every part for the images."""
    return tuple(replace(part, process=part.process.of(images, count)) for part in parts)


def all_fit(shape: Shape, *parts: Part) -> None:
    """Every part applies to the images."""
    for part in parts:
        part.process.check(shape)


MIXTURE = Kind("mixture", (), "each image takes one of the parts", "", True, all_fit, of=parts_of)


def parse_masks(spec: str) -> MaskProcess:
    """`"rec:0.1"` -> its process; `UsageError` names the problem and the grammar. No file is opened yet."""
    process = _mixture([_parse_part(part) for part in spec.split("|")])
    assert process is not None  # no text is split into nothing
    return process


def _mixture(parts: Sequence[Part]) -> MaskProcess | None:
    """Of one part its process alone, of none None."""
    if len(parts) > 1:
        return MaskProcess("|".join(map(str, parts)), MIXTURE, tuple(parts))
    return parts[0].process if parts else None


def names_masks(text: str) -> bool:
    """Whether a text that may also be a file's name is meant as masks: a kind, perhaps weighted, and a colon."""
    first = text.partition("|")[0].partition(":")[0]
    return ":" in text and first.rpartition("*")[2].strip().lower() in KINDS


def _parse_part(text: str) -> Part:
    head, _, rest = text.strip().partition(":")
    weight, _, name = head.rpartition("*")
    kind = KINDS.get(name.strip().lower())
    if kind is None:
        raise UsageError(f"{unknown('masks', name.strip(), KINDS)}\n{grammar()}")
    try:
        arguments = _parse_arguments(kind, rest)
        return Part(MaskProcess(kind.written(arguments), kind, arguments), _parse_weight(weight) if weight else 1)
    except ValueError as problem:
        raise UsageError(f"no masks '{text.strip()}': {problem}\n{grammar()}") from None


def _parse_weight(text: str) -> float:
    weight = float_of(text)
    if not 0 < weight < float("inf"):
        raise ValueError(f"a weight is a number above 0, as in 3*block:48, not '{text.strip()}'")
    return int(weight) if weight.is_integer() else weight


def _parse_arguments(kind: Kind, text: str) -> tuple[Any, ...]:
    # A path may hold commas, so the last argument takes what is left.
    parts = text.split(",", len(kind.arguments) - 1) if text.strip() else []
    left_out = [argument.default for argument in kind.arguments[len(parts) :]]
    if None in left_out or (parts and not kind.arguments):
        raise ValueError(f"it is written {kind.signature}")
    given = [argument.parse(part.strip()) for argument, part in zip(kind.arguments, parts, strict=False)]
    return (*given, *left_out)
