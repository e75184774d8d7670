"""A split of a prepared file through a loaded method -> a prepared file of the same schema with completed images."""

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inpaint_cli.data.exporting import file_names, save_png, write_card
from inpaint_cli.data.reader import PreparedFile, Split
from inpaint_cli.data.schema import MASK
from inpaint_cli.data.writer import Spool, spooling, write
from inpaint_cli.data.written_folders import refuse_folder, replacing_folder
from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.evaluating import complete_rows
from inpaint_cli.engine.processes import Team
from inpaint_cli.errors import UsageError
from inpaint_cli.files import refuse_existing, refuse_inputs
from inpaint_cli.jobs.audience import Advance, Progress, heard_by, remarks
from inpaint_cli.jobs.declared import DEFAULT_METHOD
from inpaint_cli.jobs.loading import Loaded, check_masks, check_shape, load_for_completion
from inpaint_cli.jobs.mask_files import masks_of
from inpaint_cli.jobs.photos.annotating import refuse_without_completion
from inpaint_cli.jobs.teams import joined
from inpaint_cli.masks import MaskProcess
from inpaint_cli.method import ImageShape
from inpaint_cli.settings import Assignments

TABLE = "images.csv"


@dataclass(frozen=True)
class SetOptions:
    """Which images are completed, behind which masks."""

    masks: str
    split: str = "test"
    limit: int | None = None  # only the first
    batch: int = 32  # images at once; what is made does not depend on it
    seed: int = 0


def complete_set(
    data: Path,
    output: Path | str,
    options: SetOptions,
    *,
    checkpoint: Path | None = None,
    method: str | None = None,
    settings: Assignments = (),
    device: str = "auto",
    overwrite: bool = False,
    progress: Progress = None,
) -> dict[str, Any]:
    """Write `output`; returns what it says of itself: output, split, images, data and what made it.

    output: a prepared file, which keeps names and labels; or, ending in a slash, a folder of PNG files that are called
        as the images, so that other programs can measure them. An image's mask is the one that `evaluate` gives it.
    """
    target, as_folder = Path(output), str(output).endswith(os.sep) or Path(output).is_dir()
    refuse_inputs([target], [data, checkpoint])
    (refuse_folder if as_folder else refuse_existing)(target, overwrite)
    with joined(device) as (hardware, team):
        audience = heard_by(progress, team.leads)
        prepared = PreparedFile(data)
        split = prepared.split(options.split)
        count = min(len(split), options.limit or len(split))
        process = masks_of(options.masks, audience).of(split, count)
        if split.observed and process.spec != "stored":
            raise UsageError(f"{data} holds observations alone: --masks stored completes what was not observed")
        process.check(prepared.shape)
        named = method or (None if checkpoint else DEFAULT_METHOD)
        loaded = load_for_completion(checkpoint, named, settings, hardware, ImageShape(*prepared.shape))
        _refuse_unfit(loaded, prepared, process)
        made_by = {"method": loaded.name, "checkpoint": loaded.digest, "masks": process.spec, "seed": options.seed}
        for note in loaded.notes:
            audience.note(note)
        blocks = completed_blocks(loaded, split, process, hardware, team, count, options)
        with remarks(audience.note), audience.progress("complete", count) as advance:
            if team.leads:
                header = _header(prepared, {**made_by, "source": prepared.identity, "limit": options.limit})
                (_write_folder if as_folder else _write)(target, split, blocks, header, overwrite, advance)
            else:
                for _ in blocks:
                    pass
    return {"output": str(target), "split": split.name, "images": count, "data": prepared.identity, **made_by}


def _refuse_unfit(loaded: Loaded, prepared: PreparedFile, process: MaskProcess) -> None:
    if not loaded.method.completes:
        parses = "parsing" in loaded.method.annotates
        labels = ", `inpaint prepare RECIPE --parsing CHECKPOINT` labels a set" if parses else ""
        refuse_without_completion(loaded, "--data", f"`inpaint evaluate` measures its labels{labels}")
    check_shape(loaded, prepared)
    check_masks(loaded.name, loaded.method, process)


def completed_blocks(
    loaded: Loaded,
    split: Split,
    process: MaskProcess,
    hardware: Hardware,
    team: Team,
    count: int,
    options: SetOptions,
) -> Iterator[tuple[range, np.ndarray]]:
    """Row ranges and their completed images, uint8 [B, H, W, C], in order, the same in every process.

    The processes complete one batch each at a time, so that what is made does not depend on how many there are.
    """
    starts = range(0, count, options.batch)
    for first in range(0, len(starts), team.size):
        together = [range(start, min(start + options.batch, count)) for start in starts[first : first + team.size]]
        own = None
        if team.rank < len(together):
            indices = together[team.rank]
            original = np.array(split.images[indices.start : indices.stop])
            own, _ = complete_rows(loaded.method, split, original, indices, process, hardware, options.seed)
        yield from zip(together, team.gather(own), strict=False)


def _write(
    output: Path,
    split: Split,
    blocks: Iterator[tuple[range, np.ndarray]],
    header: dict[str, Any],
    overwrite: bool,
    advance: Advance,
) -> None:
    with spooling(output) as spools:
        for indices, images in blocks:
            append_rows(spools[split.name], split, indices, images)
            advance(indices.stop)
        write(output, spools, header, overwrite)


def _write_folder(
    folder: Path,
    split: Split,
    blocks: Iterator[tuple[range, np.ndarray]],
    header: dict[str, Any],
    overwrite: bool,
    advance: Advance,
) -> None:
    """The images as PNG files, a table of their names, and what made them."""
    files = file_names(split.names)
    with replacing_folder(folder, overwrite) as unfinished:
        table = io.StringIO()
        writer = csv.writer(table)
        writer.writerow(("file", "name"))
        for indices, images in blocks:
            for index, image in zip(indices, images, strict=True):
                path = unfinished / files[index]
                path.parent.mkdir(parents=True, exist_ok=True)
                save_png(image, path)
                writer.writerow((files[index], split.names[index].encode("utf-8", "backslashreplace").decode()))
            advance(indices.stop)
        (unfinished / TABLE).write_text(table.getvalue(), encoding="utf-8", newline="")
        write_card(unfinished, {"recipe": header["recipe_name"], "terms": header["terms"], **header["options"]})


def append_rows(spool: Spool, split: Split, indices: range, images: np.ndarray) -> None:
    """Rows as they were, with the completed image in the place of the original."""
    for index, image in zip(indices, images, strict=True):
        labels = {name: column[index] for name, column in split.labels.items()}
        if split.masks is not None:
            labels[MASK] = split.masks[index]
        spool.append(split.names[index], {"images": image, **labels})


def _header(prepared: PreparedFile, completed: dict[str, Any]) -> dict[str, Any]:
    options = {name: value for name, value in prepared.options.items() if name != "observed"}  # nothing is missing now
    return {
        "recipe_name": prepared.recipe_name,
        "recipe": prepared.recipe_text,
        "terms": prepared.terms,
        "options": {**options, "completed": completed},
        "label_names": prepared.label_names,
    }
