"""Photographs of every kind that people complete, each with its truth and a drawn hole, at most 384 pixels long."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from skimage import data

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
LONGEST = 384  # pixels of a photograph's longer side
Hole = Callable[[ImageDraw.ImageDraw, int, int], None]


@dataclass(frozen=True)
class Case:
    """`source`: a photograph of scikit-image, a scene that is drawn here, or a file under shared/data."""

    kind: str
    source: str
    hole: Hole
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)  # left, top, right, bottom, in shares

    @property
    def name(self) -> str:
        return f"{self.kind} {Path(self.source).stem}"

    def load(self) -> tuple[np.ndarray, np.ndarray] | None:
        """uint8 [H, W, 3] and the hole, bool [H, W]; None where the file is not at hand."""
        photo = photograph(self.source)
        if photo is None:
            return None
        left, top, right, bottom = (round(a * b) for a, b in zip(self.crop, photo.size * 2, strict=True))
        photo = photo.crop((left, top, right, bottom))
        photo.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        mask = Image.new("L", photo.size)
        self.hole(ImageDraw.Draw(mask), *photo.size)
        return np.array(photo), np.array(mask) > 0


def photograph(source: str) -> Image.Image | None:
    if source in SCENES:
        return Image.fromarray(SCENES[source]())
    if "/" not in source:
        pixels = getattr(data, source)()
        return Image.fromarray(pixels[0] if isinstance(pixels, tuple) else pixels).convert("RGB")
    path = DATA / source
    return Image.open(path).convert("RGB") if path.is_file() else None


# ---- holes, in shares of the photograph's sides ---------------------------------------------------------------------


def box(x: float, y: float, width: float, height: float) -> Hole:
    def draw(on: ImageDraw.ImageDraw, w: int, h: int) -> None:
        on.rectangle((x * w, y * h, (x + width) * w, (y + height) * h), fill=255)

    return draw


def blob(x: float, y: float, width: float, height: float) -> Hole:
    """An object's outline: an ellipse with bumps."""

    def draw(on: ImageDraw.ImageDraw, w: int, h: int) -> None:
        around = np.linspace(0, 2 * np.pi, 80, endpoint=False)
        radius = 0.5 * (1 + 0.12 * np.sin(3 * around + 1) + 0.08 * np.sin(7 * around))
        points = ((x + width * (0.5 + radius * np.cos(around))) * w, (y + height * (0.5 + radius * np.sin(around))) * h)
        on.polygon([*zip(*points, strict=True)], fill=255)

    return draw


def person(x: float, y: float, height: float) -> Hole:
    """Head, body and legs; x is the middle, y the top."""

    def draw(on: ImageDraw.ImageDraw, w: int, h: int) -> None:
        size, middle, top = height * h, x * w, y * h
        on.ellipse((middle - 0.1 * size, top, middle + 0.1 * size, top + 0.22 * size), fill=255)
        on.rounded_rectangle(
            (middle - 0.18 * size, top + 0.18 * size, middle + 0.18 * size, top + 0.62 * size), 8, fill=255
        )
        for side in (-1, 1):
            foot = middle + side * 0.1 * size
            on.rectangle((foot - 0.07 * size, top + 0.55 * size, foot + 0.07 * size, top + size), fill=255)

    return draw


def lines(count: int, width: int, seed: int) -> Hole:
    """Wires and scratches: nearly straight, from edge to edge."""

    def draw(on: ImageDraw.ImageDraw, w: int, h: int) -> None:
        random = np.random.default_rng(seed)
        for _ in range(count):
            start, end, sag = *random.uniform(0, 1, 2), random.uniform(-0.1, 0.1)
            along = np.linspace(0, 1, 30)
            rows = (start + (end - start) * along + sag * 4 * along * (1 - along)) * h
            on.line([*zip(along * w, rows, strict=True)], fill=255, width=width)

    return draw


# ---- scenes, where no photograph is at hand: a façade, bricks and marks, with a camera's noise -----------------------


def scattered(
    count: int, ground: tuple[int, int, int], ink: tuple[int, int, int], largest: float, seed: int
) -> np.ndarray:
    random = np.random.default_rng(seed)
    scene = Image.new("RGB", (768, 768), ground)
    draw = ImageDraw.Draw(scene)
    for x, y, size, strength in zip(*random.uniform(0, 1, (4, count)), strict=True):
        r = 1.5 + largest * size**4
        colour = tuple(round(g + (i - g) * (0.35 + 0.65 * strength)) for g, i in zip(ground, ink, strict=True))
        draw.ellipse((x * 768 - r, y * 768 - r, x * 768 + r, y * 768 + r), fill=colour)
    return taken(scene.filter(ImageFilter.GaussianBlur(1)), seed)


def facade() -> np.ndarray:
    """Windows in rows, each with a frame, a sill and a curtain of its own shade."""
    random = np.random.default_rng(5)
    scene = Image.new("RGB", (768, 768), (172, 150, 122))
    draw = ImageDraw.Draw(scene)
    for row in range(8):
        draw.line((0, row * 96 + 4, 768, row * 96 + 4), fill=(120, 100, 84), width=5)
        for column in range(8):
            x, y, shade = column * 96 + 24, row * 96 + 20, random.integers(40, 110)
            draw.rectangle((x - 5, y - 5, x + 53, y + 63), fill=(228, 222, 210))
            draw.rectangle((x, y, x + 48, y + 58), fill=(shade, shade + 10, shade + 25))
            draw.line((x + 24, y, x + 24, y + 58), fill=(228, 222, 210), width=4)
            draw.rectangle((x - 9, y + 63, x + 57, y + 69), fill=(96, 84, 74))
    return taken(scene, 5)


def bricks() -> np.ndarray:
    random = np.random.default_rng(6)
    scene = Image.new("RGB", (768, 768), (186, 178, 166))
    draw = ImageDraw.Draw(scene)
    for row in range(24):
        for column in range(-1, 12):
            x, y = column * 72 + row % 2 * 36, row * 32
            colour = tuple(int(c) for c in np.array((150, 74, 56)) + random.integers(-22, 22))
            draw.rectangle((x + 3, y + 3, x + 68, y + 28), fill=colour)
    return taken(scene, 6)


def aslant(scene: np.ndarray) -> np.ndarray:
    """Seen from one side: its right edge is half as high."""
    image = Image.fromarray(scene)
    corners, onto = ((0, 0), (768, 0), (768, 768), (0, 768)), ((0, -250), (767, 140), (767, 628), (0, 1018))
    rows, right = [], []
    for (u, v), (x, y) in zip(corners, onto, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    inverse = np.linalg.solve(np.array(rows, float), np.array(right, float))
    seen = image.transform((768, 768), Image.Transform.PERSPECTIVE, [*inverse], Image.Resampling.BICUBIC)
    return np.array(seen.crop((0, 140, 768, 628)))


def taken(scene: Image.Image, seed: int) -> np.ndarray:
    """With the light's fall to one side, slight blur and a camera's noise."""
    pixels = np.array(scene.filter(ImageFilter.GaussianBlur(1.2)), float)
    light = np.linspace(1.05, 0.88, pixels.shape[1])[None, :, None]
    noise = np.random.default_rng(seed).normal(0, 5, pixels.shape)
    return (pixels * light + noise).clip(0, 255).astype(np.uint8)


SCENES: dict[str, Callable[[], np.ndarray]] = {
    "drawn-stars": lambda: scattered(900, (8, 9, 16), (250, 246, 235), 6, 1),
    "drawn-marks": lambda: scattered(500, (226, 220, 205), (60, 42, 30), 9, 2),
    "drawn-facade": facade,
    "drawn-facade-aslant": lambda: aslant(facade()),
    "drawn-bricks": bricks,
    "drawn-bricks-aslant": lambda: aslant(bricks()),
}

CASES = (
    Case("stars", "hubble_deep_field", box(0.35, 0.35, 0.28, 0.28)),
    Case("stars", "hubble_deep_field", blob(0.3, 0.3, 0.4, 0.3), (0.5, 0.1, 0.9, 0.6)),
    Case("stars", "drawn-stars", blob(0.3, 0.35, 0.35, 0.3)),
    Case("marks", "drawn-marks", blob(0.35, 0.3, 0.3, 0.35)),
    Case("marks", "immunohistochemistry", blob(0.35, 0.35, 0.3, 0.28)),
    Case("bricks", "brick", box(0.35, 0.35, 0.28, 0.28)),
    Case("bricks", "brick", person(0.5, 0.15, 0.7)),
    Case("bricks", "drawn-bricks", blob(0.3, 0.35, 0.35, 0.3)),
    Case("bricks", "drawn-bricks-aslant", box(0.3, 0.3, 0.25, 0.35)),
    Case("bricks", "rooms/002311.jpg", box(0.42, 0.12, 0.2, 0.3), (0.4, 0.0, 1.0, 0.7)),
    Case("façade", "drawn-facade", box(0.33, 0.3, 0.3, 0.25)),
    Case("façade", "drawn-facade", person(0.5, 0.25, 0.65)),
    Case("façade", "drawn-facade-aslant", box(0.3, 0.3, 0.25, 0.35)),
    Case("windows", "rooms/001541.jpg", blob(0.3, 0.25, 0.25, 0.3)),
    Case("windows", "rooms/001464.jpg", box(0.45, 0.2, 0.15, 0.35)),
    Case("windows", "rooms/004698.jpg", box(0.25, 0.3, 0.2, 0.25)),
    Case("lattice", "rooms/004258.jpg", box(0.4, 0.2, 0.2, 0.3)),
    Case("lattice", "rooms/002542.jpg", box(0.3, 0.1, 0.15, 0.4)),
    Case("lattice", "coins", box(0.36, 0.38, 0.3, 0.22)),
    Case("lattice", "photo_masks/iopaint/image.png", blob(0.15, 0.3, 0.25, 0.35)),
    Case("lattice", "food/1987407.jpg", blob(0.35, 0.4, 0.25, 0.25)),
    Case("room", "rooms/000100.jpg", blob(0.4, 0.55, 0.25, 0.3)),
    Case("room", "rooms/000595.jpg", box(0.45, 0.5, 0.2, 0.4)),
    Case("room", "rooms/001090.jpg", blob(0.35, 0.55, 0.3, 0.3)),
    Case("room", "rooms/002795.jpg", person(0.4, 0.3, 0.6)),
    Case("room", "rooms/005149.jpg", person(0.3, 0.3, 0.55)),
    Case("room", "rooms/005248.jpg", box(0.2, 0.5, 0.25, 0.3)),
    Case("room", "rooms/005061.jpg", person(0.55, 0.25, 0.6)),
    Case("room", "rooms/005094.jpg", person(0.45, 0.3, 0.55)),
    Case("room", "rooms/005743.jpg", blob(0.1, 0.3, 0.25, 0.45)),
    Case("room", "rooms/006007.jpg", blob(0.6, 0.15, 0.25, 0.35)),
    Case("grass", "grass", blob(0.3, 0.3, 0.35, 0.3)),
    Case("grass", "gravel", box(0.35, 0.35, 0.28, 0.28)),
    Case("lawn", "photo_masks/iopaint/bunny.jpeg", person(0.15, 0.25, 0.65)),
    Case("lawn", "oxford102/jpg/image_05756.jpg", person(0.25, 0.2, 0.7)),
    Case("skyline", "camera", box(0.72, 0.38, 0.22, 0.25)),
    Case("skyline", "camera", person(0.8, 0.35, 0.55)),
    Case("skyline", "rocket", blob(0.1, 0.5, 0.25, 0.3)),
    Case("skyline", "photo_masks/iopaint/overture-creations-5sI6fQgYIuo.png", person(0.18, 0.15, 0.7)),
    Case("object", "chelsea", blob(0.1, 0.55, 0.25, 0.35)),
    Case("object", "coffee", box(0.05, 0.55, 0.2, 0.3)),
    Case("object", "astronaut", blob(0.62, 0.5, 0.25, 0.3)),
    Case("object", "food/2236338.jpg", blob(0.35, 0.35, 0.28, 0.3)),
    Case("object", "food/673127.jpg", blob(0.1, 0.1, 0.3, 0.3)),
    Case("object", "oxford102/jpg/image_03835.jpg", person(0.2, 0.2, 0.65)),
    Case("wires", "camera", lines(4, 4, 1)),
    Case("wires", "photo_masks/iopaint/overture-creations-5sI6fQgYIuo.png", lines(4, 4, 2)),
    Case("scratches", "astronaut", lines(8, 3, 3)),
    Case("scratches", "stereo_motorcycle", lines(8, 3, 4)),
    Case("scratches", "rooms/000100.jpg", lines(6, 6, 5)),
)
