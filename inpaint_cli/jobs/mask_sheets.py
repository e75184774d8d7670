"""A sheet that shows what a mask specification means: samples drawn over a photo, striped where nothing is known."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from skimage import data

from inpaint_cli.files import refuse_existing, refuse_inputs, replacing
from inpaint_cli.imaging.decoding import decode
from inpaint_cli.imaging.photos import output_format
from inpaint_cli.masks import parse_masks
from inpaint_cli.reports.grids import grid

COLUMNS = 6
# The face in scikit-image's photo of an astronaut, cut so that eyes and mouth lie where `face` masks expect them.
FACE_BOX = (156, 48, 290, 182)
HATCH = (190, 165)  # grey levels of the diagonal stripes that stand for missing pixels
STRIPE = 4  # pixels


def draw_masks(
    spec: str,
    output: Path,
    *,
    photo: Path | None = None,
    size: int = 128,
    count: int = 12,
    seed: int = 0,
    overwrite: bool = False,
) -> str:
    """Write the sheet; returns what it says: how much is known, and what the masks are.

    photo: what is drawn over, an astronaut unless told otherwise; size: the side in pixels; count: of random masks.
    """
    form = output_format(output)
    refuse_inputs([output], [photo])
    refuse_existing(output, overwrite)
    process = parse_masks(spec)
    height, width = process.only_size or (size, size)
    process.check((3, height, width))
    image = ImageOps.fit(_photo(photo, "face" in process.kinds), (width, height))
    generator = torch.Generator().manual_seed(seed)
    drawn = process.draw(count if process.varies else 1, (3, height, width), generator=generator)
    known = drawn.permute(0, 2, 3, 1).numpy() > 0  # [count, H, W, 1 or 3]
    cells = [hide(image, mask) for mask in known]
    rows = [cells[start : start + COLUMNS] for start in range(0, len(cells), COLUMNS)]
    caption = "\n".join([f"{process.spec}: {known.mean():.1%} of all values known", *process.meanings])
    with replacing(output, overwrite) as temporary:
        grid(rows, title=caption).save(temporary, format=form.name, **form.options)
    return caption


def hide(image: Image.Image, known: np.ndarray) -> np.ndarray:
    """Stripes where no channel is known, black in the missing channels elsewhere. bool [H, W, 1 or 3] -> [H, W, 3]"""
    seen = np.asarray(image) * known
    y, x = np.indices(known.shape[:2])
    stripes = np.asarray(HATCH, dtype=np.uint8)[(x + y) // STRIPE % 2]
    return np.where(known.any(axis=2, keepdims=True), seen, stripes[:, :, None])


def _photo(path: Path | None, of_face: bool) -> Image.Image:
    """The user's photo, or the astronaut that scikit-image carries: her face alone for masks of faces."""
    if path is not None:
        return Image.fromarray(decode(path))
    astronaut = Image.fromarray(data.astronaut())
    return astronaut.crop(FACE_BOX) if of_face else astronaut
