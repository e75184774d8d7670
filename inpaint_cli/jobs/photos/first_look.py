"""A photo that cannot be completed is refused before torch is imported: what is wrong with it, its mask or its place.

One small photo is read for that, and again when it is completed; of several each is its own outcome.
"""

import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from PIL import Image

from inpaint_cli.files import refuse_inputs, refuse_missing_folder
from inpaint_cli.imaging.photos import output_format, read_photo
from inpaint_cli.jobs.photos.finding import Masks, find_photos
from inpaint_cli.jobs.photos.holes import MaskOptions, check_mask, find_hole, refuse_mask_among_photos
from inpaint_cli.jobs.photos.pairing import folder_of
from inpaint_cli.masks import names_masks, parse_masks

LOOKED_AT = 4_000_000  # pixels: they are decoded in a tenth of a second


def refuse_photo(
    photos: Sequence[Path], mask: str | None, output: str | None, options: MaskOptions, recursive: bool = False
) -> None:
    """The errors that `complete_photos` would raise of one photo and its mask."""
    check_mask(mask, options.fit)
    found = find_photos(photos, recursive)
    if mask is None:
        refuse_mask_among_photos(found.photos)
    if output is not None and folder_of(output, found.several) is None:
        output_format(output)
        refuse_inputs([Path(output)], found.photos)
        refuse_missing_folder(Path(output).parent)
    if found.several or not _is_small(found.photos[0]):
        return
    photo = read_photo(found.photos[0])
    named = Masks(mask).of(found.photos[0])
    if isinstance(named, Path) or not names_masks(named):
        find_hole(photo, found.photos[0].name, named, options)
    elif drawn := parse_masks(named).without_files:
        height, width, channels = photo.pixels.shape
        drawn.check((channels, height, width))


def _is_small(photo: Path) -> bool:
    """Also what no header says anything of: reading it says what it is."""
    with suppress(OSError, ValueError), warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)  # Pillow's word for a large photo
        try:
            with Image.open(photo) as image:
                return image.width * image.height <= LOOKED_AT
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            return False
    return True
