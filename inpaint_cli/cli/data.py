"""`inpaint data`: what a prepared file holds, shown, checked and exported."""

import json
from pathlib import Path
from typing import Annotated

import typer

from inpaint_cli.cli import options
from inpaint_cli.cli.terminal import Terminal, say

File = Annotated[Path, typer.Argument(help="A file that `inpaint prepare` wrote.")]
SHEET, CHECK = "A look at it", "What is printed"
Sheet = Annotated[
    Path | None, typer.Option("--sheet", rich_help_panel=SHEET, help="Draw random images with what is known of them.")
]
Count = Annotated[int, typer.Option("--count", min=1, max=120, rich_help_panel=SHEET, help="Images on the sheet.")]
Export = Annotated[
    Path | None, typer.Option("--export", rich_help_panel=SHEET, help="Write PNG files and CSV tables here.")
]
Split = Annotated[str | None, options.split(SHEET, "Of the sheet and the export.")]
Seed = Annotated[int, options.seed(SHEET)]
Overwrite = Annotated[bool, options.overwrite(SHEET)]
Quiet = Annotated[bool, options.quiet(CHECK)]
Check = Annotated[
    bool, typer.Option("--check", rich_help_panel=CHECK, help="Read every byte and compare every digest.")
]
AsJson = Annotated[bool, typer.Option("--json", rich_help_panel=CHECK, help="Print the card as JSON on stdout.")]


def data(
    file: File,
    sheet: Sheet = None,
    count: Count = 18,
    seed: Seed = 0,
    export: Export = None,
    split: Split = None,
    check: Check = False,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Show what a prepared file holds: splits, sizes, labels, recipe, terms and identity.

    [bold]inpaint data photos.h5 --sheet sheet.png[/bold]
    """
    from inpaint_cli.jobs.sets.showing import card_text, describe_set

    facts = describe_set(
        file, split=split, check=check, sheet=sheet, count=count, seed=seed, export=export, overwrite=overwrite,
        progress=Terminal(quiet),
    )  # fmt: skip
    if as_json:
        say(json.dumps(facts, indent=2, ensure_ascii=True))
    elif not quiet:
        say(card_text(facts))
        if check:
            older = (
                "" if facts["checked_texts"] else "; its recipe and terms have none, since an older version wrote it"
            )
            say(f"checked:  every digest agrees{older}")
