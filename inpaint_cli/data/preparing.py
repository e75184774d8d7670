"""`inpaint prepare`: a recipe and a source become one prepared file."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from inpaint_cli.data.pool import map_in_order
from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.data.recipes import Recipe
from inpaint_cli.data.rows import Reading, Row
from inpaint_cli.data.shaping import Shaping, shape_rows
from inpaint_cli.data.writer import Spool, spooling, write
from inpaint_cli.errors import EnvironmentFault, InputError, UsageError
from inpaint_cli.files import refuse_existing
from inpaint_cli.imaging.decoding import printable

ROWS_PER_TASK = 16
REASONS_KEPT = 10

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
    progress: Progress = lambda done, total: None,
) -> Prepared:
    """Make `output` from `source`. `text` is the recipe's own; `limit` is per split."""
    _refuse_before_work(recipe, source, output, overwrite)
    reading = recipe.source.read(source)
    total = None if limit else reading.total
    with spooling(output) as spools:
        skipped = _spool_rows(
            recipe, _chosen(recipe, reading, limit), spools, workers, strict, lambda n: progress(n, total)
        )
        rows = {split: spool.rows for split, spool in spools.items() if spool.rows}
        _refuse_too_few(recipe, source, rows, skipped, limit)
        write(output, spools, _header(recipe, text, reading, limit), overwrite)
    file = PreparedFile(output)
    return Prepared(file, rows, file.labels, skipped, reading.without_image)


def _refuse_before_work(recipe: Recipe, source: Path | None, output: Path, overwrite: bool) -> None:
    refuse_existing(output, overwrite)
    if not output.parent.is_dir():
        raise EnvironmentFault(f"the folder {printable(output.parent)} does not exist; make it first")
    if not recipe.source.needs_folder:
        if source is not None:
            raise UsageError(f"recipe {recipe.name} brings its own images; leave out --source")
        return
    if source is None:
        raise UsageError(f"recipe {recipe.name} needs --source, the folder of its original files")
    if not source.is_dir():
        raise InputError(f"{printable(source)}: {'is not a folder' if source.exists() else 'no such folder'}")


def _chosen(recipe: Recipe, reading: Reading, limit: int | None) -> Iterator[Row]:
    """The rows, each with its split, at most `limit` per split."""
    taken = Counter()
    for row in reading.rows:
        row = replace(row, split=recipe.splits.split(row.name)) if recipe.splits else row
        if limit is None or taken[row.split] < limit:
            taken[row.split] += 1
            yield row


def _spool_rows(
    recipe: Recipe,
    chosen: Iterator[Row],
    spools: dict[str, Spool],
    workers: int,
    strict: bool,
    progress: Callable[[int], None],
) -> Skipped:
    skipped, done = Skipped(), 0
    shaping = Shaping(recipe.mode, recipe.crop, recipe.size, recipe.filter)
    tasks = ((shaping, rows) for rows in _batched(chosen))
    for (_, rows), results in map_in_order(shape_rows, tasks, workers):
        for row, result in zip(rows, results, strict=True):
            if not isinstance(result, str):
                spools[row.split].append(row.name, result)
            elif strict:
                raise InputError(f"{result} (--strict: nothing was written)")
            else:
                skipped.add(result)
        done += len(rows)
        progress(done)
    return skipped


def _batched(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, ROWS_PER_TASK)):
        yield batch


def _refuse_too_few(
    recipe: Recipe, source: Path | None, rows: dict[str, int], skipped: Skipped, limit: int | None
) -> None:
    total = sum(rows.values())
    if total == 0:
        reasons = "".join(f"\n  {reason}" for reason in skipped.reasons)
        raise InputError(f"{printable(source)}: not one usable image among {skipped.count} files{reasons}")
    if limit is None and total < recipe.minimum_rows:
        raise InputError(
            f"{printable(source)}: {total:,} usable images, but recipe {recipe.name} needs {recipe.minimum_rows:,};"
            " is the source whole? --limit makes a part of it"
        )


def _header(recipe: Recipe, text: str, reading: Reading, limit: int | None) -> dict:
    return {
        "recipe_name": recipe.name,
        "recipe": text,
        "terms": recipe.terms,
        "options": {"size": recipe.size, "limit": limit},
        "label_names": dict(reading.label_names),
    }
