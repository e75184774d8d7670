"""WebDataset's form: tar archives, in which files of one name but for their endings are one sample.

As its authors describe it (from memory): the name up to the first dot is the sample's key; `.jpg`, `.png` … is the
image and `.cls` its class as a number in text.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from inpaint_cli.data.archives import Member, RefusedMember, tar_members
from inpaint_cli.data.layouts import Choice
from inpaint_cli.data.rows import Reading, Row
from inpaint_cli.data.sources.base import Source
from inpaint_cli.data.sources.shards import splits_of
from inpaint_cli.data.trees import FolderTree
from inpaint_cli.errors import InputError, printable
from inpaint_cli.imaging.kinds import READABLE

CLASS = ".cls"
LONGEST_CLASS = 18  # bytes: what an int64 holds


class Sample(NamedTuple):
    """One image with its class, where it has one."""

    name: str  # of the shard and the key
    image: Member
    label: int | None


class WebDatasetSource(Source):
    """Images in `.tar` shards, read where they lie."""

    kind: Literal["webdataset"]
    splits: Choice = "auto"
    takes_archive: ClassVar[bool] = True
    has_splits: ClassVar[bool] = False
    where: ClassVar[str] = "get the .tar shards of a set"

    def read(self, folder: Path) -> Reading:
        root = folder.parent if folder.is_file() else folder
        shards = [folder.name] if folder.is_file() else _shards(folder)
        splits, words = ({}, "one shard") if folder.is_file() else splits_of(shards, self.splits, folder)
        samples = {shard: list(_samples(root / shard, shard)) for shard in shards}
        found = [sample for own in samples.values() for sample in own]
        if not found:
            raise InputError(f"{printable(folder)}: its shards hold no images ({', '.join(READABLE)})")
        labelled = all(sample.label is not None for sample in found)
        rows = (
            Row(sample.name, sample.image, splits.get(shard), _labels(sample) if labelled else {})
            for shard, own in samples.items()
            for sample in own
        )
        return Reading(rows, len(found), layout=f"webdataset, {words}{', with classes' if labelled else ''}")


def _shards(folder: Path) -> list[str]:
    names = FolderTree(folder).names()
    shards = [name for name in names if name.endswith(".tar")]
    if not shards:
        packed = next((name for name in names if name.endswith((".tar.gz", ".tgz"))), None)
        hint = f"; unpack {printable(packed)} first (gunzip)" if packed else ""
        raise InputError(f"{printable(folder)}: no .tar shards in it or in folders below it{hint}")
    return shards


def _samples(path: Path, shard: str) -> Iterator[Sample]:
    """In the order of the archive: files of one sample stand beside each other."""
    key, image, label = "", None, None
    with path.open("rb") as file:
        for member in tar_members(path, file):
            own, ending = _key(member.name)
            if own != key:
                if image is not None:
                    yield Sample(f"{shard}/{key}", image, label)
                key, image, label = own, None, None
            if ending in READABLE:
                image = member if image is None else image
            elif ending == CLASS:
                label = _class(member)
    if image is not None:
        yield Sample(f"{shard}/{key}", image, label)


def _key(name: str) -> tuple[str, str]:
    """`a/0001.seg.png` -> `a/0001`, `.seg.png`"""
    path = PurePosixPath(name)
    first, dot, rest = path.name.partition(".")
    return str(path.parent / first), f"{dot}{rest}".lower()


def _class(member: Member) -> int | None:
    if isinstance(member, RefusedMember):
        return None
    text = member.read(LONGEST_CLASS).strip() if member.size <= LONGEST_CLASS else b""
    return int(text) if text.isdigit() else None


def _labels(sample: Sample) -> dict[str, np.ndarray]:
    return {"labels": np.array(sample.label, np.int64)}
