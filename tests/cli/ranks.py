"""The processes that a launcher started."""

from pathlib import Path


def ranks(launcher: int) -> dict[int, int]:
    """Process numbers by rank, of those that the process `launcher` has started."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            environment = dict(entry.partition(b"=")[::2] for entry in (path / "environ").read_bytes().split(b"\0"))
        except OSError:  # it has ended
            continue
        if parent == launcher and b"RANK" in environment:
            found[int(environment[b"RANK"])] = int(path.name)
    return found
