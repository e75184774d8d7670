"""LSUN's form: LMDB folders of encoded images; or a folder or an archive of images."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from inpaint_cli.data.rows import Reading, Row
from inpaint_cli.data.sources.base import FileName, Source
from inpaint_cli.data.trees import find_tree, tree_at
from inpaint_cli.errors import EnvironmentFault, InputError
from inpaint_cli.imaging.decoding import printable

if TYPE_CHECKING:
    import lmdb  # an extra of this package

PARTS = ("train", "val")  # the official parts; the recipe's shares decide over both

# LMDB's file begins with two pages that describe it; the one of the later transaction is valid.
META_AT = 16  # bytes of a page's own header
META = struct.Struct("<IIQQ 48s 48s QQ")  # magic, version, address, map size, two tables, last page, transaction
MAGIC, VERSION = 0xBEEFC0DE, 1
LEAST_PAGE, GREATEST_PAGE = 512, 65_536


class LSUNSource(Source):
    """One category; splits come from the recipe, since the official validation part has 300 images."""

    kind: Literal["lsun"]
    has_splits: ClassVar[bool] = False
    takes_archive: ClassVar[bool] = True
    where: ClassVar[str] = "get LSUN by its authors' own download script"
    category: FileName

    def read(self, folder: Path) -> Reading:
        databases = [path for part in PARTS if (path := folder / f"{self.category}_{part}_lmdb").is_dir()]
        if (folder / "data.mdb").is_file():
            databases = [folder]
        if not databases:
            return self._read_images(folder)
        total = sum(_count(path) for path in databases)
        return Reading((row for path in databases for row in _rows(path)), total)

    def _read_images(self, folder: Path) -> Reading:
        packed = [path for part in PARTS if (path := folder / f"{self.category}_{part}_lmdb.zip").is_file()]
        if packed:
            raise InputError(
                f"{printable(packed[0])}: a database cannot be read inside an archive; extract it beside it"
            )
        tree = find_tree(folder, (self.category,)) or tree_at(folder)
        names = tree.names()
        if not names:
            raise InputError(f"{printable(folder)}: holds no {self.category}_train_lmdb and no images")
        return Reading((Row(name, tree.image(name)) for name in names), len(names), notes=("read from image files",))


def _rows(path: Path) -> Iterator[Row]:
    """In the order of the keys, which are the names."""
    with _opened(path) as transaction:
        promised, seen = transaction.stat()["entries"], 0
        for key, value in transaction.cursor():
            yield Row(f"{path.name}/{bytes(key).decode('utf-8', 'surrogateescape')}", bytes(value))
            seen += 1
    if seen != promised:
        raise InputError(f"{printable(path / 'data.mdb')}: holds {seen:,} of its {promised:,} images; it is damaged")


def _count(path: Path) -> int:
    with _opened(path) as transaction:
        count = transaction.stat()["entries"]
    if not count:
        raise InputError(f"{printable(path)}: this database is empty")
    return count


@contextmanager
def _opened(path: Path) -> Iterator["lmdb.Transaction"]:
    """A transaction that reads: nothing is locked or written."""
    try:
        import lmdb
    except ImportError:
        raise EnvironmentFault(
            f"{printable(path)}: LSUN's databases are read by the package lmdb; install it with:"
            " pip install 'inpaint-cli[lsun]'"
        ) from None
    _refuse_truncated(path / "data.mdb")
    try:
        with (
            lmdb.open(str(path), readonly=True, lock=False, readahead=False) as database,
            database.begin(buffers=True) as transaction,
        ):
            yield transaction
    except lmdb.Error as error:
        raise InputError(f"{printable(path / 'data.mdb')}: not a whole LMDB database ({error})") from None


def _refuse_truncated(path: Path) -> None:
    """LMDB maps the file into memory; where a page is missing the whole process would be killed."""
    try:
        with path.open("rb") as file:
            first = _meta(file.read(META_AT + META.size))
            page = first[0] if first else 0
            file.seek(page)
            second = _meta(file.read(META_AT + META.size)) if page else None
        held = path.stat().st_size
    except OSError as error:
        raise InputError(f"{printable(path)}: cannot be read ({error.strerror})") from None
    if first is None or second is None:
        raise InputError(f"{printable(path)}: not an LMDB database; was it cut short?")
    needed = (max(first, second, key=lambda meta: meta[2])[1] + 1) * page
    if held < needed:
        raise InputError(f"{printable(path)}: has {held:,} of its {needed:,} bytes; it was cut short")


def _meta(contents: bytes) -> tuple[int, int, int] | None:
    """Page size in bytes, number of the last page, and transaction; None where there is no description."""
    if len(contents) < META_AT + META.size:
        return None
    magic, version, _, _, free, _, last, transaction = META.unpack_from(contents, META_AT)
    page = int.from_bytes(free[:4], "little")
    known = (magic, version) == (MAGIC, VERSION) and LEAST_PAGE <= page <= GREATEST_PAGE
    return (page, last, transaction) if known else None
