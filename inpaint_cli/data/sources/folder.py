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
from inpaint_cli.imaging.kinds import READABLE


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
        _refuse_other_forms(tree)
        layout = layout_of(tree.names(), self.splits, folder)
        total = len(tree.names()) + len(tree.refused) - len(layout.outside)
        if total == 0:
            raise InputError(f"{printable(folder)}: no files in it or in folders below it")
        label_names = {"labels": layout.classes} if layout.classes else {}
        return Reading(_rows(tree, layout), total, label_names, layout=layout.words)


OTHER_FORMS = {  # files that hold many images: what reads them
    ".parquet": "inpaint prepare parquet reads parquet files",
    ".tar": "inpaint prepare webdataset reads tars of samples; one tar of images is named itself by --source",
    ".zip": "name the archive itself by --source",
    ".tar.gz": "name the archive itself by --source",
    ".tgz": "name the archive itself by --source",
    ".tfrecord": "TFRecord files are not read: download the set as images, parquet files or WebDataset's tars",
    ".arrow": "Arrow files are what `datasets` saves for itself: write them by its to_parquet",
    ".mdb": "LMDB is read by recipes of LSUN alone: extract the images",
}


def _refuse_other_forms(tree: Tree) -> None:
    """`InputError` for a folder without images whose files are of a form that another recipe reads, or none does."""
    names = tree.names()
    if any(name.lower().endswith(READABLE) for name in names):
        return
    for name in names:
        ending = next((ending for ending in OTHER_FORMS if name.lower().endswith(ending)), None)
        if ending is not None:
            raise InputError(f"{printable(tree.path)}: holds {printable(name)} and no images; {OTHER_FORMS[ending]}")


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
