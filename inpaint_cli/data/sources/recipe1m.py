"""Recipe1M's form: two lists in JSON, and images in folders named by the first letters of their names."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

from inpaint_cli.data.rows import Reading, Row, require
from inpaint_cli.data.sources.base import Source
from inpaint_cli.data.sources.json_lists import stream_list
from inpaint_cli.data.trees import Tree, find_tree
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable

FOLDERS = (".", "recipe1M_layers", "recipe1M")
SPLITS = {"train": "train", "val": "validation", "test": "test"}
TREES = {part: (f"recipe1M_images_{part}", part) for part in SPLITS}  # as distributed, as unpacked
LETTERS = 4  # folders above an image: the first letters of its name


class Recipe1MSource(Source):
    """Every image that layer2.json lists and the tree holds, in the partition of its recipe in layer1.json.

    The lists are read as streams; of them only the recipes' partitions stay in memory.
    """

    kind: Literal["recipe1m"]
    where: ClassVar[str] = "get Recipe1M from its authors after registration"

    def read(self, folder: Path) -> Reading:
        recipes, listed = (require(folder, (name,), FOLDERS) for name in ("layer1.json", "layer2.json"))
        trees = _open_trees(folder)
        partitions = _read_partitions(recipes)
        found = [place is not None for *_, place in _listed(listed, partitions, trees)]
        present = sum(found)
        if not present:
            raise InputError(f"{printable(folder)}: none of the {len(found):,} images that layer2.json lists is here")
        return Reading(_rows(listed, partitions, trees), present, without_image=len(found) - present)


def _rows(listed: Path, partitions: Mapping[str, str], trees: Mapping[str, Tree]) -> Iterator[Row]:
    for image, part, place in _listed(listed, partitions, trees):
        if place is not None:
            yield Row(image, trees[part].image(place), SPLITS[part])


def _listed(
    path: Path, partitions: Mapping[str, str], trees: Mapping[str, Tree]
) -> Iterator[tuple[str, str, str | None]]:
    """Each listed image's name, partition, and its name in the partition's tree or None."""
    for recipe in stream_list(path):
        part = partitions.get(_text(path, recipe, "id"))
        if part is None:
            raise InputError(
                f"{printable(path)}: lists images of recipe {recipe['id']}, which layer1.json does not have"
            )
        images = recipe.get("images")
        if not isinstance(images, list):
            raise InputError(f"{printable(path)}: recipe {recipe['id']} has no list of images")
        for entry in images:
            image = _text(path, entry, "id")
            yield image, part, _place(image, trees.get(part))


def _place(image: str, tree: Tree | None) -> str | None:
    if tree is None or PurePosixPath(image).name != image:
        return None
    place = "/".join((*image[:LETTERS], image))
    return place if place in tree else None


def _open_trees(folder: Path) -> dict[str, Tree]:
    trees = {part: find_tree(folder, names, (*FOLDERS, "images")) for part, names in TREES.items()}
    held = {part: tree for part, tree in trees.items() if tree is not None}
    if not held:
        raise InputError(
            f"{printable(folder)}: found none of {', '.join(names[0] for names in TREES.values())}"
            f" (folders or .tar) and no folder {', '.join(TREES)} of images"
        )
    return held


def _read_partitions(path: Path) -> dict[str, str]:
    partitions = {}
    for recipe in stream_list(path):
        part = _text(path, recipe, "partition")
        if part not in SPLITS:
            raise InputError(
                f"{printable(path)}: recipe {recipe.get('id')} is in the partition {part!r}, not {list(SPLITS)}"
            )
        partitions[_text(path, recipe, "id")] = sys.intern(part)
    return partitions


def _text(path: Path, entry: object, key: str) -> str:
    value = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(value, str):
        raise InputError(f"{printable(path)}: has an entry without `{key}`")
    return value
