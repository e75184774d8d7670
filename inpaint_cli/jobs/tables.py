"""The papers' tables with measured figures beside the published ones; grids of image files."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from inpaint_cli.errors import UsageError, unknown
from inpaint_cli.files import refuse_existing, refuse_inputs, replacing
from inpaint_cli.imaging.decoding import decode
from inpaint_cli.records.results import read_results
from inpaint_cli.reports.averaging import averaged
from inpaint_cli.reports.crossing import KINDS, draw_crossing
from inpaint_cli.reports.filling import fill
from inpaint_cli.reports.grids import grid
from inpaint_cli.reports.published import load_table, table_names
from inpaint_cli.reports.side_by_side import side_by_side


class TableEntry(NamedTuple):
    """A paper's table, as a list of them names it."""

    name: str
    place: str  # in its paper
    title: str


def tables() -> list[TableEntry]:
    """Every table of the five papers."""
    found = [(name, load_table(name)) for name in table_names()]
    return [TableEntry(name, table.place, table.title) for name, table in found]


def table(
    name: str,
    results: Sequence[Path] = (),
    *,
    output: Path | None = None,
    average_runs: bool = False,
    overwrite: bool = False,
) -> str:
    """A paper's table as Markdown: published and measured figures side by side, ranks, differences, conditions.

    results: what `evaluate` wrote, none for the published figures alone; output: where the text is written, too;
    average_runs: systems that differ in their weights alone, such as other seeds, are one line.
    """
    if output:
        refuse_inputs([output], results)
        refuse_existing(output, overwrite)
    found = [(path, read_results(path)) for path in results]
    if average_runs and found:
        found = [(found[0][0], averaged(result for _, own in found for result in own))]
    text = side_by_side(fill(load_table(name), found))
    if output:
        with replacing(output, overwrite) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return text


def chart(name: str, results: Sequence[Path], output: Path, *, kind: str = "heat", overwrite: bool = False) -> None:
    """Draw the measured figures of a paper's table, systems against conditions, as a PNG.

    kind: "heat", a map with a cell for each figure, or "lines", a line for each system.
    """
    if kind not in KINDS:
        raise UsageError(unknown("--kind", kind, KINDS))
    refuse_inputs([output], results)
    filled = fill(load_table(name), [(path, read_results(path)) for path in results])
    with replacing(output, overwrite) as temporary:
        draw_crossing(filled, kind, temporary)


def grid_of_files(
    images: Sequence[Path],
    output: Path,
    *,
    columns: int,
    rows: Sequence[str] | None = None,
    tops: Sequence[str] | None = None,
    overwrite: bool = False,
) -> None:
    """Put image files beside and below each other; `blank` leaves a place empty. rows, tops: labels."""
    refuse_inputs([output], images)
    refuse_existing(output, overwrite)
    lines = [images[start : start + columns] for start in range(0, len(images), columns)]
    left, above = _labels("--rows", rows, len(lines)), _labels("--tops", tops, min(columns, len(images)))
    nothing = np.full((1, 1, 3), 255, np.uint8)
    cells = [[nothing if str(path) == "blank" else decode(path) for path in line] for line in lines]
    picture = grid(cells, labels_top=above, labels_left=left)
    with replacing(output, overwrite) as temporary:
        picture.save(temporary, format="PNG")


def _labels(option: str, labels: Sequence[str] | None, count: int) -> Sequence[str] | None:
    if labels is not None and len(labels) != count:
        raise UsageError(f"{option} names {len(labels)}, and there are {count}")
    return labels
