"""What the folders of a tree of images say: which split an image belongs to, and which class.

Folders called as splits are kept as they are; a folder of classes below each, as torchvision's `ImageFolder` has it,
gives labels in the order of its names. What could be meant in two ways is asked for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from inpaint_cli.data.pairing import listed
from inpaint_cli.data.schema import SPLITS
from inpaint_cli.errors import InputError, printable
from inpaint_cli.imaging.kinds import READABLE

Choice = Literal["auto", "folders", "hash"]
SPLIT_FOLDERS = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "dev": "validation", "test": "test", "testing": "test",
}  # fmt: skip
CLASSES_NAMED = 6


@dataclass(frozen=True)
class Layout:
    """Where a tree's images belong. Those without a split are dealt by their names, those of `outside` are left out."""

    words: str
    splits: dict[str, str] = field(default_factory=dict)  # by name
    labels: dict[str, int] = field(default_factory=dict)  # by name; none where some image has no class
    classes: tuple[str, ...] = ()
    outside: frozenset[str] = frozenset()  # images beside the split folders


def layout_of(names: Iterable[str], choice: Choice, where: object) -> Layout:
    """What the folders of the files `names` say, by themselves (`auto`) or as they are told to be taken.

    `InputError` where they might be splits and might be none; `where` is what it calls the tree.
    """
    images = [name for name in names if name.lower().endswith(READABLE)]
    top = _shared_folders(images)
    found = {name: splits[0] for name in images if (splits := _split_folders(name))}
    if choice == "hash" or (choice == "auto" and not found):
        return _dealt(images, top)
    if not found:
        raise InputError(f"{printable(where)}: --splits folders: no folder is called {', '.join(SPLIT_FOLDERS)}")
    if choice == "auto" and (doubt := _doubt(images, top, found)):
        raise InputError(_question(where, doubt, len(images), len(images) - len(found)))
    return _kept(images, top, found)


def _shared_folders(images: Sequence[str]) -> tuple[str, ...]:
    """The folders in which all images lie, down to the first that is called as a split."""
    shared: tuple[str, ...] = ()
    if images:
        folders = [name.split("/")[:-1] for name in images]
        for parts in zip(*folders, strict=False):
            if len(set(parts)) > 1 or parts[0].lower() in SPLIT_FOLDERS:
                break
            shared += (parts[0],)
    return shared


def _split_folders(name: str) -> list[int]:
    """Which of the folders of an image are called as splits, by their depth."""
    return [depth for depth, part in enumerate(name.split("/")[:-1]) if part.lower() in SPLIT_FOLDERS]


def _doubt(images: Sequence[str], top: tuple[str, ...], found: dict[str, int]) -> str | None:
    """Why the folders may not be splits, or not of all images."""
    outside = [name for name in images if name not in found]
    folders = sorted({name.split("/")[depth] for name, depth in found.items()})
    splits = [SPLIT_FOLDERS[folder.lower()] for folder in folders]
    named = " and ".join(map(printable, folders))
    if outside:
        return f"{named} are called as splits, and {len(outside):,} images lie beside them: {listed(outside)}"
    if len(set(splits)) < len(splits):
        return f"{named} are called as the same split"
    if len(set(splits)) < 2 or "train" not in splits:
        return f"{named} is called as a split, and there is no other" if len(splits) == 1 else f"{named}, and no train"
    deep = next((name for name, depth in found.items() if depth != len(top)), None)
    if deep is not None:
        return f"split folders lie at several places, such as {printable(deep)}"
    return None


def _question(where: object, doubt: str, images: int, outside: int) -> str:
    kept = f" (leaving out {outside:,} images)" if outside else ""
    return (
        f"{printable(where)}: {doubt}. Give --splits folders to keep folders called "
        f"{', '.join(SPLIT_FOLDERS)} as splits{kept}, or --splits hash to deal all {images:,} images by their names"
    )


def _kept(images: Sequence[str], top: tuple[str, ...], found: dict[str, int]) -> Layout:
    """The split folders as they are, and the class folders below (or above) them."""
    splits = {name: SPLIT_FOLDERS[name.split("/")[depth].lower()] for name, depth in found.items()}
    classes = {name: _class_beside(name.split("/")[:-1], depth, len(top)) for name, depth in found.items()}
    labels, names, words = _labels(classes)
    folders = {split: _folders(split, found) for split in SPLITS if split in splits.values()}
    kept = ", ".join(f"{' and '.join(own)} → {split}" for split, own in folders.items())
    outside = frozenset(name for name in images if name not in found)
    left = f"; {len(outside):,} images beside them left out" if outside else ""
    return Layout(f"split folders kept ({kept}){left}; {words}", splits, labels, names, outside)


def _folders(split: str, found: dict[str, int]) -> list[str]:
    folders = {name.split("/")[depth] for name, depth in found.items()}
    return sorted(printable(folder) for folder in folders if SPLIT_FOLDERS[folder.lower()] == split)


def _class_beside(folders: Sequence[str], depth: int, top: int) -> str | None:
    """The first folder below a split's, as `ImageFolder` takes it; where there is none, the one right above it."""
    if len(folders) > depth + 1:
        return folders[depth + 1]
    return folders[depth - 1] if depth > top else None


def _dealt(images: Sequence[str], top: tuple[str, ...]) -> Layout:
    """No splits: images are dealt by their names; one level of folders is taken for classes."""
    below = {name: name.split("/")[len(top) : -1] for name in images}
    labels, names, words = _labels({name: parts[0] if len(parts) == 1 else None for name, parts in below.items()})
    return Layout(f"no split folders: dealt by names; {words}", labels=labels, classes=names)


def _labels(classes: dict[str, str | None]) -> tuple[dict[str, int], tuple[str, ...], str]:
    """Numbers by image, the classes in their order, and what was seen; none unless every image has one of several."""
    names = sorted({own for own in classes.values() if own is not None})
    without = sum(own is None for own in classes.values())
    if without or len(names) < 2:
        some = bool(names) and without < len(classes) and bool(without)
        return {}, (), f"no classes, since {without:,} images lie in no class folder" if some else "no class folders"
    numbers = {name: number for number, name in enumerate(names)}
    shown = ", ".join([*map(printable, names[:CLASSES_NAMED]), *["…"] * (len(names) > CLASSES_NAMED)])
    labels = {name: numbers[own] for name, own in classes.items() if own is not None}
    return labels, tuple(names), f"{len(names):,} class folders ({shown})"
