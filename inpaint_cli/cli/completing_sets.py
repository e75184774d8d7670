"""A split of a prepared file through a loaded method -> a prepared file of the same schema with completed images."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from inpaint_cli.cli.progress import progress_bar
from inpaint_cli.cli.remarks import as_notes, remarks


def complete_set(
    data: Path,
    masks: str,
    output: Path,
    *,
    split: str,
    limit: int | None,
    batch: int,
    seed: int,
    load: Any,
    hardware: Any,
    team: Any,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write `output` and report. `load(shape)` gives the method (cli.assembly.Loaded).

    Names and labels are kept. An image's mask is the one that `inpaint evaluate` gives it.
    """
    from inpaint_cli.cli.assembly import check_masks, check_shape
    from inpaint_cli.data.reader import PreparedFile
    from inpaint_cli.data.writer import spooling, write
    from inpaint_cli.files import refuse_existing
    from inpaint_cli.masks import parse_masks

    refuse_existing(output, overwrite)
    prepared, process = PreparedFile(data), parse_masks(masks)
    chosen = prepared.split(split)
    process.check(prepared.shape)
    loaded = load(prepared.shape)
    check_shape(loaded, prepared)
    check_masks(loaded.name, loaded.method, process)
    count = min(len(chosen), limit or len(chosen))
    made_by = {"method": loaded.name, "checkpoint": loaded.digest, "masks": process.spec, "seed": seed}
    blocks = completed_blocks(loaded.method, chosen, process, hardware, team, count=count, batch=batch, seed=seed)
    with remarks(as_notes(quiet)):
        if not team.leads:
            for _ in blocks:
                pass
            return
        with spooling(output) as spools, progress_bar("complete", count, quiet) as advance:
            for indices, images in blocks:
                append_rows(spools[split], chosen, indices, images)
                advance(indices.stop)
            write(output, spools, _header(prepared, made_by, limit), overwrite)
    report = {"output": str(output), "split": split, "images": count, "data": prepared.identity, **made_by}
    typer.echo(json.dumps(report, indent=2) if as_json else str(output))
    for note in () if quiet else loaded.notes:
        typer.echo(f"note: {note}", err=True)


def completed_blocks(
    method: Any, split: Any, process: Any, hardware: Any, team: Any, *, count: int, batch: int, seed: int
) -> Iterator[tuple[range, Any]]:
    """Row ranges and their completed images, uint8 [B, H, W, C], in order, the same in every process.

    The processes complete one batch each at a time, so that what is made does not depend on how many there are.
    """
    import numpy as np

    from inpaint_cli.engine.evaluating import complete_rows

    method.eval()
    starts = range(0, count, batch)
    for first in range(0, len(starts), team.size):
        together = [range(start, min(start + batch, count)) for start in starts[first : first + team.size]]
        own = None
        if team.rank < len(together):
            indices = together[team.rank]
            original = np.array(split.images[indices.start : indices.stop])
            own, _ = complete_rows(method, split, original, indices, process, hardware, seed)
        yield from zip(together, team.gather(own), strict=False)


def append_rows(spool: Any, split: Any, indices: range, images: Any) -> None:
    """Rows as they were, with the completed image in the place of the original."""
    for index, image in zip(indices, images, strict=True):
        labels = {name: column[index] for name, column in split.labels.items()}
        spool.append(split.names[index], {"images": image, **labels})


def _header(prepared: Any, made_by: dict[str, Any], limit: int | None) -> dict[str, Any]:
    return {
        "recipe_name": prepared.recipe_name,
        "recipe": prepared.recipe_text,
        "terms": prepared.terms,
        "options": {**prepared.options, "completed": {**made_by, "source": prepared.identity, "limit": limit}},
        "label_names": prepared.label_names,
    }
