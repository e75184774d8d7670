"""The steps of `make demo` and `make picture` that are no command of the toolkit: photos with holes, sheets, one table.

python -m inpaint_cli.reports.demo photo FOLDER     writes photo.png and mask.png
python -m inpaint_cli.reports.demo sheet FOLDER     writes contact_sheet.png from photo, mask and completed_*.png
python -m inpaint_cli.reports.demo table FOLDER     prints what results.json holds
python -m inpaint_cli.reports.demo scene FOLDER     writes scene.png and scene_mask.png: an object to take out
python -m inpaint_cli.reports.demo picture FOLDER   writes picture.jpg from scene, mask and scene_inpaint.png
"""

import json
import sys
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageDraw

from inpaint_cli.files import replacing
from inpaint_cli.reports.grids import grid
from inpaint_cli.reports.tables import results_table

PHOTO = "chelsea"  # training sees the left three fifths of it
HOLE = (300, 172, 323, 195)  # a square: left, top, right, bottom, all of them in the hole
COMPLETIONS = {
    "completed_mde.png": "mde, trained for minutes",
    "completed_tv.png": "tv, needs no training",
    "completed_patch.png": "patch, needs no training",
}
SCENE = "rocket"
OBJECT = ((298, 405), (298, 180), (306, 114), (332, 114), (344, 180), (352, 370), (356, 405))  # x, y
PAINT = (255, 64, 160)
GAP = 8  # pixels between the parts of the picture


def write_photo(folder: Path) -> None:
    photo = Image.fromarray(getattr(skimage.data, PHOTO)())
    mask = Image.new("L", photo.size, 0)
    ImageDraw.Draw(mask).rectangle(HOLE, fill=255)
    _save(folder, {"photo.png": photo, "mask.png": mask})


def write_scene(folder: Path) -> None:
    """A rocket on its pad at dusk, and a mask over the rocket."""
    photo = Image.fromarray(getattr(skimage.data, SCENE)())
    mask = Image.new("L", photo.size, 0)
    ImageDraw.Draw(mask).polygon(OBJECT, fill=255)
    _save(folder, {"scene.png": photo, "scene_mask.png": mask})


def write_picture(folder: Path) -> None:
    """The scene, the scene with the hole painted, and the completed scene, side by side."""
    scene, completed = (Image.open(folder / name).convert("RGB") for name in ("scene.png", "scene_inpaint.png"))
    painted = scene.copy()
    painted.paste(PAINT, mask=Image.open(folder / "scene_mask.png"))
    picture = Image.new("RGB", (3 * scene.width + 2 * GAP, scene.height), "white")
    for number, part in enumerate((scene, painted, completed)):
        picture.paste(part, (number * (scene.width + GAP), 0))
    _save(folder, {"picture.jpg": picture})


def _save(folder: Path, images: dict[str, Image.Image]) -> None:
    for name, image in images.items():
        with replacing(folder / name, overwrite=True) as temporary:
            image.save(temporary, quality=90)


def write_sheet(folder: Path) -> None:
    """The photo, the photo with its hole, and each completion; below, the surroundings of the hole enlarged."""
    photo, hole = np.asarray(Image.open(folder / "photo.png")), np.asarray(Image.open(folder / "mask.png")) > 0
    masked = np.where(hole[..., None], np.uint8(255), photo)
    completions = [np.asarray(Image.open(folder / name)) for name in COMPLETIONS]
    images = [photo, masked, *completions]
    rows = [images, [enlarged(image, hole) for image in images]]
    sheet = grid(rows, labels_top=["original", "masked", *COMPLETIONS.values()])
    _save(folder, {"contact_sheet.png": sheet})


def enlarged(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The hole with as much again around it, as wide as the photo."""
    rows, columns = np.nonzero(hole)
    centre = ((rows.min() + rows.max()) // 2, (columns.min() + columns.max()) // 2)
    reach = max(np.ptp(rows), np.ptp(columns))
    cut = image[max(centre[0] - reach, 0) : centre[0] + reach, max(centre[1] - reach, 0) : centre[1] + reach]
    scale = image.shape[1] / cut.shape[1]
    size = (image.shape[1], round(cut.shape[0] * scale))
    return np.asarray(Image.fromarray(cut).resize(size, Image.Resampling.BICUBIC))


def print_table(folder: Path) -> None:
    print(results_table(json.loads((folder / "results.json").read_text())["results"]))


STEPS = {
    "photo": write_photo,
    "sheet": write_sheet,
    "table": print_table,
    "scene": write_scene,
    "picture": write_picture,
}

if __name__ == "__main__":
    STEPS[sys.argv[1]](Path(sys.argv[2]))
