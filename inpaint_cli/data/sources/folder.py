"""Any tree of images, in a folder or in one archive."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from inpaint_cli.data.rows import Reading, Row
from inpaint_cli.data.sources.base import Source
from inpaint_cli.data.trees import Tree, tree_at
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable


class FolderSource(Source):
    """Every file below the folder, hidden ones aside; files that are no images are skipped with their reason later."""

    kind: Literal["folder"]
    takes_archive: ClassVar[bool] = True
    has_splits: ClassVar[bool] = False
    where: ClassVar[str] = "use images of your own"

    def read(self, folder: Path) -> Reading:
        tree = tree_at(folder)
        total = len(tree.names()) + len(tree.refused)
        if total == 0:
            raise InputError(f"{printable(folder)}: no files in it or in folders below it")
        return Reading(_rows(tree), total)


def _rows(tree: Tree) -> Iterator[Row]:
    for name in tree.names():
        yield Row(name, tree.image(name))
    for member in tree.refused:
        yield Row(member.name, member)
