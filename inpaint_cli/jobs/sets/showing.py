"""What a prepared file holds: its card, every digest checked, a sheet of examples, an export."""

from pathlib import Path
from typing import Any

import numpy as np

from inpaint_cli.data.card import card, card_text, name_of, names_of
from inpaint_cli.data.exporting import export
from inpaint_cli.data.reader import PreparedFile, Split
from inpaint_cli.data.written_folders import refuse_folder
from inpaint_cli.files import refuse_existing, refuse_inputs, replacing
from inpaint_cli.imaging.decoding import printable
from inpaint_cli.imaging.photos import output_format
from inpaint_cli.jobs.audience import Audience, Progress, heard_by
from inpaint_cli.reports.palette import palette_image
from inpaint_cli.reports.sheet import Example, sheet

__all__ = ["card_text", "describe_set"]

ATTRIBUTES_SHOWN = 3
CAPTION_LETTERS = 24


def describe_set(
    file: Path,
    *,
    split: str | None = None,
    check: bool = False,
    sheet: Path | None = None,
    count: int = 18,
    seed: int = 0,
    export: Path | None = None,
    overwrite: bool = False,
    progress: Progress = None,
) -> dict[str, Any]:
    """The card of a prepared file: splits, sizes, labels, recipe, terms and identity.

    split: what sheet and export show; check: every byte is read and every digest compared; sheet: draw `count` random
    images with what is known of them; export: a folder for PNG files and CSV tables.
    """
    audience, prepared = heard_by(progress), PreparedFile(file)
    chosen = (prepared.split(split).name,) if split else prepared.splits
    if sheet:
        refuse_inputs([sheet], [file])
        refuse_existing(sheet, overwrite)
    if export:
        refuse_folder(export, overwrite)
    facts = card(prepared)
    if check:
        with audience.progress("checking") as advance:
            prepared.verify(advance)
        facts["checked"] = True
        facts["checked_texts"] = prepared.texts_digest is not None
    if sheet:
        _draw_sheet(prepared, prepared.split(chosen[0]), count, seed, sheet, overwrite)
    if export:
        _export(prepared, chosen, export, overwrite, audience)
    return facts


def _export(prepared: PreparedFile, splits: tuple[str, ...], folder: Path, overwrite: bool, audience: Audience) -> None:
    total = sum(len(prepared.split(name)) for name in splits)
    with audience.progress("exporting", total) as advance:
        export(prepared, splits, folder, palette_image, overwrite=overwrite, progress=advance)


def _draw_sheet(prepared: PreparedFile, split: Split, count: int, seed: int, path: Path, overwrite: bool) -> None:
    form = output_format(path)
    rows = np.random.default_rng(seed).choice(len(split), min(count, len(split)), replace=False)
    title = f"{printable(prepared.recipe_name)}, {split.name}: {len(rows)} of {len(split):,} images"
    examples = [_example(prepared, split, int(row)) for row in np.sort(rows)]
    with replacing(path, overwrite) as temporary:
        drawn = sheet(examples, title, names_of(prepared, "parsing"))
        drawn.save(temporary, format=form.name, **form.options)


def _example(prepared: PreparedFile, split: Split, row: int) -> Example:
    known = {name: values[row] for name, values in split.labels.items()}
    return Example(split.images[row], _caption(prepared, split, row), known.get("landmarks"), known.get("parsing"))


def _caption(prepared: PreparedFile, split: Split, row: int) -> str:
    """The class, and of the attributes that the image has the rarest, which say most."""
    lines = []
    if "labels" in split.labels:
        lines.append(name_of(names_of(prepared, "labels"), int(split.labels["labels"][row])))
    if "attributes" in split.labels:
        attributes = np.asarray(split.labels["attributes"])
        rarest = (attributes > 0).sum(axis=0).argsort(kind="stable")
        present = [int(number) for number in rarest if attributes[row, number] > 0][:ATTRIBUTES_SHOWN]
        lines += [name_of(names_of(prepared, "attributes"), number) for number in present]
    return "\n".join(line[:CAPTION_LETTERS] for line in lines)
