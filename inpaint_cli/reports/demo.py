"""What `make demo` needs beside the commands that it shows: photos with holes, a page about it all, README's pictures.

python -m inpaint_cli.reports.demo photos FOLDER    writes NAME.png and NAME_mask.png of each example
python -m inpaint_cli.reports.demo page FOLDER      writes index.html about what the commands left in the folder
python -m inpaint_cli.reports.demo table FOLDER     prints what results.json holds
python -m inpaint_cli.reports.demo gallery FOLDER   writes small pictures of all this for README
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageDraw

from inpaint_cli.files import replacing
from inpaint_cli.reports.pictures import photo_uri
from inpaint_cli.reports.rendering import render
from inpaint_cli.reports.tables import figure, heading, markdown

PAINT = (255, 64, 160)  # a hole, where it is shown over the photo
SCRATCH = (246, 243, 234)  # what is left of a print where its surface is gone
TOWER = (398, 104, 452, 200)  # on the skyline behind the cameraman: left, top, right, bottom
FACE, FACE_SIDE = (156, 48, 290, 182), 256  # where it is in the photo; the side that it is enlarged to
NOSE = (94, 102, 158, 168)
FIGURES = ("psnr_hole", "ssim_hole")
SYSTEMS = {
    "mde": "a network that learns",
    "patch": "copies, learns nothing",
    "tv": "continues smoothly, learns nothing",
}
GALLERY = Path(".github/gallery")
GALLERY_HEIGHT, GALLERY_QUALITY, GAP = 300, 82, 8  # pixels, JPEG's, pixels between the parts of a picture


def draw_tower(drawing: ImageDraw.ImageDraw) -> None:
    drawing.rectangle(TOWER, fill=255)


def draw_nose(drawing: ImageDraw.ImageDraw) -> None:
    drawing.ellipse(NOSE, fill=255)


def draw_scratches(drawing: ImageDraw.ImageDraw, seed: int = 3) -> None:
    """Bent lines and specks of dust, of several widths."""
    random, (width, height) = np.random.default_rng(seed), drawing.im.size
    for _ in range(14):
        middle, angle, length = random.uniform(0, (width, height)), random.uniform(0, np.pi), random.uniform(0.25, 0.8)
        along = np.linspace(-0.5, 0.5, 12)[:, None] * length * width * np.array([np.cos(angle), np.sin(angle)])
        line = [(float(x), float(y)) for x, y in middle + along + random.normal(0, 2, (12, 2))]
        drawing.line(line, fill=255, width=int(random.integers(2, 6)), joint="curve")
    for x, y, radius in random.uniform((0, 0, 1.5), (width, height, 5), (25, 3)):
        drawing.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


@dataclass(frozen=True)
class Example:
    """A photo and a hole in it, and the command that completes it."""

    title: str
    about: str
    photograph: str  # of scikit-image
    draw: Callable[[ImageDraw.ImageDraw], None]  # the hole, white on black
    part: tuple[int, int, int, int] | None = None  # left, top, right, bottom, enlarged to FACE_SIDE; None: all of it
    damage: tuple[int, int, int] | None = None  # the colour that the photo has in the hole, where it is damaged
    options: str = ""

    def pictures(self) -> tuple[Image.Image, Image.Image]:
        """Photo and mask."""
        photo = Image.fromarray(getattr(skimage.data, self.photograph)())
        if self.part:
            photo = photo.crop(self.part).resize((FACE_SIDE, FACE_SIDE), Image.Resampling.LANCZOS)
        mask = Image.new("L", photo.size, 0)
        self.draw(ImageDraw.Draw(mask))
        if self.damage:
            photo.paste(self.damage, mask=mask)
        return photo, mask


EXAMPLES = {
    "object": Example(
        "An object gone",
        "The tower on the skyline is painted over, and sky and houses go on where it was. Nothing was trained: what is "
        "missing is put together from the rest of the photo.",
        "camera",
        draw_tower,
    ),
    "scratched": Example(
        "A scratched photo restored", "Scratches and dust are the hole. Every other pixel stays as it was.", "chelsea",
        draw_scratches, damage=SCRATCH,
    ),
    "face": Example(
        "A face completed",
        "Nothing else in the photo shows a nose. A network that has seen many faces, which comes with the package, "
        "knows one.",
        "astronaut", draw_nose, part=FACE, options=" --method auto",
    ),
}  # fmt: skip


def write_photos(folder: Path) -> None:
    for name, example in EXAMPLES.items():
        photo, mask = example.pictures()
        save(photo, folder / f"{name}.png")
        save(mask, folder / f"{name}_mask.png")


def save(image: Image.Image, path: Path) -> None:
    with replacing(path, overwrite=True) as temporary:
        image.save(temporary, quality=GALLERY_QUALITY)


def steps_of(folder: Path, name: str) -> list[Image.Image]:
    """Of one example the photo, the photo with its hole painted, the photo completed."""
    photo, completed = (Image.open(folder / f"{name}{end}.png").convert("RGB") for end in ("", "_inpaint"))
    painted = photo.copy()
    painted.paste(PAINT, mask=Image.open(folder / f"{name}_mask.png"))
    return [photo, painted, completed]


def completed_examples(folder: Path) -> dict[str, Example]:
    return {name: example for name, example in EXAMPLES.items() if (folder / f"{name}_inpaint.png").exists()}


def write_gallery(folder: Path) -> None:
    """Small pictures: of each example the three steps side by side, and the systems on the same images."""
    GALLERY.mkdir(parents=True, exist_ok=True)
    save(Image.open(folder / "examples.png").convert("RGB"), GALLERY / "training.jpg")
    for name in completed_examples(folder):
        parts = [
            part.resize((part.width * GALLERY_HEIGHT // part.height, GALLERY_HEIGHT)) for part in steps_of(folder, name)
        ]
        picture = Image.new("RGB", (sum(part.width + GAP for part in parts) - GAP, GALLERY_HEIGHT), "white")
        for number, part in enumerate(parts):
            picture.paste(part, (number * (part.width + GAP), 0))
        save(picture, GALLERY / f"{name}.jpg")


def write_demo_page(folder: Path) -> None:
    """One page about everything that stands in the folder."""
    captions = ("The photo", "What is to be completed", "Completed")
    examples = [
        (name, example, [(photo_uri(np.asarray(step)), said) for step, said in zip(steps, captions, strict=True)])
        for name, example in completed_examples(folder).items()
        for steps in [steps_of(folder, name)]
    ]
    systems = photo_uri(np.asarray(Image.open(folder / "examples.png")))
    header, rows = measured(folder)
    text = render("demo.html.j2", examples=examples, systems=systems, header=header, rows=rows)
    with replacing(folder / "index.html", overwrite=True) as temporary:
        temporary.write_text(text, encoding="utf-8")


def measured(folder: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the table: each system with its figures of the hole, the best first."""
    results = json.loads((folder / "results.json").read_text())["results"]
    results.sort(key=lambda result: -result["metrics"][FIGURES[0]])
    columns = {name: results[0]["columns"][name] for name in FIGURES}
    header = ["", *(heading(name.removesuffix("_hole"), column) for name, column in columns.items())]
    rows = [
        [
            f"{result['system']}, {SYSTEMS[result['system'].split()[0]]}",
            *(figure(result, name, column) for name, column in columns.items()),
        ]
        for result in results
    ]
    return header, rows


def print_table(folder: Path) -> None:
    print(markdown(*measured(folder)))


STEPS = {"photos": write_photos, "page": write_demo_page, "table": print_table, "gallery": write_gallery}

if __name__ == "__main__":
    STEPS[sys.argv[1]](Path(sys.argv[2]))
