"""Exact copies among prepared images, found by digests: counted, and named where they lie in more than one split."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from inpaint_cli.data.schema import SPLITS
from inpaint_cli.errors import InputError, printable

DIGEST = 16  # bytes
NAMED = 5  # leaks in a message

Place = tuple[str, int]  # split and row


class Copied(NamedTuple):
    """How many images are exact copies of others, and those of which one lies in another split."""

    copies: int = 0  # beyond the first of their kind
    leaks: tuple[tuple[Place, Place], ...] = ()  # an image, and the first of another split that it equals

    @property
    def words(self) -> str:
        """What a summary says."""
        if not self.copies:
            return "no exact copies"
        across = f", {len(self.leaks):,} of them across splits" if self.leaks else ""
        return f"{self.copies:,} exact cop{'y' if self.copies == 1 else 'ies'} of other images{across}"


NOTHING_COPIED = Copied()


class Digests:
    """Of every row as it is stored."""

    def __init__(self) -> None:
        self._found: dict[str, bytearray] = {}

    def add(self, split: str, images: np.ndarray) -> None:
        """The next rows of a split, uint8 [N, H, W, C]."""
        kept = self._found.setdefault(split, bytearray())
        for image in np.ascontiguousarray(images):
            kept += hashlib.blake2b(image.data, digest_size=DIGEST).digest()

    def copied(self) -> Copied:
        """Copies of all rows so far."""
        splits = [split for split in SPLITS if split in self._found]
        if not splits:
            return NOTHING_COPIED
        counts = [len(self._found[split]) // DIGEST for split in splits]
        halves = np.concatenate([np.frombuffer(self._found[split], "<u8").reshape(-1, 2) for split in splits])
        order = np.lexsort((np.arange(len(halves)), halves[:, 1], halves[:, 0]))  # of equal ones, that of the splits
        anew = np.concatenate(([True], (halves[order][1:] != halves[order][:-1]).any(axis=1)))
        first = order[np.maximum.accumulate(np.where(anew, np.arange(len(order)), 0))]  # that each is equal to
        owners = np.repeat(np.arange(len(splits)), counts)
        rows = np.concatenate([np.arange(count) for count in counts])

        def place(image: int) -> Place:
            return splits[owners[image]], int(rows[image])

        leaking = np.flatnonzero(owners[order] != owners[first])
        leaks = sorted((int(first[each]), int(order[each])) for each in leaking)
        return Copied(int((~anew).sum()), tuple((place(one), place(other)) for one, other in leaks))


def refuse_leaks(copied: Copied, names: Mapping[Place, str], where: object) -> None:
    """`InputError` that names images which lie in more than one split. names: of the first `NAMED` leaks."""
    if not copied.leaks:
        return
    shown = [
        f"{printable(names[first])} ({first[0]}) = {printable(names[second])} ({second[0]})"
        for first, second in copied.leaks[:NAMED]
    ]
    more = [f"… and {len(copied.leaks) - NAMED:,} more"] * (len(copied.leaks) > NAMED)
    raise InputError(
        f"{printable(where)}: exact copies of one image lie in several splits, {len(copied.leaks):,} in all, so that "
        f"what is tested on was trained on: {', '.join([*shown, *more])}. Remove them, or give --allow-leaks"
    )
