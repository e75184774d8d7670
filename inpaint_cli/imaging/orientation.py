"""EXIF orientations: how a camera's pixels become the picture as it looks upright."""

from collections.abc import Callable

import numpy as np
from PIL import ExifTags, Image

TURNS_THE_SIDES = (5, 6, 7, 8)  # orientations whose width is the picture's height
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
TURNS_OF_ARRAYS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels),
}


BACK = {6: 8, 8: 6}  # the turn that undoes another; the others undo themselves


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) to 8; 1 where the file has none or a damaged one."""
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged metadata says nothing about the pixels
        return 1
    return found if found in TURNS else 1


def upright_image(image: Image.Image) -> Image.Image:
    """The image as it looks, with what its file says of it."""
    turn = TURNS.get(orientation_of(image))
    if turn is None:
        return image
    turned = image.transpose(turn)
    turned.format = image.format
    return turned


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """[H, W] or [H, W, C] as it looks."""
    return np.ascontiguousarray(TURNS_OF_ARRAYS.get(orientation, lambda same: same)(pixels))
