"""Which photos are meant and which masks are theirs, by their names: no file is opened."""

import glob
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from inpaint_cli.errors import InputError, printable
from inpaint_cli.imaging.kinds import READABLE
from inpaint_cli.masks import names_masks

MASK_SUFFIX, RESULT_SUFFIX = "_mask", "_inpaint"
SAID_SUFFIXES = ("_parsing", "_landmarks", "_maps", "_uncertainty")  # of what is said about a photo
# cat_mask, cat-mask, cat.mask, cat_mask001, mask_cat: how other programs call a mask of cat.
MARK = re.compile(r"^mask[_-](?=.)|(?<=.)[_.-]mask[_-]?\d*$")
KINDS_NAMED = 5  # of those that were left out


class Found(NamedTuple):
    """The photos that are meant."""

    photos: list[Path]
    several: bool  # more than one was asked for, even if it is one that was found
    notes: tuple[str, ...] = ()
    below: Mapping[Path, Path] = {}  # a photo's folder below the one that was named, where it is not that one itself


@dataclass
class LeftOut:
    """What of a folder is no photo that is completed."""

    kinds: Counter[str] = field(default_factory=Counter)  # files by extension
    folders: int = 0
    images: int = 0  # in those folders

    def note(self, folder: Path) -> list[str]:
        """What was left out of a folder, counted; nothing where that is nothing."""
        parts = []
        if total := sum(self.kinds.values()):
            named = ", ".join(f"{count} {kind}" for kind, count in self.kinds.most_common(KINDS_NAMED))
            files = "file of a kind that is" if total == 1 else "files of kinds that are"
            parts.append(f"{total} {files} not read ({named}{', …' if len(self.kinds) > KINDS_NAMED else ''})")
        if self.images:
            folders = "a subfolder" if self.folders == 1 else f"{self.folders} subfolders"
            parts.append(f"{folders} with {self.images} image files (--recursive takes them)")
        return [f"{printable(folder)}: left out {' and '.join(parts)}"] if parts else []


def find_photos(inputs: Iterable[Path], recursive: bool = False) -> Found:
    """Files, folders and globs -> photos without repetition, and whether several were asked for.

    A folder stands for the images in it, by name, without masks (NAME_mask.EXT) and the results of earlier runs;
    recursive: and for those in folders below it. A mask that is named beside its photo, as `*.png` does, is no photo.
    """
    inputs = list(inputs)
    found: list[Path] = []
    several, notes, below = len(inputs) > 1, list[str](), dict[Path, Path]()
    for path in inputs:
        if path.is_dir():
            photos, said = _photos_in(path, recursive)
            below |= {photo: photo.parent.relative_to(path) for photo in photos if photo.parent != path}
            found, notes, several = found + photos, notes + said, True
        elif not path.exists() and glob.has_magic(str(path)):
            found, several = found + _matching(path), True
        else:
            found.append(path)
    found = list(dict.fromkeys(found))
    if masks := _masks_among(found):
        notes.append(f"left out, since masks of photos that are named: {', '.join(map(printable, masks))}")
        several = several and (len(found) > len(masks) + 1 or {*inputs} != {*found})
        found = [path for path in found if path not in masks]
    return Found(found, several, tuple(notes), below)


def _masks_among(files: Iterable[Path]) -> list[Path]:
    """Those that call themselves the mask of another."""
    photos = {(path.parent, name.lower()) for path in files for name in (path.stem, path.name)}
    owners = {path: _owner(path) for path in files}
    return [path for path, (owner, marked) in owners.items() if marked and (path.parent, owner) in photos]


def _photos_in(folder: Path, recursive: bool) -> tuple[list[Path], list[str]]:
    left, photos = LeftOut(), list[Path]()
    for inner in [folder, *(_folders_below(folder) if recursive else ())]:
        photos += _photos_of_one(inner, left)
    if not recursive:
        inside = [_images_in(inner) for inner in _folders_below(folder)]
        left.images, left.folders = sum(map(len, inside)), sum(map(bool, inside))
    if not photos:
        kinds = f"{', '.join(READABLE)}; masks are not counted"
        more = "".join(f"; {note.partition(': ')[2]}" for note in left.note(folder))
        raise InputError(f"{printable(folder)}: no photos in this folder ({kinds}){more}")
    return photos, left.note(folder)


def _photos_of_one(folder: Path, left: LeftOut) -> list[Path]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    images = [path for path in files if path.suffix.lower() in READABLE]
    left.kinds.update(path.suffix.lower() or "without an extension" for path in files if path not in {*images})
    stems = {path.stem for path in images}
    names = {name.lower() for path in images for name in (path.stem, path.name)}
    return [path for path in images if not _is_mask(path, names) and not _is_result(path, stems)]


def _folders_below(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.is_dir() and not any(
            part.startswith(".") for part in path.relative_to(folder).parts
        )
    )  # fmt: skip


def _images_in(folder: Path) -> list[Path]:
    """Hidden files are none: what a killed process left of a result is one."""
    return [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in READABLE and path.is_file() and not path.name.startswith(".")
    ]


def _matching(pattern: Path) -> list[Path]:
    found = sorted(Path(name) for name in glob.glob(str(pattern)))  # noqa: PTH207 - the pattern may be absolute
    photos = [path for path in found if path.is_file() and not _is_mask(path, set())]
    if not photos:
        raise InputError(f"{printable(pattern)}: no photo has such a name")
    return photos


def _is_mask(path: Path, names: set[str]) -> bool:
    """Whether a file among images of these names (small letters, with and without extension) is a mask of one."""
    if path.stem.lower().endswith(MASK_SUFFIX):
        return True
    owner, marked = _owner(path)
    return owner in names and (marked or "." in owner)


def _owner(path: Path) -> tuple[str, bool]:
    """What a mask's name says of its photo's, in small letters, and whether it calls itself a mask."""
    owner, marks = MARK.subn("", path.stem.lower(), count=1)
    return owner, bool(marks)


def _is_result(path: Path, stems: set[str]) -> bool:
    """`cat_inpaint.png`, `cat_inpaint_2.png` or `cat_parsing.png` beside `cat.jpg`."""
    name, separator, number = path.stem.rpartition(RESULT_SUFFIX)
    if separator and name in stems:
        return not number or number[1:].isdecimal()
    return any(path.stem.endswith(suffix) and path.stem.removesuffix(suffix) in stems for suffix in SAID_SUFFIXES)


# ---- masks -----------------------------------------------------------------------------------------------------------


def is_specification(mask: str) -> bool:
    """Whether --mask names a masking process or the photo's own pixels, and no file: `./alpha` is a file."""
    kind, colon, _ = mask.partition(":")
    return mask in ("alpha", "none", "nan") or bool(colon and kind.strip().lower() == "auto") or names_masks(mask)


class Masks:
    """The masks of many photos: one for all, or a file for each, whose folders are read once."""

    def __init__(self, mask: str | None):
        """mask: as --mask says; None for files beside the photos."""
        self.mask = mask
        self._folders: dict[Path, Mapping[str, list[tuple[Path, bool]]]] = {}

    def of(self, photo: Path, below: Path = Path()) -> Path | str:
        """The mask of a photo: a specification as it is; one file for all; or from a folder, the file of its name.

        Without --mask `NAME_mask.EXT` belongs to `NAME.EXT`, and so do the names that other programs give; in a folder
        of masks NAME.EXT and NAME.EXT.png do, too. below: the photo's folder below the one that was named, which a
        folder of masks may have as well. `InputError` where there is none or several.
        """
        if self.mask is not None and (is_specification(self.mask) or not Path(self.mask).is_dir()):
            return self.mask if is_specification(self.mask) else Path(self.mask)
        folder = photo.parent if self.mask is None else Path(self.mask) / below
        for found in self._by_preference(folder, photo):
            if len(found) > 1:
                raise InputError(f"{printable(photo)}: which mask? {', '.join(map(printable, found))}")
            if found:
                return found[0]
        stems = [photo.stem + MASK_SUFFIX] if self.mask is None else [photo.stem + MASK_SUFFIX, photo.stem]
        sought = " or ".join(printable(f"{folder / stem}.png") for stem in stems)
        raise InputError(
            f"{printable(photo)}: no mask: there is no {sought} (or of another kind); --mask names a file or says which"
        )

    def _by_preference(self, folder: Path, photo: Path) -> Iterator[list[Path]]:
        names = self._names(folder)
        own = [(path, marked) for path, marked in names.get(photo.stem.lower(), []) if path != photo]
        whole = [path for path, _ in names.get(photo.name.lower(), []) if path != photo]
        yield [path for path, _ in own if path.stem == photo.stem + MASK_SUFFIX]
        if self.mask is not None:
            yield [path for path, _ in own if path.stem == photo.stem]
        yield [path for path, marked in own if marked]
        yield whole
        if self.mask is not None:
            yield [path for path, _ in own]

    def _names(self, folder: Path) -> Mapping[str, list[tuple[Path, bool]]]:
        """The images of a folder by what their names say of a photo's."""
        if folder not in self._folders:
            names: dict[str, list[tuple[Path, bool]]] = defaultdict(list)
            for path in sorted(_images_in(folder)) if folder.is_dir() else ():
                owner, marked = _owner(path)
                names[owner].append((path, marked))
            self._folders[folder] = names
        return self._folders[folder]


def mask_of(photo: Path, mask: str | None) -> Path | str:
    """As `Masks.of`, of one photo."""
    return Masks(mask).of(photo)
