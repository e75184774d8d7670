"""Photos and masks in any of the kinds that a program has them in, and the answer in the kind that was given.

A photo is a file's path, a Pillow image, or an array: uint8 or uint16, [H, W] or [H, W, C] with C = 1 or 3, or 2 or 4
with an alpha channel. A mask is any of these, white being the hole, a boolean array (True is missing), or a
specification.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from inpaint_cli.errors import InputError, UsageError, printable
from inpaint_cli.imaging.decoding import SIXTEEN_BIT, colour_and_alpha, pixels_of
from inpaint_cli.imaging.holes import mask_in, refuse_senseless
from inpaint_cli.imaging.photos import Photo, read_photo, write_photo
from inpaint_cli.jobs.photos.holes import Hole, MaskOptions, check_mask, find_hole, grown
from inpaint_cli.jobs.photos.pairing import is_specification, mask_of, numbered, result_path

Picture = Path | str | Image.Image | np.ndarray
NAMELESS = "the photo"


def name_of(picture: Picture) -> str:
    """What messages call it, and what masks that are drawn for it are a function of."""
    return printable(Path(picture).name) if isinstance(picture, Path | str) else NAMELESS


def photo_of(picture: Picture) -> Photo:
    """Any kind of photo; `InputError` says which kinds there are."""
    if isinstance(picture, Path | str):
        return read_photo(picture)
    if isinstance(picture, Image.Image):
        return _of_image(picture)
    if isinstance(picture, np.ndarray):
        return _of_array(picture)
    kinds = "a path, a Pillow image, or a NumPy array of uint8 or uint16"
    raise InputError(f"{NAMELESS} is {type(picture).__name__}; it may be {kinds}")


def _of_image(image: Image.Image) -> Photo:
    upright = ImageOps.exif_transpose(image)
    if upright.mode in SIXTEEN_BIT:
        return _of_array(np.asarray(upright).astype(np.uint16))
    colour, alpha = colour_and_alpha(upright)
    return Photo(pixels_of(colour).copy(), None if alpha is None else np.array(alpha))


def _of_array(array: np.ndarray) -> Photo:
    channels = 1 if array.ndim == 2 else array.shape[-1]
    if array.ndim not in (2, 3) or channels not in (1, 2, 3, 4) or 0 in array.shape:
        raise InputError(f"{NAMELESS} has the shape {array.shape}; it may be [H, W], or [H, W, C] with C from 1 to 4")
    if array.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{NAMELESS} is an array of {array.dtype}; it may be of uint8 or uint16")
    pixels = array.reshape(*array.shape[:2], channels)
    has_alpha = channels in (2, 4)
    colour = pixels[:, :, : channels - has_alpha]
    return Photo(np.ascontiguousarray(colour), np.ascontiguousarray(pixels[:, :, -1]) if has_alpha else None)


def hole_of(mask: Picture | None, picture: Picture, photo: Photo, options: MaskOptions) -> Hole:
    """What a mask of any kind says is missing of the photo.

    mask: None for PHOTO_mask.EXT beside a photo that is a file. `UsageError` where a mask is needed and none was given.
    """
    name = name_of(picture)
    if isinstance(mask, np.ndarray):
        return grown(_of_mask_array(mask, photo, options.invert), "the mask", options)
    if isinstance(mask, Image.Image):
        found = mask_in(ImageOps.exif_transpose(mask), "the mask", photo.size, options.invert)
        return grown(Hole(found.hole, found.notes), "the mask", options)
    text = None if mask is None else str(mask)
    check_mask(text)
    if isinstance(picture, Path | str):
        return find_hole(photo, name, mask_of(Path(picture), text), options)
    if text is None:
        raise UsageError(f"{NAMELESS} is no file, so that no mask can lie beside it: give one")
    return find_hole(photo, name, text if is_specification(text) else Path(text), options)


def _of_mask_array(mask: np.ndarray, photo: Photo, invert: bool) -> Hole:
    """bool: True is missing, [H, W] or [H, W, C] for single channels; integers: white is missing."""
    if mask.dtype != bool:
        found = mask_in(Image.fromarray(_in_eight_bits(mask)), "the mask", photo.size, invert)
        return Hole(found.hole, found.notes)
    if mask.shape not in (photo.pixels.shape[:2], photo.pixels.shape):
        raise InputError(
            f"the mask has the shape {mask.shape}, and the photo {photo.pixels.shape}: a mask is [H, W], or [H, W, C] "
            "with as many channels, to hide single ones"
        )
    hole = mask ^ invert
    refuse_senseless(hole, "the mask", "True is what is to be completed", "False is what is known")
    return Hole(hole)


def _in_eight_bits(mask: np.ndarray) -> np.ndarray:
    """uint8 [H, W] or [H, W, C], as Pillow takes it."""
    if mask.dtype == np.uint16:
        mask = (mask >> 8).astype(np.uint8)
    if mask.dtype != np.uint8 or mask.ndim not in (2, 3) or (mask.ndim == 3 and mask.shape[2] not in (1, 2, 3, 4)):
        raise InputError(
            f"the mask is an array of {mask.dtype} with the shape {mask.shape}; it may be boolean (True is missing) or "
            "uint8 or uint16 as an image has them (white is missing)"
        )
    return mask[:, :, 0] if mask.ndim == 3 and mask.shape[2] == 1 else mask


def answered(picture: Picture, photo: Photo, completed: np.ndarray) -> list[np.ndarray] | list[Image.Image]:
    """Completions [S, H, W, C] of a photo that is no file, each in its kind; its alpha comes after the colours."""
    alpha = None if photo.alpha is None else photo.alpha[:, :, None]
    arrays = [sample if alpha is None else np.concatenate([sample, alpha], axis=2) for sample in completed]
    if isinstance(picture, np.ndarray):
        return [array.reshape(picture.shape) for array in arrays]
    images = [Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array) for array in arrays]
    for image in images:
        image.info = {key: value for key, value in getattr(picture, "info", {}).items() if key not in UPRIGHT_ALREADY}
    return images


UPRIGHT_ALREADY = ("exif", "XML:com.adobe.xmp", "transparency")  # what would turn the image, or hide a colour, again


def written(
    picture: Path | str, photo: Photo, completed: np.ndarray, output: Path | None, overwrite: bool
) -> list[Path]:
    """Completions [S, H, W, C] of a file, in files: `output`, or PHOTO_inpaint.EXT beside it; several are numbered."""
    paths = numbered(output or result_path(Path(picture), None), len(completed))
    for path, pixels in zip(paths, completed, strict=True):
        write_photo(photo, pixels, path, overwrite)
    return paths
