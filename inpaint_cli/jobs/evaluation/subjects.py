"""What systems are measured on: a split of a prepared file, or a folder of original images of any sizes."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from inpaint_cli.data.pairing import listed
from inpaint_cli.data.pictures import FilePictures, Form, images_in
from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.data.trees import contents, tree_at
from inpaint_cli.engine.evaluating import images_of
from inpaint_cli.engine.finished import Holes, Pictures, SplitPictures, holes_of
from inpaint_cli.errors import InputError, printable
from inpaint_cli.masks import MaskProcess, parse_masks
from inpaint_cli.masks.folders import MaskFolder

UNKNOWN = "unknown"  # the masks of images that others completed, where nobody says


class Subject(ABC):
    """Original images, and what is known of them."""

    where: str  # for messages
    names: Sequence[str]  # of those that are evaluated
    all_names: Sequence[str]
    rows: int | None = None  # of the split, where images may be called after them
    side: int  # the shortest, in pixels
    labels: Sequence[str] = ()  # of the images, by their columns
    split: str
    pictures: Pictures

    @property
    @abstractmethod
    def identity(self) -> str:
        """A digest of the images."""

    @property
    @abstractmethod
    def data(self) -> dict[str, Any]:
        """How results name them."""

    @abstractmethod
    def holes(self, process: MaskProcess, seed: int, device: torch.device) -> Holes:
        """What is missing of each image."""

    @abstractmethod
    def forms(self) -> Sequence[Form | None]:
        """Size and channels of each image; None where that cannot be read."""

    @abstractmethod
    def stacks(self, places: range) -> Iterator[np.ndarray]:
        """The images themselves, uint8 [N, H, W, C], those of one size together."""


class PreparedSubject(Subject):
    """The first images of a split."""

    def __init__(self, prepared: PreparedFile, split: str, limit: int | None):
        if prepared.observed is not None:
            raise InputError(
                f"{printable(prepared.path)} holds observations alone: there are no originals to measure against; "
                "evaluate on a file that was prepared without --observe"
            )
        self.prepared, self.images = prepared, prepared.split(split)
        self.count, self.rows = images_of(self.images, limit), len(self.images)
        self.where, self.split = f"{prepared.path}, split {split}", self.images.name
        self.side, self.labels = min(prepared.shape[1:]), tuple(self.images.labels)
        self.pictures = SplitPictures(self.images)
        self.all_names = self.images.names
        self.names = self.all_names[: self.count]

    @property
    def identity(self) -> str:
        return self.prepared.identity

    @property
    def data(self) -> dict[str, Any]:
        return {
            "path": str(self.prepared.path),
            "identity": self.identity,
            "recipe": self.prepared.recipe_name,
            "split": self.split,
        }

    def holes(self, process: MaskProcess, seed: int, device: torch.device) -> Holes:
        return holes_of(self.images, process, seed, device)

    def forms(self) -> Sequence[Form | None]:
        channels, height, width = self.prepared.shape
        return [Form(width, height, channels)] * self.count

    def stacks(self, places: range) -> Iterator[np.ndarray]:
        yield np.array(self.images.images[places.start : places.stop])


class FolderSubject(Subject):
    """The images of a folder or an archive, the first of them by name."""

    def __init__(self, folder: Path, limit: int | None = None):
        tree = tree_at(folder)
        self.all_names = images_in(tree)
        self.names = self.all_names[:limit]
        self.files = FilePictures(tree, self.names)
        self.pictures, self.where, self.split = self.files, printable(folder), printable(folder.name)
        self._forms = self.files.forms()
        known = [form for form in self._forms if form is not None]
        if not known:
            raise InputError(f"{self.where}: not one of {len(self.names):,} files can be read as an image")
        self.side = min(min(form.width, form.height) for form in known)

    @cached_property
    def _digest(self) -> str:
        """A digest of every name and of every file's bytes."""
        total = hashlib.sha256(b"a folder of images\n")
        for name in self.names:
            total.update(name.encode("utf-8", "surrogateescape") + b"\0")
            total.update(hashlib.sha256(contents(self.files.tree.image(name))).digest())
        return total.hexdigest()

    @property
    def identity(self) -> str:
        return self._digest

    @property
    def data(self) -> dict[str, Any]:
        return {"path": self.where, "identity": self.identity, "recipe": "folder", "split": self.split}

    def masks(self, process: MaskProcess) -> MaskProcess:
        """The process for these images, whose own masks are found by their names."""
        return process.of(SimpleNamespace(names=self.names, masks=None))

    def notes_on(self, process: MaskProcess) -> list[str]:
        """What is to be said of masks of other sizes than their images."""
        return [
            f"{folder}: {count:,} masks have another size than their images and are resized"
            for folder in process.folders
            if folder.places is not None and (count := self._of_other_sizes(folder))
        ]

    def _of_other_sizes(self, folder: MaskFolder) -> int:
        assert folder.places is not None
        masks = (folder.contents.masks[place] for place in folder.places.tolist())
        pairs = zip(masks, self._forms, strict=True)
        return sum(form is not None and (mask.width, mask.height) != form[:2] for mask, form in pairs)

    def holes(self, process: MaskProcess, seed: int, device: torch.device) -> Holes:
        def holes(places: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
            height, width, channels = shape
            known = process.draw(
                len(places), (channels, height, width), generator=torch.Generator(), rows=np.array(places)
            )
            return np.broadcast_to(known.permute(0, 2, 3, 1).numpy() == 0, (len(places), *shape)).copy()

        return holes

    def forms(self) -> Sequence[Form | None]:
        return self._forms

    def stacks(self, places: range) -> Iterator[np.ndarray]:
        read, _ = self.files.read(places)
        shapes: dict[tuple[int, ...], list[np.ndarray]] = {}
        for image in read.values():
            shapes.setdefault(image.shape, []).append(image)
        yield from map(np.stack, shapes.values())


def masks_by_name(folder: str) -> str:
    """`--mask-folder FOLDER[,invert]` as a specification."""
    return parse_masks(f"folder:{folder},paired").spec


def refuse_other_sizes(name: str, subject: Subject, own: Sequence[Form | None], files: Sequence[str]) -> None:
    """`InputError` that counts and lists the completed images whose size or channels are not their original's."""
    differing = [
        f"{printable(file)} {form} (original {original})"
        for form, original, file in zip(own, subject.forms(), files, strict=True)
        if form is not None and original is not None and form != original
    ]
    if differing:
        raise InputError(
            f"{name}: {len(differing):,} of {len(own):,} completed images have another size or other channels than "
            f"their originals: {listed(differing)}"
        )
