"""The hole of a photo, from whatever --mask says: a file, the photo's own pixels, or a masking process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inpaint_cli.cli.pairing import is_specification
from inpaint_cli.errors import InputError, unknown

TRY_TOLERANCE = "no pixel has that colour; a tolerance helps with JPEG: auto:COLOR,20"


@dataclass(frozen=True)
class MaskOptions:
    """What is done to every mask."""

    invert: bool = False
    dilate: int = 0  # pixels
    feather: int = 0  # pixels outside the hole in which the completion fades into the photo
    seed: int = 0


@dataclass(frozen=True)
class Hole:
    """What is missing of one photo."""

    pixels: Any  # bool [H, W] or [H, W, C], with what is dilated and not what is feathered
    notes: tuple[str, ...] = ()
    makes_opaque: bool = False  # the hole is what was transparent


def check_mask(mask: str | None) -> None:
    """Refuse before any work a --mask that is right for no photo: a wrong specification, a file that does not exist."""
    from inpaint_cli.imaging.holes import parse_colour
    from inpaint_cli.masks import KINDS, parse_masks

    if mask is None or mask == "alpha":
        return
    kind, colon, rest = mask.partition(":")
    if not is_specification(mask):
        if not Path(mask).exists():
            near = f", and {unknown('masks', kind, [*KINDS, 'alpha', 'auto'])}" if colon else ""
            raise InputError(f"--mask {mask}: no such file or folder{near}")
    elif kind.strip().lower() == "auto":
        parse_colour(rest)
    else:
        parse_masks(mask)


def find_hole(photo: Any, name: str, mask: Path | str, options: MaskOptions) -> Hole:
    """The hole of `photo` (imaging.photos.Photo); `name` is the photo's, of which drawn masks are a function."""
    from inpaint_cli.imaging.holes import dilated, refuse_senseless

    kind = mask.partition(":")[0].strip().lower() if isinstance(mask, str) else "a file"
    found = {"a file": _from_file, "alpha": _transparent, "auto": _of_colour, "none": _nothing}.get(kind, _drawn)(
        photo, name, mask, options
    )
    if not options.dilate or kind == "none":
        return found
    grown = dilated(found.pixels, options.dilate)
    refuse_senseless(grown, mask, help_all=f"--dilate {options.dilate} is too much for it")
    return Hole(grown, found.notes, found.makes_opaque)


def _nothing(photo: Any, name: str, mask: str, options: MaskOptions) -> Hole:
    import numpy as np

    return Hole(np.zeros(photo.pixels.shape[:2], bool))


def _from_file(photo: Any, name: str, mask: Path, options: MaskOptions) -> Hole:
    from inpaint_cli.imaging.holes import open_mask

    return Hole(*open_mask(mask, photo.size, options.invert))


def _transparent(photo: Any, name: str, mask: str, options: MaskOptions) -> Hole:
    from inpaint_cli.imaging.holes import refuse_senseless, transparent_pixels

    hole = transparent_pixels(photo) ^ options.invert
    refuse_senseless(hole, "mask alpha", "every pixel of the photo is opaque", "no pixel of the photo is opaque")
    return Hole(hole, makes_opaque=not options.invert)


def _of_colour(photo: Any, name: str, mask: str, options: MaskOptions) -> Hole:
    from inpaint_cli.imaging.holes import pixels_of_colour, refuse_senseless

    hole = pixels_of_colour(photo, mask.partition(":")[2]) ^ options.invert
    refuse_senseless(hole, f"mask {mask}", TRY_TOLERANCE, "every pixel has that colour")
    return Hole(hole)


def _drawn(photo: Any, name: str, mask: str, options: MaskOptions) -> Hole:
    """One mask of the process, a function of the seed and the photo's name: the same alone and among many."""
    from inpaint_cli.engine.randomness import generator_for
    from inpaint_cli.imaging.decoding import printable
    from inpaint_cli.imaging.holes import refuse_senseless
    from inpaint_cli.masks import parse_masks

    height, width, channels = photo.pixels.shape
    generator = generator_for("cpu", options.seed, f"mask of {printable(name)}")
    known = parse_masks(mask).draw(1, (channels, height, width), generator=generator)[0]
    hole = (known.permute(1, 2, 0).numpy() == 0) ^ options.invert
    refuse_senseless(hole, f"mask {mask}", "another --seed may draw one", "another --seed may leave something")
    return Hole(hole[:, :, 0] if hole.shape[2] == 1 else hole)
