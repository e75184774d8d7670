"""Masks from files: a folder or an archive of them as it was downloaded, one image, or what a prepared file holds.

A folder's masks are decoded once and kept at one bit a pixel, at their own sizes. A mask is taken to the images' size
by two lists of places, of its rows and of its columns: resizing, cutting, turning over and shifting are all choices
of places, so that only the rows that are looked at are ever unpacked.
"""

import hashlib
import itertools
import os
import warnings
from array import array
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from inpaint_cli.columns import Column
from inpaint_cli.data.pairing import listed, paired
from inpaint_cli.data.trees import Image, Tree, decodable, is_archive, tree_at
from inpaint_cli.errors import InputError, UsageError, printable
from inpaint_cli.imaging.decoding import opened
from inpaint_cli.imaging.mask_files import WARN_ABOVE, Layers, layers_of, understood
from inpaint_cli.masks.shapes import Request

FITS = ("resize", "crop")
MASK_ENDING = "_mask"  # `cat_mask.png` is the mask of `cat.jpg`, as everywhere
REASONS_LISTED = 10
WINDOWS = 8  # tried of a mask that is cut, until one has both a hole and something known
AT_ONCE = 16  # files that are given to threads at once
LOOKED_AT = 1000  # masks that say how much is missing on average
SLAB_BYTES = 16 << 20  # what is not written to takes no memory
THREADS = min(4, os.cpu_count() or 1)  # decoders hold no lock of Python's


class Images(Protocol):
    """The images of a split, as far as masks may belong to them."""

    @property
    def names(self) -> Sequence[str]:
        """Source file names, row by row."""

    @property
    def masks(self) -> Column | None:
        """What the prepared file holds of each: uint8 [N, H, W], white is the hole."""


class Packed(NamedTuple):
    """One mask at one bit a pixel, 1 = missing: uint8 [height, width / 8, rounded up]."""

    bits: np.ndarray
    width: int

    @property
    def height(self) -> int:
        return len(self.bits)

    def hole(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """bool [rows, columns]"""
        unpacked = np.unpackbits(self.bits.take(rows, axis=0), axis=1, count=self.width)
        return unpacked.take(columns, axis=1).view(bool)

    @classmethod
    def of(cls, hole: np.ndarray) -> "Packed":
        return cls(np.packbits(hole, axis=1), hole.shape[1])


class PackedMasks:
    """Many masks in a few large pieces of memory, so that little of it lies idle between them."""

    def __init__(self) -> None:
        self._slabs: list[np.ndarray] = []
        self._room = 0  # bytes of the last slab that are free
        self._places = array("q")  # slab, where it begins there, height and width of each mask

    def append(self, mask: Packed) -> None:
        """Keep a copy."""
        size = mask.bits.size
        if size > self._room:
            self._slabs.append(np.empty(max(SLAB_BYTES, size), np.uint8))
            self._room = len(self._slabs[-1])
        start = len(self._slabs[-1]) - self._room
        self._slabs[-1][start : start + size] = mask.bits.ravel()
        self._room -= size
        self._places.extend((len(self._slabs) - 1, start, mask.height, mask.width))

    def __len__(self) -> int:
        return len(self._places) // 4

    def __iter__(self) -> Iterator[Packed]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, place: int) -> Packed:
        slab, start, height, width = self._places[4 * place : 4 * place + 4]
        bits = self._slabs[slab][start : start + height * -(-width // 8)]
        return Packed(bits.reshape(height, -1), width)


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
        sources = self._sources()
        masks = PackedMasks()
        with warnings.catch_warnings(), ThreadPoolExecutor(THREADS) as threads:  # decoders change filters: put back
            for start in range(0, len(sources), AT_ONCE):
                names = sources[start : start + AT_ONCE]
                for name, read in zip(names, threads.map(self._decode, names), strict=True):
                    if isinstance(read, Packed):
                        self.names.append(name)
                        masks.append(read)
                    else:
                        self.skipped.append(read)
                progress(start + len(names), len(sources))
        if not masks:
            reasons = "".join(f"\n  {reason}" for reason in self.skipped[:REASONS_LISTED])
            raise InputError(f"{printable(self.path)}: not one usable mask among {len(sources)} files{reasons}")
        self._masks = masks
        del self._image  # with the tree that it reads from

    def _sources(self) -> list[str]:
        if Path(self.path).is_file() and not is_archive(Path(self.path)):
            self._image: Callable[[str], Image] = lambda name: Path(self.path)
            return [Path(self.path).name]
        tree: Tree = tree_at(Path(self.path))
        self._image = tree.image
        self.skipped += [f"{printable(member.name)}: {member.reason}" for member in tree.refused]
        if not tree.names():
            raise InputError(f"{printable(self.path)}: no masks in it or in folders below it")
        return tree.names()

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


def masks_in(request: Request, masks: MaskFolder) -> None:
    """There are some; they fit images of any size."""
    masks.contents.read()


def folder(request: Request, masks: MaskFolder) -> Tensor:
    """Each image's own mask, or one drawn for it; in training (`request.moved`) turned over and shifted."""
    kept, size = masks.contents.masks, (request.height, request.width)
    chance = request.uniform(request.count, 5 + 2 * WINDOWS).double().cpu().numpy()
    own = masks.places is not None and request.rows is not None
    places = masks.places[request.rows] if own else (chance[:, 0] * len(kept)).astype(int)  # type: ignore[index]
    cut = crop if masks.fit == "crop" else resize
    holes = [
        cut(kept[place], size, row[1:], request.moved and not own) for place, row in zip(places, chance, strict=True)
    ]
    return torch.from_numpy(~np.stack(holes)).unsqueeze(1).to(request.device)


def resize(mask: Packed, size: tuple[int, int], chance: np.ndarray, moved: bool) -> np.ndarray:
    """The whole mask: each pixel is what lies in its middle, so that as much is missing on average. bool [H, W]

    moved: turned over, and shifted around, so that what leaves at one side comes in at the other.
    """
    lines = [_spread(length, own) for length, own in zip(size, (mask.height, mask.width), strict=True)]
    if moved:
        lines = [_moved(*each) for each in zip(lines, chance[:2], chance[2:4], strict=True)]
    hole = mask.hole(*lines)
    if not 0 < (missing := np.count_nonzero(hole)) < hole.size:  # what was thinner than a pixel is gone: one stays
        row, column = np.argwhere(mask.hole(*map(np.arange, (mask.height, mask.width))) ^ (missing > 0))[0]
        hole[row * size[0] // mask.height, column * size[1] // mask.width] ^= True
    return hole


def crop(mask: Packed, size: tuple[int, int], chance: np.ndarray, moved: bool) -> np.ndarray:
    """A window of the images' size, anywhere in the mask; one that is smaller is enlarged until it covers them.

    Where none of `WINDOWS` windows has both a hole and something known, the whole mask is resized.
    """
    scale = max(1.0, size[0] / mask.height, size[1] / mask.width)
    steps = [-1 if moved and turned < 0.5 else 1 for turned in chance[:2]]
    for tried in chance[4:].reshape(-1, 2):
        lines = [
            _window(length, own, scale, place)[::step]
            for length, own, place, step in zip(size, (mask.height, mask.width), tried, steps, strict=True)
        ]
        hole = mask.hole(*lines)
        if 0 < np.count_nonzero(hole) < hole.size:
            return hole
    return resize(mask, size, chance, moved)


@lru_cache(64)
def _spread(length: int, own: int) -> np.ndarray:
    """`own` places, spread over `length`."""
    return ((np.arange(length) + 0.5) * own / length).astype(np.int64)


def _moved(line: np.ndarray, turned: float, shift: float) -> np.ndarray:
    """Places shifted around by a share of them, and for `turned` below a half in their opposite order."""
    start = int(shift * len(line))
    around = np.concatenate((line[start:], line[:start]))
    return around[::-1] if turned < 0.5 else around


def _window(length: int, own: int, scale: float, place: float) -> np.ndarray:
    """`length` neighbours of `own` places that are enlarged so many times; `place` in [0, 1) says where they begin."""
    room = max(0, round(own * scale) - length)
    return np.minimum(((int(place * (room + 1)) + np.arange(length) + 0.5) / scale).astype(np.int64), own - 1)


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


def stored(request: Request, *held: Stored) -> Tensor:
    """Each image's own mask; without rows, as for a decoy, those of any images."""
    stored_fits(request, *held)
    masks = held[0].masks
    drawn = (request.uniform(request.count).double().cpu().numpy() * len(masks)).astype(int)
    rows = drawn if request.rows is None else request.rows
    return torch.from_numpy(masks[rows] < 128).unsqueeze(1).to(request.device)


def stored_fits(request: Request, *held: Stored) -> None:
    """They are known, which they are once a prepared file is."""
    if not held:
        raise UsageError("masks 'stored' are those that a prepared file holds of its images: they go with --data alone")
