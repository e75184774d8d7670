"""The hole of a photo, from whatever --mask says: a file, the photo's own pixels, or a masking process."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from inpaint_cli.errors import InputError, UsageError, unknown
from inpaint_cli.imaging.decoding import printable
from inpaint_cli.imaging.holes import (
    dilated,
    missing_numbers,
    parse_colour,
    pixels_of_colour,
    transparent_pixels,
    with_fringe,
)
from inpaint_cli.imaging.mask_files import check_fit, looks_like_mask, open_mask, refuse_senseless
from inpaint_cli.imaging.photos import Photo
from inpaint_cli.jobs.photos.finding import Masks, is_specification
from inpaint_cli.masks import KINDS, MaskProcess, parse_masks

TRY_TOLERANCE = "no pixel has that colour; a tolerance helps with JPEG: auto:COLOR,20"


@dataclass(frozen=True)
class MaskOptions:
    """What is done to every mask."""

    invert: bool = False
    dilate: int = 0  # pixels
    feather: int = 0  # pixels outside the hole in which the completion fades into the photo
    seed: int = 0
    fit: str | None = None  # how a mask of another size is fitted to its photo


@dataclass(frozen=True)
class Hole:
    """What is missing of one photo."""

    pixels: np.ndarray  # bool [H, W] or [H, W, C], with what is dilated and not what is feathered
    notes: tuple[str, ...] = ()
    makes_opaque: bool = False  # the hole is what was transparent

    @property
    def anywhere(self) -> np.ndarray:
        """bool [H, W]: where any channel is missing."""
        return np.asarray(np.atleast_3d(self.pixels).any(axis=2))


def check_mask(mask: str | None, fit: str | None = None) -> None:
    """Refuse before any work a --mask that is right for no photo: a wrong specification, a file that does not exist."""
    check_fit(fit)
    if fit is not None and mask is not None and is_specification(mask):
        raise UsageError(f"--fit-mask is for mask files, and --mask {mask} is drawn at each photo's size")
    if mask is None or mask in ("alpha", "nan"):
        return
    kind, colon, rest = mask.partition(":")
    if not is_specification(mask):
        if not Path(mask).exists():
            near = f", and {unknown('masks', kind, [*KINDS, 'alpha', 'auto', 'nan'])}" if colon else ""
            raise InputError(f"--mask {mask}: no such file or folder{near}")
    elif kind.strip().lower() == "auto":
        parse_colour(rest)
    else:
        process_of.cache_clear()  # files may be other ones than in the job before
        process_of(mask).read()


def refuse_mask_among_photos(photos: Sequence[Path]) -> None:
    """`UsageError` where a mask was named like a photo: of two files that have no mask one is black and white."""
    if len(photos) != 2 or any(_has_mask(photo) for photo in photos):
        return
    masks = [photo for photo in photos if looks_like_mask(photo)]
    if len(masks) == 1:
        (photo,) = (path for path in photos if path != masks[0])
        say = f"inpaint complete {printable(photo)} --mask {printable(masks[0])}"
        raise UsageError(f"{printable(masks[0])} is black and white, as a mask is, and was named like a photo: {say}")


def _has_mask(photo: Path) -> bool:
    try:
        Masks(None).of(photo)
    except InputError:
        return False
    return True


def find_hole(photo: Photo, name: str, mask: Path | str, options: MaskOptions) -> Hole:
    """The hole of `photo`; `name` is the photo's, of which drawn masks are a function."""
    return grown(_found(photo, name, mask, options), mask, options)


def _found(photo: Photo, name: str, mask: Path | str, options: MaskOptions) -> Hole:
    if isinstance(mask, Path):
        return Hole(*open_mask(mask, photo, options.invert, options.fit))
    kind = mask.partition(":")[0].strip().lower()
    if kind == "none":
        return Hole(np.zeros(photo.pixels.shape[:2], bool))
    if kind == "alpha":
        return _transparent(photo, options)
    if kind == "nan":
        return _of_no_number(photo, options)
    return _of_colour(photo, mask, options) if kind == "auto" else _drawn(photo, name, mask, options)


def grown(hole: Hole, mask: Path | str, options: MaskOptions) -> Hole:
    """The hole as --dilate wants it; where nothing is missing, nothing grows."""
    if not options.dilate or not hole.pixels.any():
        return hole
    pixels = dilated(hole.pixels, options.dilate)
    refuse_senseless(pixels, mask, help_all=f"--dilate {options.dilate} is too much for it")
    return Hole(pixels, hole.notes, hole.makes_opaque)


def _transparent(photo: Photo, options: MaskOptions) -> Hole:
    hole = transparent_pixels(photo) ^ options.invert
    refuse_senseless(hole, "mask alpha", "every pixel of the photo is opaque", "no pixel of the photo is opaque")
    return Hole(hole, makes_opaque=not options.invert)


def _of_no_number(photo: Photo, options: MaskOptions) -> Hole:
    hole = missing_numbers(photo) ^ options.invert
    refuse_senseless(hole, "mask nan", "every pixel of the raster is a number", "no pixel of the raster is a number")
    return Hole(hole)


def _of_colour(photo: Photo, mask: str, options: MaskOptions) -> Hole:
    hole = pixels_of_colour(photo, mask.partition(":")[2])
    hole, notes = with_fringe(hole, photo) if hole.any() else (hole, ())
    refuse_senseless(hole ^ options.invert, f"mask {mask}", TRY_TOLERANCE, "every pixel has that colour")
    return Hole(hole ^ options.invert, notes)


@cache
def process_of(mask: str) -> MaskProcess:
    """The masking process, whose files are read once for all photos of a job."""
    return parse_masks(mask)


def _drawn(photo: Photo, name: str, mask: str, options: MaskOptions) -> Hole:
    """One mask of the process, a function of the seed and the photo's name: the same alone and among many."""
    from inpaint_cli.engine.randomness import generator_for  # torch, which no other kind of mask needs

    height, width, channels = photo.pixels.shape
    generator = generator_for("cpu", options.seed, f"mask of {printable(name)}")
    known = process_of(mask).draw(1, (channels, height, width), generator=generator)[0]
    hole = (known.permute(1, 2, 0).numpy() == 0) ^ options.invert
    refuse_senseless(hole, f"mask {mask}", "another --seed may draw one", "another --seed may leave something")
    return Hole(hole[:, :, 0] if hole.shape[2] == 1 else hole)
