"""Helen's form as Smith et al. (CVPR 2013) distribute it: photographs, and one soft mask for each of eleven labels."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from inpaint_cli.data.label_maps import HELEN, LABEL_NAMES, face_labels, read_mask
from inpaint_cli.data.rows import Reading, Row
from inpaint_cli.data.sources.base import Source
from inpaint_cli.data.sources.parts import Part, open_part
from inpaint_cli.data.trees import Image, contents, find_tree
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable

WHOLES = ("SmithCVPR2013_dataset_resized", "SmithCVPR2013_dataset_original", "helen")
LISTS = {"exemplars.txt": "train", "tuning.txt": "validation", "testing.txt": "test"}
MAX_LIST_BYTES = 1 << 20


class HelenSource(Source):
    """Exemplars to train on, the tuning set to validate, the testing set to test; landmarks are taken from the maps."""

    kind: Literal["helen"]
    where: ClassVar[str] = "get Helen with the segments of Smith et al. (CVPR 2013) from its authors' page"

    def read(self, folder: Path) -> Reading:
        images, masks = open_part(folder, ("images",), WHOLES), open_part(folder, ("labels",), WHOLES)
        splits = {name: split for file, split in LISTS.items() for name in _read_list(folder, file)}
        present = [name for name in splits if f"{name}.jpg" in images]
        if not present:
            raise InputError(
                f"{printable(images.path)}: none of the {len(splits):,} images that the lists name is here"
            )
        absent = [name for name in present for file in _mask_names(name) if file not in masks]
        if absent:
            raise InputError(
                f"{printable(masks.path)}: {absent[0]} and {len(set(absent)) - 1} more have not all 11 masks"
            )
        rows = _rows(images, masks, present, splits)
        return Reading(rows, len(present), LABEL_NAMES, without_image=len(splits) - len(present))


def _rows(images: Part, masks: Part, names: list[str], splits: dict[str, str]) -> Iterator[Row]:
    for name in names:
        maps = SoftMasks(name, tuple(masks.image(file) for file in _mask_names(name)))
        yield Row(f"{name}.jpg", images.image(f"{name}.jpg"), splits[name], decoded_labels=maps)


def _mask_names(name: str) -> list[str]:
    return [f"{name}/{name}_lbl{number:02d}.png" for number in range(len(HELEN))]


def _read_list(folder: Path, file: str) -> list[str]:
    """Lines of `number , name`; blank ones are passed over."""
    place = next((folder / whole / file for whole in (".", *WHOLES) if (folder / whole / file).is_file()), None)
    if place is not None:
        text = contents(place, MAX_LIST_BYTES)
    elif (whole := find_tree(folder, WHOLES)) is not None:
        text = whole.read(file, MAX_LIST_BYTES)
    else:
        raise InputError(f"{printable(folder / file)}: no such file; it lists a split's images")
    lines = [line.rpartition(",")[2].strip() for line in text.decode("utf-8", "replace").splitlines()]
    names = [name for name in lines if name]
    if not names or any("/" in name for name in names):
        raise InputError(f"{printable(folder / file)}: is not a list of lines `number , name`")
    return names


@dataclass(frozen=True)
class SoftMasks:
    """One mask a label, 0 to 255; each pixel takes the label whose mask is strongest there."""

    name: str
    masks: tuple[Image, ...]

    def __call__(self, size: tuple[int, int]) -> dict[str, np.ndarray]:
        names = _mask_names(self.name)
        strengths = [read_mask(stored, name) for stored, name in zip(self.masks, names, strict=True)]
        if len({strength.shape for strength in strengths}) != 1:
            raise InputError(f"{printable(names[0])}: the masks of {printable(self.name)} differ in size")
        return face_labels(np.argmax(np.stack(strengths), axis=0).astype(np.uint8), size, self.name)
