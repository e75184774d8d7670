"""`inpaint data`: what a prepared file holds, shown, checked and exported."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inpaint_cli.cli import options

if TYPE_CHECKING:
    from inpaint_cli.data.reader import PreparedFile, Split
    from inpaint_cli.reports.sheet import Example

ATTRIBUTES_SHOWN = 3
CAPTION_LETTERS = 24


def data(
    file: Annotated[Path, typer.Argument(help="A file that `inpaint prepare` wrote.")],
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="Draw random images with what is known of them.")
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, max=120, help="Images on the sheet.")] = 18,
    seed: options.Seed = 0,
    export: Annotated[Path | None, typer.Option("--export", help="Write PNG files and CSV tables here.")] = None,
    split: Annotated[
        str | None, typer.Option("--split", help="Of the sheet and the export: train, validation or test.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Read every byte and compare every digest.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as JSON on stdout.")] = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Show what a prepared file holds: splits, sizes, labels, recipe, terms and identity."""
    from inpaint_cli.data.card import card, card_text
    from inpaint_cli.data.exporting import refuse_folder
    from inpaint_cli.data.reader import PreparedFile
    from inpaint_cli.files import refuse_existing

    prepared = PreparedFile(file)
    chosen = (prepared.split(split).name,) if split else prepared.splits
    if sheet:
        refuse_existing(sheet, overwrite)
    if export:
        refuse_folder(export, overwrite)
    facts = card(prepared)
    if check:
        facts["checked"] = _check(prepared, quiet)
    if sheet:
        _draw_sheet(prepared, chosen[0], count, seed, sheet, overwrite)
    if export:
        _export(prepared, chosen, export, overwrite, quiet)
    if as_json:
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=True))
    elif not quiet:
        typer.echo(card_text(facts))
    if check and not (as_json or quiet):
        typer.echo("checked:  every digest agrees")


def _check(prepared: "PreparedFile", quiet: bool) -> bool:
    from inpaint_cli.cli.progress import progress_bar

    with progress_bar("checking", quiet=quiet) as advance:
        prepared.verify(advance)
    return True


def _export(prepared: "PreparedFile", splits: tuple[str, ...], folder: Path, overwrite: bool, quiet: bool) -> None:
    from inpaint_cli.cli.progress import progress_bar
    from inpaint_cli.data.exporting import export
    from inpaint_cli.reports.palette import palette_image

    total = sum(len(prepared.split(name)) for name in splits)
    with progress_bar("exporting", total, quiet) as advance:
        export(prepared, splits, folder, palette_image, overwrite=overwrite, progress=advance)


def _draw_sheet(prepared: "PreparedFile", split: str, count: int, seed: int, path: Path, overwrite: bool) -> None:
    import numpy as np

    from inpaint_cli.data.card import names_of
    from inpaint_cli.files import replacing
    from inpaint_cli.imaging.decoding import printable
    from inpaint_cli.imaging.photos import output_format
    from inpaint_cli.reports.sheet import sheet

    form = output_format(path)
    chosen = prepared.split(split)
    rows = np.random.default_rng(seed).choice(len(chosen), min(count, len(chosen)), replace=False)
    title = f"{printable(prepared.recipe_name)}, {split}: {len(rows)} of {len(chosen):,} images"
    examples = [_example(prepared, chosen, int(row)) for row in np.sort(rows)]
    with replacing(path, overwrite) as temporary:
        drawn = sheet(examples, title, names_of(prepared, "parsing"))
        drawn.save(temporary, format=form.name, **form.options)


def _example(prepared: "PreparedFile", split: "Split", row: int) -> "Example":
    from inpaint_cli.reports.sheet import Example

    known = {name: values[row] for name, values in split.labels.items()}
    return Example(split.images[row], _caption(prepared, split, row), known.get("landmarks"), known.get("parsing"))


def _caption(prepared: "PreparedFile", split: "Split", row: int) -> str:
    """The class, and of the attributes that the image has the rarest, which say most."""
    from inpaint_cli.data.card import name_of, names_of

    lines = []
    if "labels" in split.labels:
        lines.append(name_of(names_of(prepared, "labels"), int(split.labels["labels"][row])))
    if "attributes" in split.labels:
        attributes = split.labels["attributes"]
        rarest = (attributes > 0).sum(axis=0).argsort(kind="stable")
        present = [int(number) for number in rarest if attributes[row, number] > 0][:ATTRIBUTES_SHOWN]
        lines += [name_of(names_of(prepared, "attributes"), number) for number in present]
    return "\n".join(line[:CAPTION_LETTERS] for line in lines)
