"""Masks from files: a folder or an archive of them as it was downloaded, or one image.

They are decoded once and kept at one bit a pixel, at their own sizes.
"""

import hashlib
import itertools
import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from inpaint_cli.data.pairing import listed, paired
from inpaint_cli.data.trees import Image, Tree, decodable, is_archive, tree_at
from inpaint_cli.errors import InputError, printable
from inpaint_cli.imaging.decoding import opened
from inpaint_cli.imaging.mask_files import WARN_ABOVE, Layers, layers_of, understood
from inpaint_cli.masks.packed import Packed, PackedMasks
from inpaint_cli.masks.stored import Images

FITS = ("resize", "crop")
MASK_ENDING = "_mask"  # `cat_mask.png` is the mask of `cat.jpg`, as everywhere
REASONS_LISTED = 10
LOOKED_AT = 1000  # masks that say how much is missing on average
THREADS = min(4, os.cpu_count() or 1)  # decoders hold no lock of Python's
AT_ONCE = 2 * THREADS  # files that are given to them: what each decodes is eight times what is kept of it


class Contents:
    """The masks of a folder, read when they are first asked for: what is never drawn is never opened."""

    def __init__(self, path: str, invert: bool):
        self.path, self.invert = path, invert
        self.names: list[str] = []
        self.skipped: list[str] = []  # files that are no masks, and why
        self._masks: PackedMasks | None = None

    @property
    def masks(self) -> PackedMasks:
        if self._masks is None:
            self.read()
        assert self._masks is not None
        return self._masks

    def read(self, progress: Callable[[int, int], object] = lambda done, total: None) -> None:
        """Decode every file once; `InputError` where there is no folder, or not one mask in it."""
        if self._masks is not None:
            return
        sources, skipped = self._sources()
        masks, kept = PackedMasks(), list[str]()
        with warnings.catch_warnings(), ThreadPoolExecutor(THREADS) as threads:  # decoders change filters: put back
            for start in range(0, len(sources), AT_ONCE):
                names = sources[start : start + AT_ONCE]
                for name, read in zip(names, threads.map(self._decode, names), strict=True):
                    if isinstance(read, Packed):
                        kept.append(name)
                        masks.append(read)
                    else:
                        skipped.append(read)
                progress(start + len(names), len(sources))
        if not masks:
            reasons = "".join(f"\n  {reason}" for reason in skipped[:REASONS_LISTED])
            raise InputError(f"{printable(self.path)}: not one usable mask among {len(sources)} files{reasons}")
        self._masks, self.names, self.skipped = masks, kept, skipped
        del self._image  # with the tree that it reads from

    def _sources(self) -> tuple[list[str], list[str]]:
        """The files, and why others are not read."""
        if Path(self.path).is_file() and not is_archive(Path(self.path)):
            self._image: Callable[[str], Image] = lambda name: Path(self.path)
            return [Path(self.path).name], []
        tree: Tree = tree_at(Path(self.path))
        self._image = tree.image
        if not tree.names():
            raise InputError(f"{printable(self.path)}: no masks in it or in folders below it")
        return tree.names(), [f"{printable(member.name)}: {member.reason}" for member in tree.refused]

    def _decode(self, name: str) -> Packed | str:
        """The mask, or why the file is none."""
        try:
            with opened(decodable(self._image(name), name)) as image:
                layers = layers_of(image)
            return Packed.of(_hole(layers, name, self.invert))
        except InputError as error:
            return str(error)

    @property
    def digest(self) -> str:
        """Of every mask and its name: what a specification alone does not say."""
        self.read()
        total = hashlib.sha256()
        for name, mask in zip(self.names, self.masks, strict=True):
            total.update(f"{name}\0{mask.height}×{mask.width}\n".encode("utf-8", "surrogateescape"))
            total.update(mask.bits.data)
        return total.hexdigest()

    @property
    def notes(self) -> list[str]:
        """What the user should know once the masks are read."""
        found, name = [], printable(self.path)
        if self.skipped:
            reasons = "".join(f"\n  {reason}" for reason in self.skipped[:REASONS_LISTED])
            more = f"\n  … and {len(self.skipped) - REASONS_LISTED:,} more" * (len(self.skipped) > REASONS_LISTED)
            total = len(self.skipped) + len(self.masks)
            found.append(f"{name}: {len(self.skipped):,} of {total:,} files are no masks{reasons}{more}")
        share = float(np.mean([mask_share(mask) for mask in itertools.islice(self.masks, LOOKED_AT)]))
        if share > WARN_ABOVE:
            turn = "leave out ',invert'" if self.invert else "add ',invert'"
            found.append(f"{name}: its holes cover {share:.0%} on average; if they are the rest, {turn}")
        return found


def mask_share(mask: Packed) -> float:
    """The part of a mask that is missing."""
    return float(np.unpackbits(mask.bits).sum()) / (mask.height * mask.width)


def _hole(layers: Layers, name: str, invert: bool) -> np.ndarray:
    """As `understood`, which need not look long at what is black and white and nothing else. bool [H, W]"""
    white = layers.levels == 255
    count = np.count_nonzero(white)
    plain = layers.alpha is None and count + np.count_nonzero(layers.levels == 0) == white.size
    if plain and 0 < count < white.size:
        return ~white if invert else white
    return understood(layers, name, invert=invert).hole


@dataclass(frozen=True)
class MaskFolder:
    """A folder of masks, and how they are taken from it."""

    path: str
    invert: bool = False
    fit: str = "resize"
    paired: bool = False
    contents: Contents = field(default=None, compare=False, repr=False)  # type: ignore[assignment]  # made below
    places: np.ndarray | None = field(default=None, compare=False, repr=False)  # of paired ones: each row's mask

    def __post_init__(self) -> None:
        if self.contents is None:
            object.__setattr__(self, "contents", Contents(self.path, self.invert))

    def read(self) -> None:
        """Decode it now."""
        self.contents.read()

    def __str__(self) -> str:
        fit = [] if self.fit == FITS[0] else [f"fit={self.fit}"]
        return ",".join([self.path, *["invert"] * self.invert, *fit, *["paired"] * self.paired])


def parse_folder(text: str) -> MaskFolder:
    """`PATH[,invert][,fit=resize|crop][,paired]`; a path may hold commas itself."""
    path, given = text, dict[str, str]()
    while True:
        rest, comma, last = path.rpartition(",")
        name, equals, value = (part.strip().lower() for part in last.partition("="))
        if not comma or (name, bool(equals)) not in (("invert", False), ("paired", False), ("fit", True)):
            break
        path, given[name] = rest, value
    if given.get("fit", FITS[0]) not in FITS:
        raise ValueError(f"fit is {' or '.join(FITS)}, not '{given['fit']}'")
    if not path.strip():
        raise ValueError("it needs the path of a folder")
    return MaskFolder(path.strip(), "invert" in given, given.get("fit", FITS[0]), "paired" in given)


def folder_of(images: Images, count: int | None, masks: MaskFolder) -> tuple[MaskFolder]:
    """Each of the first `count` images with the mask of its name, where they are `paired`; else as it is."""
    if not masks.paired:
        return (masks,)
    names, contents = list(images.names[:count]), masks.contents
    contents.read()
    try:
        found = paired(names, contents.names, MASK_ENDING)
    except InputError as error:
        raise InputError(f"{printable(masks.path)}: {error}") from None
    alone = [name for name, place in zip(names, found, strict=True) if place is None]
    if alone:
        skipped = f"; {len(contents.skipped):,} files in it are no masks" * bool(contents.skipped)
        raise InputError(
            f"{printable(masks.path)}: no mask is called as {len(alone):,} of {len(names):,} images: "
            f"{listed(alone)}{skipped}"
        )
    return (replace(masks, places=np.array(found, np.int64)),)


def masks_in(shape: object, masks: MaskFolder) -> None:
    """There are some; they fit images of any size."""
    masks.contents.read()
