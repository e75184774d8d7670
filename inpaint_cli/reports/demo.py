"""The steps of `make demo` that are no command of the toolkit: its photo with a hole, its contact sheet, one table.

python -m inpaint_cli.reports.demo photo FOLDER     writes photo.png and mask.png
python -m inpaint_cli.reports.demo sheet FOLDER     writes contact_sheet.png from photo, mask and completed_*.png
python -m inpaint_cli.reports.demo table FOLDER     prints what results_*.json hold
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
COMPLETIONS = {"completed_mde.png": "mde, trained for minutes", "completed_tv.png": "tv, needs no training"}


def write_photo(folder: Path) -> None:
    photo = Image.fromarray(getattr(skimage.data, PHOTO)())
    mask = Image.new("L", photo.size, 0)
    ImageDraw.Draw(mask).rectangle(HOLE, fill=255)
    for name, image in (("photo.png", photo), ("mask.png", mask)):
        with replacing(folder / name) as temporary:
            image.save(temporary)


def write_sheet(folder: Path) -> None:
    """The photo, the photo with its hole, and each completion; below, the surroundings of the hole enlarged."""
    photo, hole = np.asarray(Image.open(folder / "photo.png")), np.asarray(Image.open(folder / "mask.png")) > 0
    masked = np.where(hole[..., None], np.uint8(255), photo)
    completions = [np.asarray(Image.open(folder / name)) for name in COMPLETIONS]
    images = [photo, masked, *completions]
    rows = [images, [enlarged(image, hole) for image in images]]
    sheet = grid(rows, labels_top=["original", "masked", *COMPLETIONS.values()])
    with replacing(folder / "contact_sheet.png") as temporary:
        sheet.save(temporary)


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
    files = sorted(folder.glob("results_*.json"))
    print(results_table([result for file in files for result in json.loads(file.read_text())["results"]]))


if __name__ == "__main__":
    {"photo": write_photo, "sheet": write_sheet, "table": print_table}[sys.argv[1]](Path(sys.argv[2]))
