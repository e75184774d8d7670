"""`--reference`: the image whose features a completion takes over inside the hole."""

from pathlib import Path

import numpy as np

from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.imaging.decoding import printable
from inpaint_cli.imaging.photos import Photo
from inpaint_cli.jobs.loading import Loaded
from inpaint_cli.jobs.photos.pictures import Picture, name_of, photo_of

FLAT = 2 / 255  # of full scale: what differs no more than that inside the hole shows nothing
LUMA = (0.299, 0.587, 0.114)  # Rec. 601


def refuse_reference(loaded: Loaded, reference: Picture | None) -> None:
    """`UsageError` when the method looks at no reference, `InputError` when there is none."""
    if reference is None:
        return
    if not loaded.method.takes_reference:
        raise UsageError(f"--reference: {loaded.name} looks at the photo alone; a checkpoint of semantic takes one")
    if isinstance(reference, Path) and not reference.is_file():
        raise InputError(f"--reference {printable(reference)}: no such file")


def read_reference(picture: Picture | None, photo: Photo, name: str, hole: np.ndarray) -> np.ndarray | None:
    """The reference in the photo's number of channels, [H, W, C], or None where none was given.

    name: the photo's; hole: bool [H, W] or [H, W, C].
    Raises `InputError` for a reference of another size, and for one that shows nothing where the hole is.
    """
    if picture is None:
        return None
    reference, its_name = photo_of(picture), name_of(picture)
    if reference.size != photo.size:
        sizes = ["×".join(map(str, size)) for size in (reference.size, photo.size)]
        raise InputError(
            f"--reference {its_name} has {sizes[0]} pixels and {printable(name)} has {sizes[1]}: what it shows has to "
            "lie where the photo shows the same, so cut and resize one of them to the other's size"
        )
    _refuse_empty(reference, np.asarray(np.atleast_3d(hole).any(axis=2)), its_name)
    return _with_channels(reference.pixels, photo.pixels.shape[2])


def _refuse_empty(reference: Photo, where: np.ndarray, its_name: str) -> None:
    seen = reference.pixels[where].astype(float) / np.iinfo(reference.pixels.dtype).max
    hidden = reference.alpha is not None and (reference.alpha[where] == 0).any()
    if hidden or np.ptp(seen, axis=0).max() <= FLAT:
        what = "is transparent" if hidden else "has one colour"
        raise InputError(
            f"--reference {its_name} {what} where the hole is: there is no face to take features from; "
            "give one that shows them at the same place"
        )


def _with_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Grey as colour, or colour as grey."""
    if pixels.shape[2] == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, axis=2)
    return (pixels @ np.array(LUMA)).round().astype(pixels.dtype)[:, :, None]
