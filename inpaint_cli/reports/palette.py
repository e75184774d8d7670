"""Colours for label maps: fixed, so that a part of a face has the same colour on every sheet."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageColor

# Neighbouring numbers differ in hue or in lightness. 0 is the background.
_HEXADECIMAL = (
    "#202020", "#f2c09a", "#2a78d6", "#7fc4f5", "#0b7a3b", "#8fdc6a", "#e0383e", "#ff8ac2", "#7a1fa2", "#c46bff",
    "#8a5a2b", "#f5d327", "#00a6a6", "#ff7f0e", "#b0b0b0", "#5b6c00", "#d62fa0", "#aee8df", "#6a6aff", "#ffffff",
)  # fmt: skip
PALETTE = np.array([ImageColor.getrgb(colour) for colour in _HEXADECIMAL], np.uint8)  # [20, 3]


def coloured(labels: np.ndarray) -> np.ndarray:
    """A label map uint8 [H, W] -> its colours uint8 [H, W, 3]; numbers beyond the palette begin it anew."""
    return PALETTE[labels % len(PALETTE)]


def palette_image(labels: np.ndarray) -> Image.Image:
    """A label map uint8 [H, W] as an image of mode P: its pixels are the labels, its palette the colours."""
    image = Image.fromarray(labels).convert("L")
    image.putpalette(np.resize(PALETTE, (256, 3)).tobytes())
    return image


def swatches(names: Sequence[str], side: int = 24) -> tuple[list[np.ndarray], list[str]]:
    """A square of each label's colour, and each label's number with its name."""
    squares = [np.broadcast_to(PALETTE[number % len(PALETTE)], (side, side, 3)).copy() for number in range(len(names))]
    return squares, [f"{number}\n{name}" for number, name in enumerate(names)]
