"""Pictures as pages carry them: data URIs, and of a completion only what it changed."""

import base64
import io
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

LOSSLESS_PIXELS = 1_000_000  # above this JPEG and WebP of quality 90, which the eye does not tell from the original
LOSSLESS = {"format": "WEBP", "lossless": True, "method": 2}
LOSSY = {"format": "JPEG", "quality": 90, "subsampling": 0}
LOSSY_WITH_ALPHA = {"format": "WEBP", "quality": 90, "method": 2}
SEAM = 16  # pixels around the hole that a patch carries too: JPEG blurs what was in the hole as far as this
THUMBNAIL = 360  # pixels, the longer side
CONTEXT = 0.35  # of the hole's longer side, on each side of it in a thumbnail
ACCENT = (255, 61, 113)  # the mask's colour over a photo


class Box(NamedTuple):
    """A rectangle of the picture; right and bottom are the first pixels outside."""

    left: int
    top: int
    right: int
    bottom: int


def data_uri(image: Image.Image, **options: Any) -> str:
    """`data:image/…;base64,…`; Pillow's `save` takes the options, `format` among them."""
    stream = io.BytesIO()
    image.save(stream, **options)
    return f"data:image/{options['format'].lower()};base64,{base64.b64encode(stream.getvalue()).decode()}"


def photo_uri(pixels: np.ndarray) -> str:
    """uint8 [H, W, C] -> the whole picture: exact where it is small."""
    image = as_image(pixels)
    return data_uri(image, **(LOSSLESS if image.width * image.height <= LOSSLESS_PIXELS else LOSSY))


def patch_uri(pixels: np.ndarray, hole: np.ndarray) -> tuple[str, Box]:
    """The part of a completion (uint8 [H, W, C]) that a page lays over the photo, transparent away from the hole."""
    box = box_around(hole, SEAM)
    near = ndimage.maximum_filter(_cut(hole, box).astype(np.uint8) * 255, size=2 * SEAM + 1)
    patch = as_image(_cut(pixels, box)).convert("RGB")
    patch.putalpha(Image.fromarray(near))
    return data_uri(patch, **(LOSSLESS if near.size <= LOSSLESS_PIXELS else LOSSY_WITH_ALPHA)), box


def mask_uri(hole: np.ndarray) -> str:
    """The hole in one colour, transparent elsewhere."""
    image = Image.fromarray(hole.astype(np.uint8))
    image.putpalette([0, 0, 0, *ACCENT])
    return data_uri(image, format="PNG", transparency=0, bits=1)


def thumbnail_uri(pixels: np.ndarray, hole: np.ndarray) -> str:
    """The hole with some of its surroundings, small: what tells one completion from another."""
    tight = box_around(hole, 0)
    margin = round(CONTEXT * max(tight.right - tight.left, tight.bottom - tight.top)) + SEAM
    image = as_image(_cut(pixels, box_around(hole, margin))).convert("RGB")
    image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    return data_uri(image, format="WEBP", quality=85)


def box_around(hole: np.ndarray, margin: int) -> Box:
    """The smallest rectangle with the hole and `margin` pixels around it, cut off at the picture's edges."""
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    return Box(
        max(int(columns[0]) - margin, 0),
        max(int(rows[0]) - margin, 0),
        min(int(columns[-1]) + 1 + margin, hole.shape[1]),
        min(int(rows[-1]) + 1 + margin, hole.shape[0]),
    )


def shrunk(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 [H, W, C] at another size (width, height)."""
    if size == pixels.shape[1::-1]:
        return pixels
    small = np.asarray(as_image(pixels).resize(size, Image.Resampling.LANCZOS))
    return small.reshape(size[1], size[0], -1)


def shrunk_hole(hole: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """bool [H, W] at another size: missing wherever anything under the pixel is."""
    if size == hole.shape[::-1]:
        return hole
    return np.asarray(Image.fromarray(hole.astype(np.float32)).resize(size, Image.Resampling.BOX)) > 0


def size_within(size: tuple[int, int], pixels: int) -> tuple[int, int]:
    """The largest size (width, height) of the same aspect with at most this many pixels; never larger than `size`."""
    scale = min(1.0, (pixels / (size[0] * size[1])) ** 0.5)
    return max(1, int(size[0] * scale)), max(1, int(size[1] * scale))


def as_image(pixels: np.ndarray) -> Image.Image:
    """uint8 [H, W, 1 or 3] -> an image of mode L or RGB."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def _cut(image: np.ndarray, box: Box) -> np.ndarray:
    return image[box.top : box.bottom, box.left : box.right]
