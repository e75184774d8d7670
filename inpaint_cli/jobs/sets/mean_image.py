"""The mean of a set's training images in the place of each image of its test split: what any completion has to beat.

python -m inpaint_cli.jobs.sets.mean_image DATA.h5 FOLDER     writes FOLDER, for `inpaint evaluate --completed`
"""

import sys
from pathlib import Path

import numpy as np

from inpaint_cli.data.exporting import file_names, save_png, write_card
from inpaint_cli.data.reader import PreparedFile, Split
from inpaint_cli.data.written_folders import replacing_folder

ROWS = 1024  # read at once


def mean_image(split: Split) -> np.ndarray:
    """uint8 [H, W, C]"""
    total = sum(split.images[start : start + ROWS].sum(axis=0, dtype=np.int64) for start in range(0, len(split), ROWS))
    return np.round(total / len(split)).astype(np.uint8)


def write_mean_images(data: Path, folder: Path) -> None:
    """PNG files called as the images of the test split, each of them the training split's mean."""
    prepared = PreparedFile(data)
    mean = mean_image(prepared.split("train"))
    with replacing_folder(folder, True) as unfinished:
        for name in file_names(prepared.split("test").names):
            (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
            save_png(mean, unfinished / name)
        write_card(unfinished, {"mean of the training images of": prepared.identity})


if __name__ == "__main__":
    write_mean_images(Path(sys.argv[1]), Path(sys.argv[2]))
