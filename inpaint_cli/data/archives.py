"""Archives read in place: an index of their members first, then each member's bytes where it is decoded.

Nothing is ever extracted under a name that an archive gave. A member knows where it lies, so worker processes read it
by themselves, in any order, and no more than one member is in a process's memory.
"""

import gzip
import os
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from inpaint_cli.errors import EnvironmentFault, InputError
from inpaint_cli.imaging.decoding import printable

MAX_MEMBER_BYTES = 256 << 20  # of one member, unpacked
MAX_RATIO = 100  # of all members to the archive; images and label maps stay far below
ALWAYS_ALLOWED = 1 << 30  # bytes that may be unpacked whatever the ratio
MAX_TAR_HEADER = 1 << 20  # bytes of a long name or of a pax header, which tarfile reads at once
LOCAL_HEADER = 30  # bytes before the name in front of each member of a zip file
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
LONG_HEADERS = {
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
}


@dataclass(frozen=True, slots=True)
class StoredMember:
    """Bytes that lie in an archive as they are."""

    archive: Path
    name: str
    offset: int
    size: int

    def read(self, limit: int = MAX_MEMBER_BYTES) -> bytes:
        """The contents; `InputError` when they are damaged or more than `limit` bytes."""
        _refuse_large(self, limit)
        return _read_at(self, self.offset, self.size)


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A member of a zip file, by the place of its local header."""

    archive: Path
    name: str
    header: int
    packed: int  # bytes in the archive
    size: int  # bytes unpacked
    crc: int
    compression: int

    def read(self, limit: int = MAX_MEMBER_BYTES) -> bytes:
        """The contents; `InputError` when they are damaged or more than `limit` bytes."""
        _refuse_large(self, limit)
        packed = _read_at(self, self._start(), self.packed)
        contents = packed if self.compression == zipfile.ZIP_STORED else self._inflate(packed)
        if len(contents) != self.size or zlib.crc32(contents) != self.crc:
            raise InputError(
                f"{_place(self)}: is damaged: its contents are not those that the archive's index promises"
            )
        return contents

    def _start(self) -> int:
        local = _read_at(self, self.header, LOCAL_HEADER)
        if not local.startswith(b"PK\3\4"):
            raise InputError(f"{_place(self)}: is damaged: the archive's index points at something else")
        name, extra = int.from_bytes(local[26:28], "little"), int.from_bytes(local[28:30], "little")
        return self.header + LOCAL_HEADER + name + extra

    def _inflate(self, packed: bytes) -> bytes:
        try:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, self.size + 1)  # one more would be a bomb
        except zlib.error as error:
            raise InputError(f"{_place(self)}: is damaged ({error})") from None


@dataclass(frozen=True, slots=True)
class RefusedMember:
    """A member that is not read, and why: so that it is counted and listed like any unreadable image."""

    archive: Path
    name: str
    reason: str

    def read(self, limit: int = MAX_MEMBER_BYTES) -> bytes:
        """Raises the reason as `InputError`."""
        raise InputError(f"{_place(self)}: {self.reason}")


ReadMember = StoredMember | ZipMember
Member = ReadMember | RefusedMember


def zip_members(path: Path) -> Iterator[Member]:
    """What a zip file holds, in its own order; `InputError` when its index is damaged or it is encrypted."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
    except Exception as error:  # BadZipFile, and OSError, ValueError, UnicodeError, … on damaged indexes
        raise InputError(f"{printable(path)}: not a whole zip file ({_first_line(error)}); was it cut short?") from None
    _refuse_bomb(path, sum(info.file_size for info in members))
    for info in members:
        if info.flag_bits & 1:
            raise InputError(f"{printable(path)}: is encrypted; extract it with its password and name the folder")
        yield _zip_member(path, info)


def _zip_member(path: Path, info: zipfile.ZipInfo) -> Member:
    name = _zip_name(info)
    if info.external_attr >> 16 & 0o170000 == 0o120000:
        return RefusedMember(path, name, "is a link, which is not followed inside an archive")
    if info.compress_type not in COMPRESSIONS:
        return RefusedMember(
            path, name, f"is packed by method {info.compress_type}, which this program does not read; extract it"
        )
    return ZipMember(path, name, info.header_offset, info.compress_size, info.file_size, info.CRC, info.compress_type)


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Without its flag a name is decoded by an old code page, though most programs wrote UTF-8."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def tar_members(path: Path, file: BinaryIO) -> Iterator[Member]:
    """What the uncompressed tar archive `file` holds, in its own order; `InputError` when it is damaged.

    `path` is the file's name on disk, where its members will be read.
    """
    try:
        with _TarFile.open(fileobj=file, mode="r:", tarinfo=_TarInfo, encoding="utf-8") as archive:
            while (info := archive.next()) is not None:
                archive.members.clear()  # tarfile would keep every header
                if not info.isdir():
                    yield _tar_member(path, info)
            _refuse_rest(file, archive.offset)
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        raise InputError(
            f"{printable(path)}: not a whole tar archive ({_first_line(error)}); was it cut short?"
        ) from None


def _refuse_rest(file: BinaryIO, offset: int) -> None:
    """tarfile stops at a header that is damaged or cut as if the archive ended there."""
    file.seek(offset)
    block = file.read(tarfile.BLOCKSIZE)
    if len(block) not in (0, tarfile.BLOCKSIZE) or any(block):
        raise tarfile.ReadError("a damaged header")


def _tar_member(path: Path, info: tarfile.TarInfo) -> Member:
    if info.isreg() and not info.issparse():
        return StoredMember(path, info.name, info.offset_data, info.size)
    kind = "a link, which is not followed inside an archive" if info.issym() or info.islnk() else "not a regular file"
    return RefusedMember(path, info.name, f"is {kind}")


class _TarInfo(tarfile.TarInfo):
    """A header that tarfile would read at once must be small."""

    def _proc_member(self, archive: tarfile.TarFile) -> Self:
        if self.type in LONG_HEADERS and self.size > MAX_TAR_HEADER:
            raise tarfile.ReadError(f"a header of {self.size:,} bytes")
        return super()._proc_member(archive)  # type: ignore[misc]  # there to be overridden, but not in the stubs


class _TarFile(tarfile.TarFile):
    """Only says what the stubs of tarfile leave out."""

    members: list[tarfile.TarInfo]


def unpack_gzip(path: Path) -> BinaryIO:
    """The unpacked contents in an unnamed temporary file, which vanishes with the process."""
    allowed = max(ALWAYS_ALLOWED, MAX_RATIO * path.stat().st_size)
    plain = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as its tree
    for block in _gzip_blocks(path):
        try:
            plain.write(block)
        except OSError as error:
            raise EnvironmentFault(
                f"{printable(path)}: no room to unpack it in {tempfile.gettempdir()} ({error.strerror});"
                " name a roomier folder by TMPDIR, or extract it"
            ) from None
        if plain.tell() > allowed:
            raise InputError(f"{printable(path)}: unpacks to more than {MAX_RATIO} times its size; not a set of images")
    plain.seek(0)
    return plain


def _gzip_blocks(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) as packed:
            while block := packed.read(1 << 20):
                yield block
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{printable(path)}: cannot be unpacked ({_first_line(error)}); was it cut short?") from None


def _refuse_bomb(path: Path, total: int) -> None:
    if total > max(ALWAYS_ALLOWED, MAX_RATIO * path.stat().st_size):
        raise InputError(f"{printable(path)}: would unpack to {total:,} bytes, more than {MAX_RATIO} times its size")


def _refuse_large(member: ReadMember, limit: int) -> None:
    if max(member.size, getattr(member, "packed", 0)) > limit:
        raise InputError(f"{_place(member)}: has {member.size:,} bytes, more than the {limit:,} read at once")


def _read_at(member: ReadMember, offset: int, size: int) -> bytes:
    try:
        with member.archive.open("rb", buffering=0) as file:
            contents = os.pread(file.fileno(), size, offset)
    except (OSError, OverflowError) as error:
        raise InputError(f"{_place(member)}: cannot be read ({_first_line(error)})") from None
    if len(contents) != size:
        raise InputError(f"{_place(member)}: is damaged: the archive ends before it does")
    return contents


def _place(member: Member) -> str:
    return f"{printable(member.archive)}: {printable(member.name)}"


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).partition("\n")[0]
