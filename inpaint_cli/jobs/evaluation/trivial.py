"""Two completions for a table to be judged by: a hole's rim as one colour, and a ridge regression on what is around it.

    python -m inpaint_cli.jobs.evaluation.trivial DATA.h5 SIDE FOLDER

completes the test images behind `center:SIDE` and writes FOLDER/rim-mean and FOLDER/ridge, one PNG each, called after
its row, as `inpaint evaluate --completed` takes them. Pixels are in [0, 1] here.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.files import replacing

AROUND = 2  # rows of pixels that the regression sees
PENALTY = 0.1  # on its squared coefficients, with the means taken out


class Square(NamedTuple):
    """The hole of `center:SIDE`, and the pixels up to so many rows around it; both bool [H, W]."""

    hole: np.ndarray
    rim: np.ndarray


def square(images: np.ndarray, side: int, rows: int) -> Square:
    height, width = images.shape[1:3]
    hole, near = np.zeros((2, height, width), bool)
    top, left = (height - side) // 2, (width - side) // 2
    hole[top : top + side, left : left + side] = True
    near[max(top - rows, 0) : top + side + rows, max(left - rows, 0) : left + side + rows] = True
    return Square(hole, near & ~hole)


def rim_mean(learned: np.ndarray, images: np.ndarray, side: int) -> np.ndarray:
    """Each hole in the mean colour of the pixels that touch it: [N, H, W, C] -> the same."""
    hole, rim = square(images, side, 1)
    completed = images.copy()
    completed[:, hole] = images[:, rim].mean(axis=1, keepdims=True)
    return completed


def ridge(learned: np.ndarray, images: np.ndarray, side: int) -> np.ndarray:
    """Each hole as a linear function of the values around, fitted on the learned images: [N, H, W, C] -> the same."""
    hole, rim = square(images, side, AROUND)
    around, inside = (learned[:, part].reshape(len(learned), -1) for part in (rim, hole))
    means = around.mean(axis=0), inside.mean(axis=0)
    centred = around - means[0]
    normal = centred.T @ centred + PENALTY * np.eye(centred.shape[1])
    coefficients = np.linalg.solve(normal, centred.T @ (inside - means[1]))
    completed = images.copy()
    seen = images[:, rim].reshape(len(images), -1) - means[0]
    completed[:, hole] = (seen @ coefficients + means[1]).reshape(len(images), -1, images.shape[3])
    return completed


Way = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
WAYS: dict[str, Way] = {"rim-mean": rim_mean, "ridge": ridge}


def write(data: Path, side: int, folder: Path) -> None:
    """Both, of the test split."""
    prepared = PreparedFile(data)
    learned, images = (np.asarray(prepared.split(name).images[:]) / 255 for name in ("train", "test"))
    for name, complete in WAYS.items():
        completed = np.rint(complete(learned, images, side).clip(0, 1) * 255).astype(np.uint8)
        (folder / name).mkdir(parents=True, exist_ok=True)
        for row, image in enumerate(completed):
            with replacing(folder / name / f"{row:06d}.png", overwrite=True) as temporary:
                Image.fromarray(image.squeeze()).save(temporary, format="PNG")


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
