"""`inpaint prepare`: a recipe and a source become one prepared file."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import h5py
import numpy as np

from inpaint_cli.data.copies import NAMED, NOTHING_COPIED, Copied, Digests, refuse_leaks
from inpaint_cli.data.labelling import Labeller
from inpaint_cli.data.masking import Masker
from inpaint_cli.data.pool import map_in_order
from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.data.recipes import Recipe
from inpaint_cli.data.room import Measure, measure, refuse_without_room
from inpaint_cli.data.rows import Reading, Row
from inpaint_cli.data.schema import SPLITS, Shape
from inpaint_cli.data.shaping import Shaping, shape_rows
from inpaint_cli.data.writer import Spool, refuse_unwritable, spooling, write
from inpaint_cli.errors import EnvironmentFault, InpaintError, InputError, UsageError
from inpaint_cli.files import refuse_existing, refuse_inputs
from inpaint_cli.imaging.decoding import printable

ROWS_PER_TASK = 64
BYTES_PER_TASK = 4 << 20  # of rows that hold their contents, and of prepared images
REASONS_KEPT = 10

Shaped = tuple[list[Row], dict[str, np.ndarray], dict[int, str]]
Progress = Callable[[int, int | None], None]  # rows done, rows in all where that is known


@dataclass
class Skipped:
    """Rows that could not be used: how many, and why the first of them could not."""

    count: int = 0
    reasons: list[str] = field(default_factory=list)

    def add(self, reason: str) -> None:
        self.count += 1
        if len(self.reasons) < REASONS_KEPT:
            self.reasons.append(reason)


@dataclass(frozen=True)
class Prepared:
    """What was made."""

    file: PreparedFile
    rows: dict[str, int]
    labels: tuple[str, ...]
    skipped: Skipped
    without_image: int
    layout: str | None = None  # in which form the source was found, where it may have several
    copied: Copied = NOTHING_COPIED


@dataclass(frozen=True)
class Plan:
    """What would be made, if every image of the source can be used."""

    rows: dict[str, int]
    measure: Measure
    without_image: int
    layout: str | None = None


def prepare_file(
    recipe: Recipe,
    text: str,
    source: Path | None,
    output: Path,
    *,
    limit: int | None = None,
    workers: int = 1,
    strict: bool = False,
    overwrite: bool = False,
    allow_leaks: bool = False,
    labeller: Labeller | None = None,
    masker: Masker | None = None,
    progress: Progress = lambda done, total: None,
) -> Prepared:
    """Make `output` from `source`. `text` is the recipe's own; `limit` is per split.

    allow_leaks: exact copies may lie in several splits, as they may where a source comes with its own.
    labeller: adds label maps; masker: adds a mask to each image.
    """
    folder = _folder(recipe, source, output, overwrite)
    reading = recipe.source.read(folder)
    total = None if limit else reading.total
    shaping = _shaping(recipe)
    measured, chosen = _measured(recipe, reading, limit, labeller, masker)
    refuse_without_room(output, measured, min(reading.total, limit * len(SPLITS)) if limit else reading.total)
    with spooling(output) as spools:
        shaped, digests = _shaped(shaping, chosen, workers, labeller, masker), Digests()
        skipped = _spool_rows(shaped, spools, digests, strict, lambda n: progress(n, total))
        rows = {split: spool.rows for split, spool in spools.items() if spool.rows}
        _refuse_too_few(recipe, folder, rows, skipped, limit)
        copied = digests.copied()
        if not (allow_leaks or recipe.source.has_splits):  # published splits are what they are: it is said
            leaking = (place for leak in copied.leaks[:NAMED] for place in leak)
            refuse_leaks(copied, {place: spools[place[0]].name(place[1]) for place in leaking}, folder)
        write(output, spools, _header(recipe, text, reading, limit, labeller, masker, copied), overwrite)
    file = PreparedFile(output)
    return Prepared(file, rows, file.labels, skipped, reading.without_image, reading.layout, copied)


def plan(
    recipe: Recipe,
    source: Path | None,
    output: Path,
    limit: int | None = None,
    overwrite: bool = False,
    labeller: Labeller | None = None,
    masker: Masker | None = None,
) -> Plan:
    """What `prepare_file` would do, found out without writing anything: every row is counted, a few are decoded."""
    reading = recipe.source.read(_folder(recipe, source, output, overwrite))
    measured, chosen = _measured(recipe, reading, limit, labeller, masker)
    counted = Counter(row.split for row in chosen)
    rows = {split: counted[split] for split in SPLITS if counted[split]}
    return Plan(rows, measured, reading.without_image, reading.layout)


def download(recipe: Recipe, folder: Path) -> None:
    """Fetch the recipe's original files into `folder`, which is made; `EnvironmentFault` when that fails."""
    _own_folder(recipe, folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        recipe.source.download(folder)
    except InpaintError:
        raise
    except Exception as error:  # the readers raise RuntimeError, URLError, HTTPError, ConnectionError, …
        reason = (str(error) or type(error).__name__).partition("\n")[0]
        raise EnvironmentFault(
            f"recipe {recipe.name}: its files could not be fetched into {printable(folder)} ({reason});"
            " with a network try again, or fetch them yourself and name their folder by --source"
        ) from None


def _shaping(recipe: Recipe) -> Shaping:
    return Shaping(recipe.mode, recipe.crop, recipe.size, recipe.filter)


def _measured(
    recipe: Recipe, reading: Reading, limit: int | None, labeller: Labeller | None, masker: Masker | None
) -> tuple[Measure, Iterator[Row]]:
    """What the rows will be, and the rows."""
    rows = _chosen(recipe, reading, limit)
    measured, chosen = measure(_shaping(recipe), map(masker.wanted, rows) if masker else rows)
    shape = Shape({"rgb": 3, "gray": 1}[recipe.mode], recipe.size, recipe.size)
    if labeller is not None:
        measured = labeller.measured(measured, recipe.name, shape)
    if masker is not None:
        measured = masker.measured(measured, shape)
    return measured, chosen


def _folder(recipe: Recipe, source: Path | None, output: Path, overwrite: bool) -> Path:
    """Where the original files are, once nothing speaks against the work."""
    refuse_inputs([output], [source])
    _refuse_originals(output, source)
    refuse_existing(output, overwrite)
    refuse_unwritable(output)
    if (own := _own_folder(recipe, source)) is not None:
        return own
    if source is None:
        raise UsageError(f"recipe {recipe.name} needs --source, the folder of its original files")
    if not source.is_dir() and not (recipe.source.takes_archive and source.is_file()):
        raise InputError(f"{printable(source)}: {'is not a folder' if source.exists() else 'no such folder'}")
    return source


def _refuse_originals(output: Path, source: Path | None) -> None:
    """`UsageError` where a file of the source would be replaced; what was prepared into its folder may be, again."""
    within = source is not None and source.resolve() in output.resolve().parents
    if within and output.is_file() and not h5py.is_hdf5(output):
        raise UsageError(f"{printable(output)} is what is read, a file of the source; name another output")


def _own_folder(recipe: Recipe, source: Path | None) -> Path | None:
    """Where the images are that the recipe brings along, if it does; then there is no other source."""
    own = recipe.source.own_folder()
    if own is not None and source is not None:
        raise UsageError(f"recipe {recipe.name} brings its own images; leave out --source")
    return own


def _chosen(recipe: Recipe, reading: Reading, limit: int | None) -> Iterator[Row]:
    """The rows, each with its split, at most `limit` per split."""
    taken: Counter[str | None] = Counter()
    for row in reading.rows:
        if recipe.splits and (row.split is None or recipe.source.has_splits):
            row = replace(row, split=recipe.splits.split(row.name))
        if limit is None or taken[row.split] < limit:
            taken[row.split] += 1
            yield row


def _shaped(
    shaping: Shaping, chosen: Iterator[Row], workers: int, labeller: Labeller | None, masker: Masker | None
) -> Iterator[Shaped]:
    """A few rows at a time, with the columns of those that have them and, by its place, the reason of each other."""
    tasks = ((shaping, rows) for rows in _batched(chosen, shaping.row_bytes))
    for (_, rows), (columns, reasons) in map_in_order(shape_rows, tasks, workers):
        if labeller is not None and columns:
            places = [place for place in range(len(rows)) if place not in reasons]
            columns, unlabelled = labeller.add(columns)
            named = {places[n]: f"{printable(rows[places[n]].name)}: {reason}" for n, reason in unlabelled.items()}
            reasons = {**reasons, **named}
        if masker is not None:
            columns = masker.add([row for place, row in enumerate(rows) if place not in reasons], columns)
        yield rows, columns, reasons


def _spool_rows(
    shaped: Iterable[Shaped],
    spools: dict[str, Spool],
    digests: Digests,
    strict: bool,
    progress: Callable[[int], None],
) -> Skipped:
    skipped, done = Skipped(), 0
    for rows, columns, reasons in shaped:
        for reason in reasons.values():
            if strict:
                raise InputError(f"{reason} (--strict: nothing was written)")
            skipped.add(reason)
        _spool_task([row for index, row in enumerate(rows) if index not in reasons], columns, spools, digests)
        done += len(rows)
        progress(done)
    return skipped


def _spool_task(rows: list[Row], columns: dict[str, np.ndarray], spools: dict[str, Spool], digests: Digests) -> None:
    """`columns` hold the values of all `rows`, which may belong to several splits."""
    splits = np.array([row.split for row in rows])
    for split in dict.fromkeys(row.split for row in rows):
        assert split is not None  # `_chosen` gave each row its own
        names = [row.name for row in rows if row.split == split]
        own = splits == split
        values = {name: values if own.all() else values[own] for name, values in columns.items()}
        spools[split].extend(names, values)
        digests.add(split, values["images"])


def _batched(rows: Iterator[Row], row_bytes: int) -> Iterator[list[Row]]:
    """Tasks large enough to hide their cost and small enough that a few of them fit in memory."""
    batch: list[Row] = []
    held = 0
    for row in rows:
        batch.append(row)
        held += row_bytes + _held_bytes(row)
        if len(batch) == ROWS_PER_TASK or held >= BYTES_PER_TASK:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _held_bytes(row: Row) -> int:
    if isinstance(row.image, np.ndarray):
        return row.image.nbytes
    return len(row.image) if isinstance(row.image, bytes) else 0


def _refuse_too_few(recipe: Recipe, folder: Path, rows: dict[str, int], skipped: Skipped, limit: int | None) -> None:
    total = sum(rows.values())
    if total == 0:
        reasons = "".join(f"\n  {reason}" for reason in skipped.reasons)
        raise InputError(f"{printable(folder)}: not one usable image among {skipped.count} files{reasons}")
    if limit is None and total < recipe.minimum_rows:
        raise InputError(
            f"{printable(folder)}: {total:,} usable images, but recipe {recipe.name} needs {recipe.minimum_rows:,};"
            " is the source whole? --limit makes a part of it"
        )


def _header(
    recipe: Recipe,
    text: str,
    reading: Reading,
    limit: int | None,
    labeller: Labeller | None,
    masker: Masker | None,
    copied: Copied,
) -> dict[str, object]:
    options: dict[str, object] = {
        "size": recipe.size,
        "mode": recipe.mode,
        "limit": limit,
        "notes": list(reading.notes),
        "copies": copied.copies,
        "leaks": len(copied.leaks),
    }
    if reading.layout is not None:
        options["layout"] = reading.layout
    if labeller is not None:
        options["predicted"] = f"{' and '.join(labeller.label_names)} by {labeller.origin}"
    names = {**reading.label_names, **(labeller.label_names if labeller else {})}
    if masker is not None:
        options |= masker.options
    return {
        "recipe_name": recipe.name,
        "recipe": text,
        "terms": recipe.terms,
        "options": options,
        "label_names": {} if masker and masker.observe else names,
    }
