"""Photos and masks in any of the kinds that a program has them in, and the answer in the kind that was given.

A photo is a file's path, a Pillow image, or an array: uint8 or uint16, [H, W] or [H, W, C] with C = 1 or 3, or 2 or 4
with an alpha channel. A mask is any of these, white being the hole, a boolean array (True is missing), or a
specification.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from inpaint_cli.errors import InputError, UsageError, printable
from inpaint_cli.imaging.coverage import in_eight_bits
from inpaint_cli.imaging.decoding import SIXTEEN_BIT, colour_and_alpha, pixels_of
from inpaint_cli.imaging.mask_files import Layers, check_fit, layers_of, refuse_senseless, understood
from inpaint_cli.imaging.metadata import Metadata
from inpaint_cli.imaging.native import Inks, ink_image, numbers_of
from inpaint_cli.imaging.orientation import orientation_of, upright_image
from inpaint_cli.imaging.photos import Photo, pages_in, read_photo
from inpaint_cli.imaging.writing import made_anew, write_photo
from inpaint_cli.jobs.photos.finding import is_specification, mask_of
from inpaint_cli.jobs.photos.holes import Hole, MaskOptions, check_mask, find_hole, grown
from inpaint_cli.jobs.photos.pairing import numbered, result_path

Picture = Path | str | Image.Image | np.ndarray
NAMELESS = "the photo"


def name_of(picture: Picture) -> str:
    """What messages call it, and what masks that are drawn for it are a function of."""
    return printable(Path(picture).name) if isinstance(picture, Path | str) else NAMELESS


def page_of(photo: Path, pages: str | None) -> int | None:
    """The one page that is asked for, from 0; `InputError` where the file has fewer."""
    if pages is None:
        return None
    if (count := pages_in(photo)) < int(pages):
        raise InputError(f"{printable(photo)}: there is no page {pages}: the file holds {count}")
    return int(pages) - 1


def photo_of(picture: Picture, most: int | None = None, page: str | None = None) -> Photo:
    """Any kind of photo; `InputError` says which kinds there are.

    most: pixels that are decoded of a file; page: the number of one of its pictures, from 1.
    """
    if isinstance(picture, Path | str):
        return read_photo(picture, most, page_of(Path(picture), page))
    if isinstance(picture, Image.Image):
        return _of_image(picture)
    if isinstance(picture, np.ndarray):
        return _of_array(picture)
    kinds = "a path, a Pillow image, or a NumPy array of uint8 or uint16"
    raise InputError(f"{NAMELESS} is {type(picture).__name__}; it may be {kinds}")


def _of_image(image: Image.Image) -> Photo:
    turned, upright = orientation_of(image), upright_image(image)
    if upright.mode in SIXTEEN_BIT:
        return replace(_of_array(np.asarray(upright).astype(np.uint16)), turned=turned)
    if upright.mode in ("I", "F"):
        return replace(_of_numbers(np.asarray(upright)), turned=turned)
    profile = image.info.get("icc_profile") or b""
    if upright.mode == "CMYK":
        inks = Inks(np.array(upright), profile)
        return Photo(inks.shown(), metadata=Metadata(icc_profile=profile), turned=turned, native=inks)
    colour, alpha = colour_and_alpha(upright)
    return Photo(pixels_of(colour).copy(), None if alpha is None else np.array(alpha), turned=turned)


def _of_array(array: np.ndarray) -> Photo:
    channels = 1 if array.ndim == 2 else array.shape[-1]
    if array.ndim not in (2, 3) or channels not in (1, 2, 3, 4) or 0 in array.shape:
        raise InputError(f"{NAMELESS} has the shape {array.shape}; it may be [H, W], or [H, W, C] with C from 1 to 4")
    if array.dtype not in (np.uint8, np.uint16):
        if channels == 1 and array.dtype.kind in "uif":
            return _of_numbers(array.reshape(array.shape[:2]))
        kinds = "of uint8 or uint16, or one raster [H, W] of any numbers"
        raise InputError(f"{NAMELESS} is an array of {array.dtype} with the shape {array.shape}; it may be {kinds}")
    pixels = array.reshape(*array.shape[:2], channels)
    has_alpha = channels in (2, 4)
    colour = pixels[:, :, : channels - has_alpha]
    return Photo(np.ascontiguousarray(colour), np.ascontiguousarray(pixels[:, :, -1]) if has_alpha else None)


def _of_numbers(array: np.ndarray) -> Photo:
    numbers = numbers_of(array)
    return Photo(numbers.shown(), native=numbers)


def hole_of(mask: Picture | None, picture: Picture, photo: Photo, options: MaskOptions) -> Hole:
    """What a mask of any kind says is missing of the photo.

    mask: None for PHOTO_mask.EXT beside a photo that is a file. `UsageError` where a mask is needed and none was given.
    """
    check_fit(options.fit)
    name = name_of(picture)
    if isinstance(mask, np.ndarray):
        return grown(_of_mask_array(mask, photo, options), "the mask", options)
    if isinstance(mask, Image.Image):
        layers = layers_of(upright_image(mask), turned=orientation_of(mask) != 1)
        return grown(Hole(*understood(layers, "the mask", photo, options.invert, options.fit)), "the mask", options)
    text = None if mask is None else str(mask)
    check_mask(text, options.fit)
    if isinstance(picture, Path | str):
        return find_hole(photo, name, mask_of(Path(picture), text), options)
    if text is None:
        raise UsageError(f"{NAMELESS} is no file, so that no mask can lie beside it: give one")
    return find_hole(photo, name, text if is_specification(text) else Path(text), options)


def _of_mask_array(mask: np.ndarray, photo: Photo, options: MaskOptions) -> Hole:
    """bool: True is missing, [H, W] or [H, W, C] for single channels; numbers: the brighter ones are missing."""
    if mask.dtype != bool:
        return Hole(*understood(_layers_of_array(mask), "the mask", photo, options.invert, options.fit))
    if mask.shape not in (photo.pixels.shape[:2], photo.pixels.shape):
        raise InputError(
            f"the mask has the shape {mask.shape}, and the photo {photo.pixels.shape}: a mask is [H, W], or [H, W, C] "
            "with as many channels, to hide single ones"
        )
    hole = mask ^ options.invert
    refuse_senseless(hole, "the mask", "True is what is to be completed", "False is what is known")
    return Hole(hole)


def _layers_of_array(mask: np.ndarray) -> Layers:
    """An array of numbers as the layers of a mask: [H, W], or as an image has them, [H, W, 1 to 4]."""
    channels = 1 if mask.ndim == 2 else mask.shape[-1]
    if mask.dtype.kind not in "uif" or mask.ndim not in (2, 3) or channels not in (1, 2, 3, 4) or 0 in mask.shape:
        raise InputError(
            f"the mask is an array of {mask.dtype} with the shape {mask.shape}; it may be boolean (True is missing) or "
            "of numbers as an image has them (white is missing)"
        )
    if channels == 1:
        return Layers(in_eight_bits(mask.reshape(mask.shape[:2])), None)
    levels = (mask >> 8).astype(np.uint8) if mask.dtype == np.uint16 else in_eight_bits(mask)
    return layers_of(Image.fromarray(levels))


def answered(
    picture: Picture, photo: Photo, completed: np.ndarray, hole: np.ndarray
) -> list[np.ndarray] | list[Image.Image]:
    """Completions [S, H, W, C] of a photo that is no file, each in its kind; its alpha comes after the colours.

    hole: bool [H, W].
    """
    arrays = [_own_numbers(photo, sample, hole) for sample in completed]
    if isinstance(picture, np.ndarray):
        return [array.reshape(picture.shape) for array in arrays]
    images = [_image_of(array, photo) for array in arrays]
    for image in images:
        image.info = {key: value for key, value in getattr(picture, "info", {}).items() if key not in UPRIGHT_ALREADY}
    return images


def _own_numbers(photo: Photo, pixels: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """A completion in the numbers that the photo was given in."""
    if photo.native is not None:
        return photo.native.filled(pixels, made_anew(photo, pixels, hole))
    return pixels if photo.alpha is None else np.concatenate([pixels, photo.alpha[:, :, None]], axis=2)


def _image_of(array: np.ndarray, photo: Photo) -> Image.Image:
    if isinstance(photo.native, Inks):
        return ink_image(array)
    plain = array.ndim == 3 and array.shape[2] == 1
    return Image.fromarray(array[:, :, 0] if plain else array)


UPRIGHT_ALREADY = ("exif", "XML:com.adobe.xmp", "transparency")  # what would turn the image, or hide a colour, again


def written(
    picture: Path | str,
    photo: Photo,
    completed: np.ndarray,
    hole: np.ndarray,
    output: Path | None,
    overwrite: bool,
    tell: Callable[[str], object],
) -> list[Path]:
    """Completions [S, H, W, C] of a file, in files: `output`, or PHOTO_inpaint.EXT beside it; several are numbered.

    hole: bool [H, W]; tell: hears what a format cannot keep.
    """
    paths: list[Path] = numbered(output or result_path(Path(picture), None), len(completed))
    notes: list[str] = []
    for path, pixels in zip(paths, completed, strict=True):
        notes += write_photo(photo, pixels, path, overwrite, hole=hole)
    for note in dict.fromkeys(notes):
        tell(note)
    return paths
