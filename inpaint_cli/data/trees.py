"""A tree of files, whether it lies in a folder or in an archive as it was downloaded; both give the same rows.

A source asks for its tree by name, `open_tree(source, ("img_align_celeba",), FOLDERS)`, and builds rows of
`Row(name, tree.image(name), ...)`. What `image` returns is small and is read by the worker process that decodes it.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from inpaint_cli.data.archives import (
    MAX_MEMBER_BYTES,
    Member,
    ReadMember,
    RefusedMember,
    StoredMember,
    tar_members,
    unpack_gzip,
    zip_members,
)
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable

UNREAD_SUFFIXES = (".7z", ".7z.001", ".rar", ".part1.rar", ".part01.rar", ".zip.001")
Image = Path | Member | bytes  # what `Row.image` takes


class Tree:
    """Files by their names relative to the tree, with forward slashes."""

    def __init__(self, path: Path):
        self.path = path  # of the folder or of the archive
        self.refused: tuple[RefusedMember, ...] = ()  # of an archive: what is never read, such as links

    def names(self) -> list[str]:
        """Every file, sorted; hidden ones and `__MACOSX` are left out."""
        raise NotImplementedError

    def image(self, name: str) -> Image:
        """What `Row.image` takes; damage to one file is found where it is decoded, and skips that row alone."""
        raise NotImplementedError

    def read(self, name: str, limit: int = MAX_MEMBER_BYTES) -> bytes:
        """The contents of one file; `InputError` when it is absent, damaged, or has more than `limit` bytes."""
        if name not in self:
            raise InputError(f"{printable(self.path)}: holds no {printable(name)}")
        return contents(self.image(name), limit)

    def __contains__(self, name: str) -> bool:
        raise NotImplementedError


def contents(image: Image, limit: int = MAX_MEMBER_BYTES) -> bytes:
    """The bytes of what `Tree.image` returned."""
    if isinstance(image, bytes):
        return image
    if not isinstance(image, Path):
        return image.read(limit)
    try:
        if not image.is_file():  # a pipe or a device could keep us waiting for ever
            raise InputError(f"{printable(image)}: is not a regular file")
        if image.stat().st_size > limit:
            raise InputError(f"{printable(image)}: has more than {limit:,} bytes")
        return image.read_bytes()
    except OSError as error:
        raise InputError(f"{printable(image)}: cannot be read ({error.strerror})") from None


def decodable(image: Image, name: str) -> Path | BinaryIO:
    """What `imaging.decoding.decode` takes, of what `Tree.image` returned; messages will speak of `name`."""
    if isinstance(image, Path):
        return image
    held = BytesIO(contents(image))
    held.name = name
    return held


class FolderTree(Tree):
    """The files below a folder. Links to folders are not followed, so that no loop is entered."""

    def __init__(self, path: Path):
        super().__init__(path)
        self._names = frozenset(_files_below(path))

    def names(self) -> list[str]:
        return sorted(self._names)

    def image(self, name: str) -> Path:
        return self.path / name

    def __contains__(self, name: str) -> bool:
        return name in self._names


class ArchiveTree(Tree):
    """The members of an archive. A single top folder named as the archive, or as what was looked for, is left out."""

    def __init__(self, path: Path, members: Iterable[Member], top_names: tuple[str, ...]):
        super().__init__(path)
        kept: dict[str, ReadMember] = {}
        refused = []
        for member in map(_admitted, members):
            if _is_hidden(member.name):
                continue
            if isinstance(member, RefusedMember):
                refused.append(member)
            else:
                kept[_plain(member.name)] = member  # of equal names the last holds, as when extracting
        self._members = _without_top(kept, (_stem(path.name), *top_names))
        self.refused = tuple(refused)

    def names(self) -> list[str]:
        return sorted(self._members)

    def image(self, name: str) -> Member | bytes:
        return self._members[name]

    def __contains__(self, name: str) -> bool:
        return name in self._members


class UnpackedTree(ArchiveTree):
    """A compressed tar archive, unpacked once to a file without a name, which this process alone can read."""

    def __init__(self, path: Path, top_names: tuple[str, ...]):
        self._unpacked = unpack_gzip(path)
        super().__init__(path, tar_members(path, self._unpacked), top_names)

    def image(self, name: str) -> Member | bytes:
        member = self._members[name]
        if member.size > MAX_MEMBER_BYTES:
            return RefusedMember(self.path, name, f"has {member.size:,} bytes, more than are read at once")
        return self._unpacked_bytes(member)

    def read(self, name: str, limit: int = MAX_MEMBER_BYTES) -> bytes:
        member = self._members.get(name)
        if member is None or member.size > limit:
            return super().read(name, limit)
        return self._unpacked_bytes(member)

    def _unpacked_bytes(self, member: ReadMember) -> bytes:
        assert isinstance(member, StoredMember)  # a tar archive has no others
        return os.pread(self._unpacked.fileno(), member.size, member.offset)


def open_tree(folder: Path, names: tuple[str, ...], folders: tuple[str, ...] = (".",)) -> Tree:
    """The first of `names` in the first of `folders` below `folder`, as a folder or as an archive.

    A name is that of a folder or of an archive (`img_align_celeba`, `102flowers.tgz`); without an ending `.zip`,
    `.tar`, `.tar.gz` and `.tgz` are tried too. `InputError` says what was looked for and where, and what to do with
    archives of kinds that are not read.
    """
    tree = find_tree(folder, names, folders)
    if tree is not None:
        return tree
    unread = _first_existing(folder, names, folders, UNREAD_SUFFIXES)
    if unread is not None:
        raise InputError(_unread(unread))
    places = ", ".join(printable(folder / place) for place in folders)
    raise InputError(
        f"found no {' or '.join(names)}, as a folder or an archive ({', '.join(SUFFIXES)}); looked in {places}"
    )


def find_tree(folder: Path, names: tuple[str, ...], folders: tuple[str, ...] = (".",)) -> Tree | None:
    """As `open_tree`, but None where there is none."""
    found = _first_existing(folder, names, folders, ("", *SUFFIXES))
    return None if found is None else tree_at(found, names)


def tree_at(path: Path, top_names: tuple[str, ...] = ()) -> Tree:
    """The tree that `path` is, a folder or an archive; `InputError` when it is neither.

    An archive's single top folder is left out when it is called as the archive is, or one of `top_names`.
    """
    if path.is_dir():
        return FolderTree(path)
    if not path.is_file():
        raise InputError(
            f"{printable(path)}: {'is not a folder or file' if path.exists() else 'no such file or folder'}"
        )
    suffix = _suffix(path.name)
    if suffix is None:
        raise InputError(_unread(path))
    return OPENERS[suffix](path, top_names)


def _zip_tree(path: Path, top_names: tuple[str, ...]) -> Tree:
    return ArchiveTree(path, zip_members(path), top_names)


def _tar_tree(path: Path, top_names: tuple[str, ...]) -> Tree:
    with path.open("rb") as file:
        return ArchiveTree(path, tar_members(path, file), top_names)


OPENERS: dict[str, Callable[[Path, tuple[str, ...]], Tree]] = {
    ".zip": _zip_tree,
    ".tar": _tar_tree,
    ".tar.gz": UnpackedTree,
    ".tgz": UnpackedTree,
}
SUFFIXES = tuple(OPENERS)


def _first_existing(
    folder: Path, names: tuple[str, ...], folders: tuple[str, ...], suffixes: tuple[str, ...]
) -> Path | None:
    paths = (folder / place / f"{name}{suffix}" for place in folders for name in names for suffix in suffixes)
    return next((path for path in paths if path.is_dir() or is_archive(path)), None)


def is_archive(path: Path) -> bool:
    """Whether a file is called as an archive, one that is read or one that is not."""
    return path.is_file() and _suffix(path.name, (*SUFFIXES, *UNREAD_SUFFIXES)) is not None


def _unread(path: Path) -> str:
    kind = _suffix(path.name, UNREAD_SUFFIXES)
    if kind is None:
        return f"{printable(path)}: is neither a folder nor an archive that is read ({', '.join(SUFFIXES)})"
    return (
        f"{printable(path)}: archives of this kind are not read; extract it first (7z x {printable(path.name)}),"
        f" so that the folder {printable(path.name[: -len(kind)])} lies beside it"
    )


def _suffix(name: str, suffixes: tuple[str, ...] = SUFFIXES) -> str | None:
    return next((suffix for suffix in suffixes if name.lower().endswith(suffix)), None)


def _stem(name: str) -> str:
    return name[: len(name) - len(_suffix(name) or "")]


def _admitted(member: Member) -> Member:
    """The member, or the refusal of a name that leaves the archive or is none."""
    name = member.name
    if name.startswith("/") or ".." in name.split("/") or "\0" in name or not _plain(name):
        return RefusedMember(member.archive, name, "has a name that points out of the archive")
    return member


def _plain(name: str) -> str:
    """Without empty parts and dots: `./a//b` is `a/b`."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _is_hidden(name: str) -> bool:
    parts = name.split("/")
    return "__MACOSX" in parts or any(part.startswith(".") and part not in (".", "..") for part in parts)


def _without_top(members: dict[str, ReadMember], tops: tuple[str, ...]) -> dict[str, ReadMember]:
    first = {name.partition("/")[0] for name in members}
    top = next(iter(first)) if len(first) == 1 else None
    if top not in tops or top in members:
        return members
    return {name.partition("/")[2]: member for name, member in members.items()}


def _files_below(folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not _is_hidden(name)]
        relative = Path(place).relative_to(folder)
        yield from ((relative / name).as_posix() for name in files if not _is_hidden(name))


def _refuse(error: OSError) -> None:
    raise InputError(f"{printable(error.filename)}: this folder cannot be read ({error.strerror})")
