"""JPEG blocks in which nothing changed, taken from the photo's own file bit for bit.

A photo that is compressed once more, even by its own tables, changes everywhere a little. Here it is compressed for the
sake of the blocks that changed; the coefficients of all others are the old file's.
"""

from pathlib import Path
from typing import Any

import numpy as np

from inpaint_cli.imaging.orientation import TURNS_THE_SIDES

SIDE = 8  # pixels of a block
LIBRARY = "turbo210"  # of those that jpeglib brings
PLANES = ("Y", "Cb", "Cr", "K")
CODED_AS_HERE = {0xC0, 0xC1, 0xC2}  # frames whose coefficients can be taken over: sequential and progressive
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
SCAN, DESCRIBES = 0xDA, {*range(0xE0, 0xF0), 0xFE}  # a scan begins; what describes the photo
# What turns a picture, in coefficients: whether rows and columns change places, and which sides are then mirrored.
STEPS = {
    1: (False, False, False), 2: (False, False, True), 3: (False, True, True), 4: (False, True, False),
    5: (True, False, False), 6: (True, False, True), 7: (True, True, True), 8: (True, True, False),
}  # fmt: skip


def turned_tables(tables: list[list[int]], turned: int) -> list[list[int]]:
    """Quantisation tables of a photo that is turned: those of a JPEG, row by row."""
    if turned not in TURNS_THE_SIDES:
        return tables
    return [np.array(table).reshape(SIDE, SIDE).T.ravel().tolist() for table in tables]


def turns_whole(path: Path, turned: int) -> bool:
    """Whether a JPEG can be turned block by block: no incomplete one would come to lie at its top or left."""
    frame = next((segment for marker, segment in _segments(path.read_bytes()) if marker in FRAMES), b"")
    if turned == 1 or not frame:
        return True
    height, width = int.from_bytes(frame[5:7]), int.from_bytes(frame[7:9])
    factors = [(factor >> 4, factor & 15) for factor in frame[11 : 10 + 3 * frame[9] : 3]]  # across, down
    wide, tall = (SIDE * max(lengths) for lengths in zip(*factors, strict=True))
    across, upside_down, mirrored = STEPS[turned]
    rows, columns = (mirrored, upside_down) if across else (upside_down, mirrored)
    uneven = across and any(first != second for first, second in factors)
    return not (uneven or (rows and height % tall) or (columns and width % wide))


def keep_blocks(written: Path, own: Path, changed: np.ndarray, turned: int = 1) -> bool:
    """Put the blocks of the file `own` into the file `written` where nothing is changed; whether that could be done.

    changed: bool [H, W], of the photo upright; turned: its EXIF orientation. Both files must have been coded alike.
    """
    if not {_frame(written), _frame(own)} <= CODED_AS_HERE or not turns_whole(own, turned):
        return False
    try:
        import jpeglib
    except ImportError:
        return False
    with jpeglib.version(LIBRARY):
        try:
            new, old = jpeglib.read_dct(str(written)), jpeglib.read_dct(str(own))
        except OSError:
            return False
        planes = _planes(new, old, turned)
        if planes is None:
            return False
        for name, blocks in planes.items():
            ours = getattr(new, name)
            keep = ~_touched(changed, ours.shape[:2])
            ours[keep] = blocks[keep]
        described = written.read_bytes()
        new.write_dct(str(written), flags=["+OPTIMIZE_CODING"])
    _describe(written, described)
    return True


def _planes(new: Any, old: Any, turned: int) -> dict[str, np.ndarray] | None:
    """The old coefficients of each plane, turned; None where they do not fit into the new file."""
    names = [name for name in PLANES if getattr(new, name) is not None]
    if names != [name for name in PLANES if getattr(old, name) is not None]:
        return None
    across = turned in TURNS_THE_SIDES
    size = (old.width, old.height) if across else (old.height, old.width)
    if (new.height, new.width) != size:
        return None
    planes = {name: _turned(getattr(old, name), turned) for name in names}
    tables = [_table(old, number) for number in range(len(names))]
    same = all(np.array_equal(_table(new, number), table.T if across else table) for number, table in enumerate(tables))
    fits = all(getattr(new, name).shape == blocks.shape for name, blocks in planes.items())
    return planes if same and fits else None


def _table(jpeg: Any, component: int) -> np.ndarray:
    return np.asarray(jpeg.qt[jpeg.quant_tbl_no[component]])


def _turned(blocks: np.ndarray, turned: int) -> np.ndarray:
    """Blocks [rows, columns, 8, 8] of a picture as those of the picture that is turned."""
    across, upside_down, mirrored = STEPS[turned]
    if across:
        blocks = blocks.transpose(1, 0, 3, 2)
    sign = np.where(np.arange(SIDE) % 2, -1, 1).astype(blocks.dtype)  # odd waves change their sign in a mirror
    if upside_down:
        blocks = blocks[::-1] * sign[:, None]
    if mirrored:
        blocks = blocks[:, ::-1] * sign
    return blocks


def _touched(changed: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Which blocks of a plane hold anything that changed, bool [rows, columns]; a plane may have half the pixels."""
    height, width = changed.shape
    rows, columns = (-(-length // (SIDE * count)) for length, count in zip(changed.shape, shape, strict=True))
    tall, wide = SIDE * rows, SIDE * columns  # pixels of the photo that a block stands for
    padded = np.pad(changed, ((0, shape[0] * tall - height), (0, shape[1] * wide - width)))
    return np.asarray(padded.reshape(shape[0], tall, shape[1], wide).any(axis=(1, 3)))


def _segments(content: bytes) -> list[tuple[int, bytes]]:
    """The segments before the first scan, each by its marker and whole; what begins the scan and all after it last."""
    found: list[tuple[int, bytes]] = []
    place = 2
    while content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker == SCAN:
            return [*found, (marker, content[place:])]
        length = int.from_bytes(content[place + 2 : place + 4])
        found.append((marker, content[place : place + 2 + length]))
        place += 2 + length
    return found


def _frame(path: Path) -> int:
    """The marker of a JPEG's frame, which says how it is coded; 0 where none is found."""
    try:
        return next((marker for marker, _ in _segments(path.read_bytes()) if marker in FRAMES), 0)
    except IndexError:
        return 0


def _describe(path: Path, other: bytes) -> None:
    """Let a JPEG say of itself what another says: its segments that describe the photo, and none of its own."""
    says = [segment for marker, segment in _segments(other) if marker in DESCRIBES]
    numbers = _component_numbers(next(segment for marker, segment in _segments(other) if marker in FRAMES))
    coded = [_numbered(*found, numbers) for found in _segments(path.read_bytes()) if found[0] not in DESCRIBES]
    path.write_bytes(b"\xff\xd8" + b"".join([*says, *coded]))


def _component_numbers(frame: bytes) -> bytes:
    return frame[10 : 10 + 3 * frame[9] : 3]


def _numbered(marker: int, segment: bytes, numbers: bytes) -> bytes:
    """A frame or a scan with other numbers of its components: jpeglib counts them from 0, and JFIF from 1."""
    if marker not in FRAMES and marker != SCAN:
        return segment
    first, step = (5, 2) if marker == SCAN else (10, 3)
    changed = bytearray(segment)
    changed[first : first + step * len(numbers) : step] = numbers
    return bytes(changed)
