"""The masks that a prepared file holds of its images."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from inpaint_cli.columns import Column
from inpaint_cli.errors import InputError, UsageError


class Images(Protocol):
    """The images of a split, as far as masks may belong to them."""

    @property
    def names(self) -> Sequence[str]:
        """Source file names, row by row."""

    @property
    def masks(self) -> Column | None:
        """What the prepared file holds of each: uint8 [N, H, W], white is the hole."""


@dataclass(frozen=True)
class Stored:
    """The masks that a split of a prepared file holds."""

    masks: Column = field(compare=False, repr=False)  # uint8 [N, H, W], white is the hole

    def __str__(self) -> str:
        return ""


def stored_of(images: Images, count: int | None, *held: Stored) -> tuple[Stored]:
    """`InputError` where the prepared file has no masks."""
    if images.masks is None:
        raise InputError(
            "masks 'stored': this prepared file holds none; inpaint prepare --masks folder:PATH stores one an image"
        )
    return (Stored(images.masks),)


def stored_fits(shape: object, *held: Stored) -> None:
    """They are known, which they are once a prepared file is."""
    if not held:
        raise UsageError("masks 'stored' are those that a prepared file holds of its images: they go with --data alone")
