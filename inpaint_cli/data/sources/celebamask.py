"""CelebAMask-HQ's form: faces with label maps, whole (`images/`, `masks/`) or one mask a part, as distributed."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from inpaint_cli.data.label_maps import (
    LABEL_NAMES,
    NUMBERS,
    HelenName,
    face_labels,
    read_label_map,
    read_mask,
    renumbered,
)
from inpaint_cli.data.rows import Reading, Row
from inpaint_cli.data.sources.base import Source
from inpaint_cli.data.sources.parts import Part, find_part, open_part
from inpaint_cli.data.trees import Image
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable

WHOLES = ("CelebAMask-HQ",)
IMAGES, MAPS, MASKS = ("images", "CelebA-HQ-img"), ("masks",), ("CelebAMask-HQ-mask-anno",)


class CelebAMaskSource(Source):
    """Faces with parsing maps in Helen's labels, and landmarks taken from the maps."""

    kind: Literal["celebamask-hq"]
    has_splits: ClassVar[bool] = False
    where: ClassVar[str] = "get CelebAMask-HQ from its authors' page"
    labels: Annotated[dict[str, HelenName], Field(min_length=1, max_length=256)]  # from 0 on: each one's name in Helen

    def read(self, folder: Path) -> Reading:
        images = open_part(folder, IMAGES, WHOLES)
        maps = find_part(folder, MAPS, WHOLES)
        labelled = self._whole_maps(maps) if maps else self._part_masks(open_part(folder, MASKS, WHOLES))
        names = {PurePosixPath(name).stem: name for name in images.names()}
        paired = sorted(names.keys() & labelled.keys(), key=_in_number)
        if not paired:
            raise InputError(
                f"{printable(images.path)}: none of its {len(names):,} images has a label map of the same name"
            )
        rows = (Row(names[key], images.image(names[key]), decoded_labels=labelled[key]) for key in paired)
        unlabelled = len(names) - len(paired)
        notes = (f"{unlabelled:,} images without a label map were left out",) if unlabelled else ()
        return Reading(rows, len(paired), LABEL_NAMES, without_image=len(labelled) - len(paired), notes=notes)

    def _numbers(self) -> bytes:
        return bytes(NUMBERS[name] for name in self.labels.values())

    def _whole_maps(self, maps: Part) -> dict[str, "WholeMap"]:
        numbers = self._numbers()
        return {PurePosixPath(name).stem: WholeMap(maps.image(name), name, numbers) for name in maps.names()}

    def _part_masks(self, masks: Part) -> dict[str, "PartMasks"]:
        """Later labels lie over earlier ones, as the data set's own script lays them."""
        parts = {part: number for number, part in enumerate(self.labels)}
        found: dict[str, list[tuple[int, Image, str]]] = {}
        for name in masks.names():
            face, _, part = PurePosixPath(name).stem.partition("_")
            if part in parts and face.isdecimal():
                found.setdefault(str(int(face)), []).append((parts[part], masks.image(name), name))
        numbers = self._numbers()
        return {face: PartMasks(tuple(sorted(of_face, key=_first)), numbers) for face, of_face in found.items()}


@dataclass(frozen=True)
class WholeMap:
    """One image holds all labels of a face."""

    stored: Image
    name: str
    numbers: bytes  # Helen's label for each of the data set's

    def __call__(self, size: tuple[int, int]) -> dict[str, np.ndarray]:
        try:
            labels = renumbered(read_label_map(self.stored, self.name), self.numbers)
        except InputError as error:
            raise InputError(f"{_told_once(self.name, str(error))}") from None
        return face_labels(labels, size, self.name)


@dataclass(frozen=True)
class PartMasks:
    """Each part of a face has a mask of its own."""

    parts: tuple[tuple[int, Image, str], ...]  # number, file, name; in the order of the numbers
    numbers: bytes  # Helen's label for each of the data set's

    def __call__(self, size: tuple[int, int]) -> dict[str, np.ndarray]:
        labels: np.ndarray | None = None
        for number, stored, name in self.parts:
            mask = read_mask(stored, name)
            labels = np.zeros(mask.shape, np.uint8) if labels is None else labels
            if mask.shape != labels.shape:
                raise InputError(f"{printable(name)}: is of another size than the face's other masks")
            labels[mask > 127] = number
        assert labels is not None  # a face has one mask or more
        return face_labels(renumbered(labels, self.numbers), size, self.parts[0][2])


def _first(part: tuple[int, Image, str]) -> int:
    return part[0]


def _in_number(key: str) -> tuple[int, str]:
    """1, 2, 10 and not 1, 10, 2."""
    return int(key) if key.isascii() and key.isdecimal() else -1, key


def _told_once(name: str, message: str) -> str:
    return message if printable(name) in message else f"{printable(name)}: {message}"
