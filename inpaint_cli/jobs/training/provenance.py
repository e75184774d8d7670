"""Which code trains: said with and without a version control beside it."""

import hashlib
from contextlib import suppress
from functools import cache
from pathlib import Path

import inpaint_cli

PACKAGE = Path(inpaint_cli.__file__).parent
SHOWN = 16  # digits of a digest


@cache
def code() -> dict[str, str]:
    """`digest` of every Python file of this package, by which two runs of the same code are known, and git's `commit`
    where the package lies in a working tree of git."""
    total = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        total.update(f"{path.relative_to(PACKAGE).as_posix()}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    commit = commit_of(PACKAGE.parent)
    return {"digest": total.hexdigest()[:SHOWN], **({"commit": commit} if commit else {})}


def commit_of(tree: Path) -> str | None:
    """That is checked out, read from git's files: the program need not be there. None where that is not found."""
    git = tree / ".git"
    with suppress(OSError):
        head = (git / "HEAD").read_text().strip()
        name = head.removeprefix("ref: ")
        if name == head:
            return head
        if (git / name).exists():
            return (git / name).read_text().strip()
        for line in (git / "packed-refs").read_text().splitlines():
            if line.endswith(f" {name}"):
                return line.split()[0]
    return None
