"""`--reference`: the image whose features a completion takes over inside the hole."""

from pathlib import Path
from typing import Any

from inpaint_cli.cli.pairing import shown
from inpaint_cli.errors import InputError, UsageError

FLAT = 2 / 255  # of full scale: what differs no more than that inside the hole shows nothing


def refuse_reference(loaded: Any, reference: Path | None) -> None:
    """`UsageError` when the method looks at no reference, `InputError` when there is none."""
    if reference is None:
        return
    if not loaded.method.takes_reference:
        raise UsageError(f"--reference: {loaded.name} looks at the photo alone; a checkpoint of semantic takes one")
    if not reference.is_file():
        raise InputError(f"--reference {shown(reference)}: no such file")


def read_reference(path: Path | None, photo: Any, name: str, hole: Any) -> Any:
    """The reference in the photo's number of channels, [H, W, C], or None where none was given.

    photo: imaging.photos.Photo, called `name`; hole: bool [H, W] or [H, W, C].
    Raises `InputError` for a reference of another size, and for one that shows nothing where the hole is.
    """
    import numpy as np

    from inpaint_cli.imaging.photos import read_photo

    if path is None:
        return None
    reference = read_photo(path)
    if reference.size != photo.size:
        sizes = ["×".join(map(str, size)) for size in (reference.size, photo.size)]
        raise InputError(
            f"--reference {shown(path)} has {sizes[0]} pixels and {shown(name)} has {sizes[1]}: what it shows has to "
            "lie where the photo shows the same, so cut and resize one of them to the other's size"
        )
    where = np.atleast_3d(hole).any(axis=2)
    _refuse_empty(reference, where, path)
    return _with_channels(reference.pixels, photo.pixels.shape[2])


def _refuse_empty(reference: Any, where: Any, path: Path) -> None:
    import numpy as np

    seen = reference.pixels[where].astype(float) / np.iinfo(reference.pixels.dtype).max
    hidden = reference.alpha is not None and (reference.alpha[where] == 0).any()
    if hidden or np.ptp(seen, axis=0).max() <= FLAT:
        what = "is transparent" if hidden else "has one colour"
        raise InputError(
            f"--reference {shown(path)} {what} where the hole is: there is no face to take features from; "
            "give one that shows them at the same place"
        )


def _with_channels(pixels: Any, channels: int) -> Any:
    """Grey as colour, or colour as grey (Rec. 601)."""
    import numpy as np

    if pixels.shape[2] == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, axis=2)
    grey = pixels @ np.array([0.299, 0.587, 0.114])
    return grey.round().astype(pixels.dtype)[:, :, None]
