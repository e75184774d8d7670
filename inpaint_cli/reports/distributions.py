"""The distributions of one pixel's channels as an SVG figure: Deep Image Inpainting's figure 8, for any pixel."""

from dataclasses import dataclass
from html import escape

import numpy as np

from inpaint_cli.reports.pictures import photo_uri

PANEL, GAP, LEFT, TOP, BASE = (240, 150), 34, 190, 62, 40  # a panel's size; between panels; room around them
COLOURS = {1: [("grey", "#555555")], 3: [("R", "#c8322b"), ("G", "#23853b"), ("B", "#2a62c4")]}
TICKS = (0, 64, 128, 192, 255)
PICTURE = 144  # the side at which the image is shown, pixels


@dataclass(frozen=True)
class Pixel:
    """What the figure shows."""

    title: str
    image: np.ndarray  # uint8 [H, W, C]
    row: int
    column: int
    shares: np.ndarray  # [C, 256], each sums to 1


def distributions(pixel: Pixel) -> str:
    """The figure: the image with the pixel marked, and a panel for each channel with its true level dashed."""
    channels = COLOURS[len(pixel.shares)]
    width = LEFT + len(channels) * (PANEL[0] + GAP)
    height = max(TOP + PANEL[1] + BASE, TOP + PICTURE + 14)
    panels = [
        _panel(name, colour, shares, int(level), LEFT + number * (PANEL[0] + GAP))
        for number, ((name, colour), shares, level) in enumerate(
            zip(channels, pixel.shares, pixel.image[pixel.row, pixel.column], strict=True)
        )
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="11" fill="#333">\n<title>{escape(pixel.title)}</title>\n'
        f'<rect width="{width}" height="{height}" fill="white"/>\n'
        f'<text x="14" y="20" font-size="13">{escape(pixel.title)}</text>\n{_picture(pixel)}\n' + "\n".join(panels)
    ) + "\n</svg>\n"


def _picture(pixel: Pixel) -> str:
    height, width = pixel.image.shape[:2]
    scale = PICTURE / max(height, width)
    return (
        f'<g transform="translate(14 {TOP}) scale({scale:.4f})"><image width="{width}" height="{height}" '
        f'style="image-rendering: pixelated" href="{photo_uri(pixel.image)}"/><rect x="{pixel.column}" '
        f'y="{pixel.row}" width="1" height="1" fill="none" stroke="#ff00ff" stroke-width="{2 / scale:.4f}"/></g>'
    )


def _panel(name: str, colour: str, shares: np.ndarray, level: int, left: int) -> str:
    width, height = PANEL
    step, highest = width / len(shares), float(shares.max())
    outline = "".join(
        f"V{height * (1 - share / highest):.2f}H{step * (number + 1):.2f}" for number, share in enumerate(shares)
    )
    ticks = "".join(
        f'<text x="{step * (tick + 0.5):.1f}" y="{height + 15}" text-anchor="middle">{tick}</text>' for tick in TICKS
    )
    true = step * (level + 0.5)
    return (
        f'<g transform="translate({left} {TOP})"><text y="-24" font-weight="bold" fill="{colour}">{name}</text>'
        f'<text x="{width}" y="-6" text-anchor="end">most probable {int(shares.argmax())}, p = {highest:.2g}; '
        f"true {level}, p = {shares[level]:.2g}</text>"
        f'<path d="M0 {height}{outline}V{height}Z" fill="{colour}" fill-opacity="0.75"/>'
        f'<path d="M{true:.2f} 0V{height}" stroke="#333" stroke-dasharray="3 3"/>'
        f'<path d="M0 {height}H{width}" stroke="#333"/>{ticks}</g>'
    )
