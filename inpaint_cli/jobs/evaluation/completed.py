"""Folders of images that other programs completed, paired with the originals by their names."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from inpaint_cli.data.pairing import ByName, listed, paired
from inpaint_cli.data.pictures import FilePictures, images_in
from inpaint_cli.data.trees import tree_at
from inpaint_cli.errors import InputError, UsageError, printable
from inpaint_cli.jobs.evaluation.subjects import Subject, refuse_other_sizes

LETTERS = "._+-() "  # that a system's name may have beside letters and digits


class Completed(NamedTuple):
    """A system by what it left: images in a folder or an archive."""

    name: str
    folder: Path

    def __str__(self) -> str:
        return self.name


Given = Mapping[str, Path | str] | Sequence[Path | str]


def completed_from(given: Given) -> list[Completed]:
    """`NAME=FOLDER`, or a folder that is called as its system is; a mapping from names to folders will do, too."""
    pairs = given.items() if isinstance(given, Mapping) else map(_named, given)
    found = [Completed(name, Path(folder)) for name, folder in pairs]
    for own in found:
        if not own.name or not all(letter.isalnum() or letter in LETTERS for letter in own.name):
            raise UsageError(f"--completed NAME=FOLDER: a name has letters, digits and {LETTERS}, not '{own.name}'")
    return found


def _named(text: Path | str) -> tuple[str, Path | str]:
    name, equals, folder = str(text).partition("=")
    if equals and not Path(text).exists():
        return name.strip(), folder
    return Path(text).resolve().name.partition(".")[0], text


def paired_pictures(system: Completed, subject: Subject) -> tuple[FilePictures, list[str]]:
    """The folder's images in the order of the originals, all of these' sizes, and what is to be said of them."""
    tree = tree_at(system.folder)
    files = images_in(tree)
    if subject.rows is None:
        _refuse_without_original(system, subject, files)
    places, notes = _by_name_or_row(system, subject, files)
    alone = [name for name, place in zip(subject.names, places, strict=True) if place is None]
    if alone:
        raise InputError(
            f"{printable(system.folder)}: {len(alone):,} of {len(subject.names):,} images of {subject.where} have no "
            f"completed one of their name: {listed(alone)}"
        )
    chosen = [files[place] for place in places if place is not None]
    pictures = FilePictures(tree, chosen)
    refuse_other_sizes(printable(system.folder), subject, pictures.forms(), chosen)
    return pictures, notes


def _refuse_without_original(system: Completed, subject: Subject, files: Sequence[str]) -> None:
    """`InputError` where a folder holds completed images of which there is no original."""
    originals = _found(system, files, subject.all_names)
    alone = [file for file, place in zip(files, originals, strict=True) if place is None]
    if alone:
        raise InputError(
            f"{printable(system.folder)}: {len(alone):,} of {len(files):,} completed images have no original of their "
            f"name in {subject.where}: {listed(alone)}"
        )


def _by_name_or_row(system: Completed, subject: Subject, files: Sequence[str]) -> tuple[list[int | None], list[str]]:
    """Each image's file: by its name, or, in a split, by its row, as `inpaint data --export` calls files.

    By its row where that leaves fewer images alone; or as few, and fewer files of the folder.
    """
    count = len(subject.names)
    if subject.rows is None:
        return _found(system, subject.names, files), []
    numbered = ByName(files)
    by_row: list[int | None] = [numbered.find(f"{row:06d}") for row in range(subject.rows)]
    try:
        by_name = paired(subject.all_names, files)
    except InputError:  # so they are not called after the images
        by_name = [None] * subject.rows
    alone = [(own[:count].count(None), own.count(None)) for own in (by_name, by_row)]
    if alone[1] >= alone[0]:
        return by_name[:count], []
    return by_row[:count], [f"{system.name}: its files are called after rows, from 000000 on, and were taken so"]


def _found(system: Completed, names: Sequence[str], files: Sequence[str]) -> list[int | None]:
    try:
        return paired(names, files)
    except InputError as error:
        raise InputError(f"{printable(system.folder)}: {error}") from None
