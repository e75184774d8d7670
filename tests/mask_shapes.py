"""Masks as painting programs and cameras make them, with what they cover: shared by tests of masks."""

import io

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

WIDTH, HEIGHT, FINER = 200, 160, 4
CASES_ARE_ELSEWHERE = "the collection of cases is not here"


def _disc(draw: ImageDraw.ImageDraw, scale: int) -> None:
    draw.ellipse([63 * scale, 31 * scale, 130 * scale, 98 * scale], fill=255)


def _polygon(draw: ImageDraw.ImageDraw, scale: int) -> None:
    corners = [(20, 20), (90, 45), (170, 25), (150, 120), (80, 100), (35, 130)]
    draw.polygon([(x * scale, y * scale) for x, y in corners], fill=255)


def _stroke(draw: ImageDraw.ImageDraw, scale: int) -> None:
    points = [(10, 20), (60, 50), (90, 30), (120, 110), (180, 130)]
    draw.line([(x * scale, y * scale) for x, y in points], fill=255, width=6 * scale, joint="curve")


SHAPES = {"disc": _disc, "polygon": _polygon, "stroke": _stroke}


def drawn(shape: str, scale: int) -> np.ndarray:
    """The shape at so many times the size, bool [H, W]."""
    image = Image.new("L", (WIDTH * scale, HEIGHT * scale))
    SHAPES[shape](ImageDraw.Draw(image), scale)
    return np.asarray(image) > 0


def hard(shape: str) -> np.ndarray:
    """Black and white levels, uint8 [H, W]."""
    return np.where(drawn(shape, 1), np.uint8(255), np.uint8(0))


def smooth(shape: str) -> np.ndarray:
    """Levels with a smooth edge: how much of each pixel the shape covers."""
    share = drawn(shape, FINER).reshape(HEIGHT, FINER, WIDTH, FINER).mean(axis=(1, 3))
    return (share * 255).round().astype(np.uint8)


def soft(shape: str, sigma: float = 4) -> np.ndarray:
    """Levels of a soft selection."""
    return ndimage.gaussian_filter(hard(shape).astype(float), sigma).round().astype(np.uint8)


def compressed(levels: np.ndarray, quality: int) -> np.ndarray:
    """Levels after a JPEG of that quality."""
    held = io.BytesIO()
    Image.fromarray(levels).save(held, "JPEG", quality=quality)
    return np.asarray(Image.open(held))
