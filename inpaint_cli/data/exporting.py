"""A prepared file as image files and tables that every other program reads."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from inpaint_cli.data.card import card, name_of, names_of
from inpaint_cli.data.reader import PreparedFile, Split
from inpaint_cli.data.written_folders import CARD, replacing_folder
from inpaint_cli.imaging.kinds import READABLE

MapImage = Callable[[np.ndarray], Image.Image]


def export(
    file: PreparedFile,
    splits: tuple[str, ...],
    folder: Path,
    map_image: MapImage,
    *,
    overwrite: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Write `SPLIT/000000.png`, `SPLIT_parsing/000000.png`, `SPLIT_mask/000000.png` (white is the hole) and `SPLIT.csv`
    into `folder`, and the file's card.

    Files are called after their rows: names in a prepared file may be anything, and stand in the tables alone. The
    folder appears when it is whole. `overwrite` replaces an earlier export and nothing else.
    """
    done = 0
    with replacing_folder(folder, overwrite) as unfinished:
        for name in splits:
            done = _export_split(file, file.split(name), unfinished, map_image, done, progress)
        write_card(unfinished, card(file))


def write_card(folder: Path, facts: Mapping[str, Any]) -> None:
    """What a folder says of itself; it is how a folder that this program wrote is known."""
    (folder / CARD).write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _export_split(
    file: PreparedFile, split: Split, folder: Path, map_image: MapImage, done: int, progress: Callable[[int], None]
) -> int:
    """Returns how many rows are done now, of all splits."""
    (folder / split.name).mkdir()
    if "parsing" in split.labels:
        (folder / f"{split.name}_parsing").mkdir()
    if split.masks is not None:
        (folder / f"{split.name}_mask").mkdir()
    with (folder / f"{split.name}.csv").open("w", newline="", encoding="utf-8", errors="surrogateescape") as table:
        writer = csv.writer(table)
        writer.writerow(_heads(file))
        for row, name in enumerate(split.names):
            writer.writerow(_cells(file, split, row, name))
            save_png(split.images[row], folder / split.name / f"{row:06d}.png")
            if "parsing" in split.labels:
                map_image(split.labels["parsing"][row]).save(folder / f"{split.name}_parsing" / f"{row:06d}.png")
            if split.masks is not None:
                mask = np.where(split.masks[row] < 128, 0, 255).astype(np.uint8)
                Image.fromarray(mask).save(folder / f"{split.name}_mask" / f"{row:06d}.png")
            progress(done + row + 1)
    return done + len(split)


def save_png(pixels: np.ndarray, path: Path) -> None:
    """uint8 [H, W, C] as a PNG file."""
    Image.fromarray(np.squeeze(pixels, axis=2) if pixels.shape[2] == 1 else pixels).save(path)


def file_names(names: Sequence[str]) -> list[str]:
    """PNG files called as images, in folders as these; after their rows where a name is none for a file, or twice."""
    found = [str(PurePosixPath(name).with_suffix("")) if _is_image(name) else name for name in names]
    if len({name.casefold() for name in found}) < len(found) or not all(map(_is_plain, found)):
        return [f"{row:06d}.png" for row in range(len(names))]
    return [f"{name}.png" for name in found]


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in READABLE


def _is_plain(name: str) -> bool:
    parts = name.split("/")
    fits = all(
        part and not part.startswith((".", "-")) and len(part.encode("utf-8", "replace")) < 200 for part in parts
    )
    return fits and name.isprintable() and not any(letter in '\\:*?"<>|' for letter in name)


def _heads(file: PreparedFile) -> list[str]:
    heads = ["name", "file"]
    for column in file.labels:
        heads += HEADS[column](names_of(file, column))
    return heads


def _cells(file: PreparedFile, split: Split, row: int, name: str) -> list[Any]:
    cells = [name, f"{split.name}/{row:06d}.png"]
    for column in file.labels:
        cells += CELLS[column](split, row, names_of(file, column))
    return cells


HEADS: dict[str, Callable[[list[str]], list[str]]] = {
    "landmarks": lambda names: [f"{name} {axis}" for name in names for axis in "xy"],
    "attributes": lambda names: [name_of(names, number) for number in range(40)],
    "labels": lambda names: ["label", "class"] if names else ["label"],
    "parsing": lambda names: ["parsing"],
}
CELLS: dict[str, Callable[[Split, int, list[str]], list[Any]]] = {
    "landmarks": lambda split, row, names: split.labels["landmarks"][row].ravel().tolist(),
    "attributes": lambda split, row, names: split.labels["attributes"][row].tolist(),
    "labels": lambda split, row, names: _class_cells(int(split.labels["labels"][row]), names),
    "parsing": lambda split, row, names: [f"{split.name}_parsing/{row:06d}.png"],
}


def _class_cells(label: int, names: list[str]) -> list[Any]:
    return [label, name_of(names, label)] if names else [label]
