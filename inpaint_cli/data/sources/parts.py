"""A folder of a distribution, found by itself, or inside the archive or folder of the whole."""

from dataclasses import dataclass
from pathlib import Path

from inpaint_cli.data.trees import MAX_MEMBER_BYTES, Image, Tree, find_tree, open_tree


@dataclass(frozen=True)
class Part:
    """The files of a tree whose names begin with `prefix`, under their names without it."""

    tree: Tree
    prefix: str = ""

    @property
    def path(self) -> Path:
        """The folder or archive, for messages."""
        return self.tree.path / self.prefix if self.prefix else self.tree.path

    def names(self) -> list[str]:
        """Sorted."""
        return [name[len(self.prefix) :] for name in self.tree.names() if name.startswith(self.prefix)]

    def by_file_name(self) -> dict[str, str]:
        """Last part of each name -> the name: some archives hold the folder once more inside itself."""
        return {name.rpartition("/")[2]: name for name in self.names()}

    def image(self, name: str) -> Image:
        """What `Row.image` takes."""
        return self.tree.image(self.prefix + name)

    def read(self, name: str, limit: int = MAX_MEMBER_BYTES) -> bytes:
        """The contents of one file."""
        return self.tree.read(self.prefix + name, limit)

    def __contains__(self, name: str) -> bool:
        return self.prefix + name in self.tree


def find_part(folder: Path, names: tuple[str, ...], wholes: tuple[str, ...]) -> Part | None:
    """One of `names` in `folder` or in a folder called as one of `wholes`, or inside an archive of the whole."""
    tree = find_tree(folder, names, (".", *wholes))
    if tree is not None:
        return Part(tree)
    whole = find_tree(folder, wholes) if wholes else None
    if whole is None:
        return None
    held = {name.partition("/")[0] for name in whole.names()}
    return next((Part(whole, f"{name}/") for name in names if name in held), None)


def open_part(folder: Path, names: tuple[str, ...], wholes: tuple[str, ...]) -> Part:
    """As `find_part`; `InputError` says what was looked for and where."""
    return find_part(folder, names, wholes) or Part(open_tree(folder, names, (".", *wholes)))
