"""Which files belong together by what they are called, whatever kind they are: `cat/1.jpg`, `cat/1.png` and `1.png`."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from inpaint_cli.errors import InputError, printable
from inpaint_cli.imaging.kinds import READABLE

LISTED = 10  # names in a message


class ByName:
    """Files, found by the names of what they belong to.

    Names are relative, with forward slashes. A file belongs to a name when, without their extensions, one is the end of
    the other, folder by folder; of several the longest. With an `ending` such as `_mask`, `1_mask.png` belongs to
    `1.jpg`, too.
    """

    def __init__(self, files: Sequence[str], ending: str = ""):
        self.files = files
        self._by_last: dict[str, list[tuple[tuple[str, ...], int]]] = {}
        for place, file in enumerate(files):
            parts = _parts(file)
            for last in {parts[-1], parts[-1].removesuffix(ending) if ending else parts[-1]}:
                self._by_last.setdefault(last, []).append(((*parts[:-1], last), place))

    def find(self, name: str) -> int | None:
        """The place of the file that belongs to a name, or None; `InputError` where several would."""
        parts = _parts(name)
        fitting: dict[int, list[int]] = {}
        for other, place in self._by_last.get(parts[-1], []):
            length = min(len(parts), len(other))
            if parts[-length:] == other[-length:]:
                fitting.setdefault(length, []).append(place)
        best = fitting[max(fitting)] if fitting else [None]
        if len(best) > 1:
            several = listed([self.files[place] for place in best if place is not None])
            raise InputError(f"{printable(name)}: which file is its own? {several}")
        return best[0]


def paired(wanted: Sequence[str], files: Sequence[str], ending: str = "") -> list[int | None]:
    """For each wanted name the place of its file among `files`, or None, as `ByName` finds them.

    `InputError` where a file would belong to two names, or two files to one.
    """
    by_name = ByName(files, ending)
    found = [by_name.find(name) for name in wanted]
    owners: dict[int, str] = {}
    for name, own in zip(wanted, found, strict=True):
        if own is not None and owners.setdefault(own, name) != name:
            raise InputError(
                f"{printable(files[own])} would belong to {printable(owners[own])} and to {printable(name)}: put files "
                "into folders as the images are"
            )
    return found


def listed(names: Sequence[str]) -> str:
    """`a.png, b.png, … and 7 more`"""
    rest = [f"… and {len(names) - LISTED:,} more"] * (len(names) > LISTED)
    return ", ".join([*map(printable, names[:LISTED]), *rest])


def _parts(name: str) -> tuple[str, ...]:
    path = PurePosixPath(name)
    return (*path.parts[:-1], path.stem if path.suffix.lower() in READABLE else path.name)
