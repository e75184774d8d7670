"""Any tree of images, in a folder or in one archive."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from inpaint_cli.data.archives import RefusedMember
from inpaint_cli.data.layouts import Choice, Layout, layout_of
from inpaint_cli.data.rows import Reading, Row
from inpaint_cli.data.sources.base import Source
from inpaint_cli.data.trees import Tree, tree_at
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable


class FolderSource(Source):
    """Every file below the folder, hidden ones aside; files that are no images are skipped with their reason later.

    Folders called as splits are kept, class folders below them become labels (`layouts.py`).
    """

    kind: Literal["folder"]
    splits: Choice = "auto"  # auto asks where the folders may be meant in two ways
    takes_archive: ClassVar[bool] = True
    has_splits: ClassVar[bool] = False
    where: ClassVar[str] = "use images of your own"

    def read(self, folder: Path) -> Reading:
        tree = tree_at(folder)
        layout = layout_of(tree.names(), self.splits, folder)
        total = len(tree.names()) + len(tree.refused) - len(layout.outside)
        if total == 0:
            raise InputError(f"{printable(folder)}: no files in it or in folders below it")
        label_names = {"labels": layout.classes} if layout.classes else {}
        return Reading(_rows(tree, layout), total, label_names, layout=layout.words)


def _rows(tree: Tree, layout: Layout) -> Iterator[Row]:
    for name in tree.names():
        if name in layout.outside:
            continue
        if (layout.splits and name not in layout.splits) or (layout.classes and name not in layout.labels):
            yield Row(
                name, RefusedMember(tree.path, name, "is not called as images are, and folders say what they hold")
            )
        else:
            labels = {"labels": np.array(layout.labels[name], np.int64)} if name in layout.labels else {}
            yield Row(name, tree.image(name), layout.splits.get(name), labels)
    for member in tree.refused:
        yield Row(member.name, member)
