"""Mask files of `inpaint complete`: what of the photo they say is missing, whatever they were made with.

In files white is the hole; what is covered only partly is hole, too (`coverage.py`). Inside the program a hole is bool
[H, W], True = missing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from inpaint_cli.errors import InputError, UsageError, unknown
from inpaint_cli.files import replacing
from inpaint_cli.imaging.coverage import HALF, counts_of, covered, in_eight_bits, is_picture
from inpaint_cli.imaging.decoding import MAX_PIXELS, SIXTEEN_BIT, colour_and_alpha, opened, printable
from inpaint_cli.imaging.deep import to_eight_bits
from inpaint_cli.imaging.orientation import TURNS_THE_SIDES, orientation_of, upright
from inpaint_cli.imaging.photos import Photo, output_format

BLACK, WHITE = 32, 224  # grey levels within which a visible pixel is neither: a mask has few of them, a picture many
SHARE_OF_GREY = 0.1
FEW_GREY = 0.05  # in a mask, at most
PAINT_WHITE, LEAVE_BLACK = "paint what is to be completed white", "leave what is known black"
WARN_ABOVE = 0.5  # of the photo: the mask is probably inverted
COMPRESSED = ("JPEG", "MPO", "WEBP", "AVIF", "HEIF", "JPEG2000")  # formats that may lose something
SAME = 3  # levels by which a copy of the photo may differ from it where it was not painted on
COPIED = 0.4  # share of pixels that are the photo's own: it is a copy of the photo
FITS: Mapping[str, tuple[float, float] | None] = {  # where a mask of another size goes: shares of what is left over
    "resize": None,
    "top-left": (0, 0),
    "bottom-right": (1, 1),
}


class MaskFile(NamedTuple):
    """A mask as a file holds it."""

    hole: np.ndarray  # bool [H, W]
    notes: tuple[str, ...]


class Layers(NamedTuple):
    """A mask's pixels, and how it was stored."""

    levels: np.ndarray  # uint8 [H, W]
    alpha: np.ndarray | None  # uint8 [H, W]
    compressed: bool = False
    turned: bool = False  # the file had an EXIF orientation of its own, which was applied

    @property
    def size(self) -> tuple[int, int]:
        """Width, height in pixels."""
        return self.levels.shape[1], self.levels.shape[0]


def check_fit(fit: str | None) -> None:
    """Raise `UsageError` for a way of fitting masks that does not exist."""
    if fit is not None and fit not in FITS:
        raise UsageError(f"--fit-mask: {unknown('way', fit, FITS)}")


def read_mask(path: str | Path, size: tuple[int, int] | None = None, invert: bool = False) -> np.ndarray:
    """A mask file -> bool [H, W], True where it is white: the hole. `invert`: where it is black.

    `InputError` unless it has both a hole and known pixels, and the `size` (width, height) where that is given.
    """
    layers = read_layers(path)
    if size is not None and layers.size != tuple(size):
        raise InputError(f"{printable(path)}: {_sizes(layers.size, size)}; a mask has its photo's size")
    return understood(layers, path, invert=invert).hole


def open_mask(path: str | Path, photo: Photo | None = None, invert: bool = False, fit: str | None = None) -> MaskFile:
    """The mask of a photo, with what the user should know about how the file was understood.

    A mask with transparency is understood in one of two ways. Painting programs leave what is not painted transparent:
    where white is visible, opaque white is the hole and transparent is known. Where nothing visible is white, or where
    the colours are a picture's and no mask's, something was erased: the transparent part is the hole.
    """
    return understood(read_layers(path, photo), path, photo, invert, fit)


def read_layers(path: str | Path, photo: Photo | None = None) -> Layers:
    """A mask file's pixels, upright; nothing larger is decoded than a mask of the photo may be."""
    turns: list[int] = []
    most = None if photo is None else max(MAX_PIXELS, photo.pixels.shape[0] * photo.pixels.shape[1])
    with opened(path, inspect=lambda image: turns.append(orientation_of(image)), most=most) as image:
        return layers_of(image, turned=turns[0] != 1)


def layers_of(image: Image.Image, turned: bool = False) -> Layers:
    """The pixels of an image that is upright already."""
    compressed = image.format in COMPRESSED
    if image.mode in (*SIXTEEN_BIT, "I", "F"):
        return Layers(in_eight_bits(np.asarray(image)), None, compressed, turned)
    colour, alpha = colour_and_alpha(image)
    levels = np.asarray(colour.convert("L"))
    if image.mode == "P" and levels.min() == levels.max():
        levels = np.asarray(image)  # numbers of colours that look alike
    return Layers(levels, None if alpha is None else np.asarray(alpha), compressed, turned)


def understood(
    layers: Layers, name: object, photo: Photo | None = None, invert: bool = False, fit: str | None = None
) -> MaskFile:
    """What layers mean as the mask of a photo; `name` is what messages call them."""
    notes: tuple[str, ...] = ()
    if photo is not None:
        layers, notes = _of_the_photos_size(layers, name, photo, fit)
    levels, erased = _coverage(layers)
    if not erased:
        _refuse_picture(levels, name, photo)
    if levels.min() == levels.max():
        seen = f"every pixel of it has the level {levels.min()} of 255"
        refuse_senseless((levels >= HALF) ^ invert, name, f"{seen}; {PAINT_WHITE}", f"{seen}; {LEAVE_BLACK}")
    hole, how = covered(255 - levels if invert else levels, layers.compressed)
    notes += tuple(f"{printable(name)}: {note}" for note in (*erased, *how))
    refuse_senseless(hole, name)
    if hole.mean() > WARN_ABOVE:
        turn = "leave out --invert-mask" if invert else "give --invert-mask"
        notes += (f"{printable(name)}: the hole covers {hole.mean():.0%} of the photo; if it is the rest, {turn}",)
    return MaskFile(hole, notes)


def _coverage(layers: Layers) -> tuple[np.ndarray, tuple[str, ...]]:
    """How much each pixel is covered, uint8 [H, W], and a note where that is what was erased."""
    levels, alpha = layers.levels, layers.alpha
    if alpha is None:
        return levels, ()
    if _is_erased(levels, alpha >= HALF):
        return 255 - alpha, ("its transparent part is taken for the hole",)
    return ((levels.astype(np.uint16) * alpha + 127) // 255).astype(np.uint8), ()


def _is_erased(levels: np.ndarray, visible: np.ndarray) -> bool:
    """Whether the hole is where a file was made transparent, and not where it was painted white."""
    shown = levels[visible]
    if not len(shown) or len(shown) == levels.size:
        return False
    grey = ((shown > BLACK) & (shown < WHITE)).mean()
    return bool(grey > SHARE_OF_GREY or not (shown >= HALF).any())


def refuse_senseless(hole: np.ndarray, name: object, help_none: str = PAINT_WHITE, help_all: str = LEAVE_BLACK) -> None:
    """Raise `InputError` unless something is missing and something is known; the helps say what to do."""
    if not hole.any():
        raise InputError(f"{printable(name)}: the mask has no hole; {help_none}")
    if hole.all():
        raise InputError(f"{printable(name)}: the mask is all hole; {help_all}")


# ---- the size of the photo -------------------------------------------------------------------------------------------


def _of_the_photos_size(layers: Layers, name: object, photo: Photo, fit: str | None) -> tuple[Layers, tuple[str, ...]]:
    """The mask at the photo's size, turned as the photo was or fitted as asked; `InputError` where it is another's."""
    stored = photo.size[::-1] if photo.turned in TURNS_THE_SIDES else photo.size
    may_be_stored = photo.turned != 1 and not layers.turned
    if layers.size == photo.size:
        if may_be_stored and stored == photo.size:  # nothing shows which of the two it is
            return layers, (f"{printable(name)}: taken for upright, as the photo is after its EXIF orientation",)
        return layers, ()
    if may_be_stored and layers.size == stored:
        alpha = None if layers.alpha is None else upright(layers.alpha, photo.turned)
        note = f"{printable(name)}: it has the photo's size before its EXIF orientation, and was turned like the photo"
        return layers._replace(levels=upright(layers.levels, photo.turned), alpha=alpha), (note,)
    if fit is not None:
        alpha = None if layers.alpha is None else _fitted(layers.alpha, photo.size, FITS[fit])
        return layers._replace(levels=_fitted(layers.levels, photo.size, FITS[fit]), alpha=alpha), ()
    turn = "" if stored == photo.size else " (after its EXIF orientation)"
    raise InputError(
        f"{printable(name)}: {_sizes(layers.size, photo.size)}{turn}; a mask has its photo's size, "
        f"or --fit-mask {', '.join(FITS)} says how it is fitted"
    )


def _sizes(mask: tuple[int, int], photo: tuple[int, int]) -> str:
    return "the mask is {}×{} but the photo is {}×{} pixels".format(*mask, *photo)


def _fitted(layer: np.ndarray, size: tuple[int, int], corner: tuple[float, float] | None) -> np.ndarray:
    """Resized to width and height, or as it is in a corner: what lies beyond is cut off, what it leaves is 0."""
    image = Image.fromarray(layer)
    if corner is None:
        return np.asarray(image.resize(size, Image.Resampling.BOX))
    paper, (across, down) = Image.new("L", size), corner
    paper.paste(image, (round((size[0] - image.width) * across), round((size[1] - image.height) * down)))
    return np.asarray(paper)


# ---- what is no mask -------------------------------------------------------------------------------------------------


def _refuse_picture(levels: np.ndarray, name: object, photo: Photo | None) -> None:
    """Raise `InputError` for a picture in a mask's place, and for a copy of the photo that was painted on."""
    if np.count_nonzero(counts_of(levels)) <= 2:
        return
    copied, changed = (0.0, 0) if photo is None else _of_a_copy(levels, photo)
    if copied >= COPIED and not changed:
        raise InputError(
            f"{printable(name)}: is the photo itself, and no mask; a mask is white where the hole is and black "
            "elsewhere"
        )
    if copied >= COPIED:
        raise InputError(
            f"{printable(name)}: is a copy of the photo in which {changed:,} pixels differ, and no mask; a mask is "
            "white where the hole is and black elsewhere. Complete the painted copy itself with --mask auto:COLOR, the "
            "colour of the paint, or give a black and white mask"
        )
    if is_picture(levels):
        swapped = photo is not None and len(np.unique(photo.pixels)) <= 4
        hint = "; photo and mask seem to be exchanged" if swapped else ""
        grey = ((levels > BLACK) & (levels < WHITE)).mean()
        raise InputError(
            f"{printable(name)}: is a picture and no mask: {grey:.0%} of its pixels are neither black nor white{hint}; "
            "a mask is white where the hole is and black elsewhere"
        )


def _of_a_copy(levels: np.ndarray, photo: Photo) -> tuple[float, int]:
    """The share of pixels in which a mask is the photo, as far as the photo is no mask itself, and how many are not."""
    pixels = to_eight_bits(photo.pixels)
    own = np.asarray(Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("L"))
    differs = np.maximum(own, levels) - np.minimum(own, levels) > SAME
    telling = (own > SAME) & (own < 255 - SAME)  # black is black in every mask
    share = float((~differs & telling).sum() / max(int(telling.sum()), 1)) if telling.mean() > SHARE_OF_GREY else 0.0
    return share, int(differs.sum())


def looks_like_mask(path: Path) -> bool:
    """Whether a file's pixels are nearly all black and white: what a mask is, and a photo is not."""
    try:
        layers = read_layers(path)
    except InputError:
        return False
    grey = (layers.levels > BLACK) & (layers.levels < WHITE)
    return bool(layers.alpha is None and grey.mean() < FEW_GREY and layers.levels.min() < layers.levels.max())


# ---- other files -----------------------------------------------------------------------------------------------------


def read_sources(path: str | Path, size: tuple[int, int]) -> np.ndarray:
    """A mask file of the photo's size -> bool [H, W], True where it is white: what may be copied from."""
    layers = read_layers(path)
    if layers.size != tuple(size):
        raise InputError(f"{printable(path)}: {_sizes(layers.size, size)}; a mask has its photo's size")
    levels, _ = _coverage(layers)
    white = (
        levels == levels.max() if np.count_nonzero(counts_of(levels)) == 2 else levels >= HALF
    )  # whole, or it is not copied
    if not white.any():
        raise InputError(f"{printable(path)}: nothing is white; paint what may be copied from white")
    return white


def write_mask(hole: np.ndarray, path: str | Path, overwrite: bool = False) -> None:
    """Write bool [H, W] as a black and white image, white = hole."""
    form = output_format(path)
    with replacing(Path(path), overwrite) as temporary:
        Image.fromarray(np.where(hole, 255, 0).astype(np.uint8)).save(temporary, format=form.name, **form.options)
