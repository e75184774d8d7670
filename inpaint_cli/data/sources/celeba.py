"""CelebA's form: JPEGs, aligned or as they were found, and lists in text files."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field

from inpaint_cli.data.rows import Reading, Row, Whole
from inpaint_cli.data.schema import LANDMARKS
from inpaint_cli.data.sources import celeba_lists as lists
from inpaint_cli.data.sources.base import Source
from inpaint_cli.data.sources.celeba_boxes import Boxes, read_boxes
from inpaint_cli.data.sources.parts import Part
from inpaint_cli.data.trees import Tree, find_tree, open_tree, tree_at
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable

ALIGNED = (178, 218)  # width and height of an aligned image
FIRST_HELD_OUT = "201600.jpg"  # of 202,599 numbered images the last 1,000 begin here


class Form(NamedTuple):
    """How the images are distributed, and which list holds their landmarks."""

    words: str
    tree: str
    read_landmarks: Callable[[lists.Place], lists.Table | None]


FORMS = {
    "aligned": Form("aligned", "img_align_celeba", lists.read_aligned_landmarks),
    "wild": Form("as they were found", "img_celeba", lists.read_wild_landmarks),
}


class CelebASource(Source):
    """Faces; landmarks, attributes and identities come along where their lists exist."""

    kind: Literal["celeba"]
    takes_archive: ClassVar[bool] = True  # Kaggle's `archive.zip` (from memory): img_align_celeba twice, lists as CSV
    images: Annotated[tuple[Literal["aligned", "wild"], ...], Field(min_length=1)] = ("aligned",)  # the first found
    split: Literal["official", "last-1000", "recipe"] = "official"
    boxes: bool = False  # hand each face's box to the crop, where its list exists
    scales: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = ()  # of smaller copies of aligned images that are taken

    @property
    def has_splits(self) -> bool:
        """`recipe` leaves them to the recipe's `splits` table."""
        return self.split != "recipe"

    def download(self, folder: Path) -> None:
        from torchvision.datasets import CelebA

        CelebA(folder, split="all", download=True)  # the aligned images and their lists, into celeba

    def read(self, folder: Path) -> Reading:
        place, form, tree = (_open_archive if folder.is_file() else _open)(folder, self.images)
        files = {name.rpartition("/")[2]: name for name in tree.names()}
        splits = SPLITTERS[self.split](place, files)
        present = [name for name in sorted(splits) if name in files]
        if not present:
            raise InputError(
                f"{printable(tree.path)}: none of the {len(splits):,} images that the partition lists is here"
            )
        labels = _read_labels(place, form)
        boxes = read_boxes(place, form) if self.boxes else None
        for table in (*labels.values(), *(boxes.tables if boxes else ())):
            table.refuse_gaps(present)
        if form == "wild" and boxes is None and (self.boxes or "landmarks" not in labels):
            raise InputError(_wanting(place, "list_bbox_celeba" if self.boxes else "list_landmarks_celeba"))
        whole = Whole(ALIGNED, self.scales) if self.scales and form == "aligned" else None
        rows = _rows(tree, files, present, splits, labels, boxes, whole)
        label_names = {
            "landmarks": LANDMARKS,
            "attributes": labels["attributes"].heads if "attributes" in labels else (),
        }
        return Reading(
            rows,
            len(present),
            {label: label_names[label] for label in labels if label in label_names},
            without_image=len(splits) - len(present),
            notes=tuple(self._notes(form, labels, boxes)),
        )

    def _notes(self, form: str, labels: Mapping[str, lists.Table], boxes: Boxes | None) -> Iterator[str]:
        yield f"images: {FORMS[form].words} ({FORMS[form].tree})"
        if self.scales and form == "aligned":
            sizes = " or ".join(f"{round(scale * ALIGNED[0])}×{round(scale * ALIGNED[1])}" for scale in self.scales)
            yield f"images: any of {sizes} pixels were enlarged to {ALIGNED[0]}×{ALIGNED[1]} before they were cut"
        if "landmarks" not in labels:
            yield "landmarks: their list was absent; crops by landmarks took the average places of aligned faces"
        if self.boxes:
            yield "crop: " + (boxes.words if boxes else "the aligned face, since no list of boxes applied")


def _rows(
    tree: Tree | Part,
    files: Mapping[str, str],
    names: list[str],
    splits: Mapping[str, str | None],
    labels: Mapping[str, lists.Table],
    boxes: Boxes | None,
    whole: Whole | None,
) -> Iterator[Row]:
    for name in names:
        values = {label: table[name] for label, table in labels.items()}
        face = boxes[name] if boxes else None
        yield Row(name, tree.image(files[name]), splits[name], values, face=face, whole=whole)


def _open(folder: Path, forms: tuple[str, ...]) -> tuple[lists.Place, str, Tree | Part]:
    """Where the lists are, and the images and their form."""
    for form in forms:
        if (tree := find_tree(folder, (FORMS[form].tree,), lists.FOLDERS)) is not None:
            return folder, form, tree
    return folder, forms[0], open_tree(folder, tuple(FORMS[form].tree for form in forms), lists.FOLDERS)


def _open_archive(path: Path, forms: tuple[str, ...]) -> tuple[lists.Place, str, Tree | Part]:
    """As `_open`, of one archive that holds images and lists."""
    whole = tree_at(path)
    for form in forms:
        marker = f"{FORMS[form].tree}/"
        held = next((name for name in whole.names() if f"/{marker}" in f"/{name}"), None)
        if held is not None:
            return whole, form, Part(whole, held[: held.index(marker) + len(marker)])
    named = " or ".join(FORMS[form].tree for form in forms)
    raise InputError(f"{printable(path)}: is not a folder, and as an archive it holds no {named}")


def _read_labels(folder: lists.Place, form: str) -> dict[str, lists.Table]:
    tables = {
        "landmarks": FORMS[form].read_landmarks(folder),
        "attributes": lists.read_attributes(folder),
        "labels": lists.read_identities(folder),
    }
    return {label: table for label, table in tables.items() if table is not None}


def _official(folder: lists.Place, files: Mapping[str, str]) -> dict[str, str]:
    partition = lists.read_partition(folder)
    if partition is None:
        raise InputError(_wanting(folder, "list_eval_partition"))
    return partition


def _last_1000(folder: lists.Place, files: Mapping[str, str]) -> dict[str, str]:
    return {name: "test" if name >= FIRST_HELD_OUT else "train" for name in _left_open(folder, files)}


def _left_open(folder: lists.Place, files: Mapping[str, str]) -> dict[str, None]:
    """Every image of the partition's list, so that absent ones are counted; without it every image that is here."""
    return dict.fromkeys(lists.read_partition(folder) or (name for name in files if name.endswith(".jpg")))


SPLITTERS: dict[str, Callable[[lists.Place, Mapping[str, str]], Mapping[str, str | None]]] = {
    "official": _official,
    "last-1000": _last_1000,
    "recipe": _left_open,
}


def _wanting(folder: lists.Place, stem: str) -> str:
    if not isinstance(folder, Path):
        return f"{printable(folder.path)}: holds no {stem}.txt or {stem}.csv"
    places = ", ".join(printable(folder / place) for place in lists.FOLDERS)
    return f"found no {stem}.txt or {stem}.csv; looked in {places}"
