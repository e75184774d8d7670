"""`inpaint complete`: photos and masks, or a prepared file, become completed ones."""

from pathlib import Path
from typing import Annotated, Any

import typer

from inpaint_cli.cli import options
from inpaint_cli.errors import UsageError

WHAT, HOW, RESULT, MACHINE = "What is completed", "How", "Results", "Machine"
DEFAULT_METHOD = "patch"


def complete(
    photos: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PHOTO...",
            help="Files, folders or globs: PNG, JPEG, WebP, TIFF, BMP, GIF and others.",
            show_default=False,
        ),
    ] = None,
    mask: Annotated[
        str | None,
        typer.Option(
            "--mask",
            metavar="FILE|FOLDER|SPEC",
            rich_help_panel=WHAT,
            help="White is the hole. One file for all, a folder with one of each photo's name, or a specification: "
            "alpha (transparent pixels), auto:COLOR[,TOLERANCE] (pixels of a colour), block:64, … or none (to label "
            "alone). "
            "Default: PHOTO_mask.EXT beside each photo.",
        ),
    ] = None,
    invert_mask: Annotated[
        bool, typer.Option("--invert-mask", rich_help_panel=WHAT, help="Black is the hole.")
    ] = False,
    dilate: Annotated[
        int, typer.Option("--dilate", min=0, max=1000, rich_help_panel=WHAT, help="Grow the hole by N pixels.")
    ] = 0,
    feather: Annotated[
        int,
        typer.Option(
            "--feather",
            min=0,
            max=1000,
            rich_help_panel=WHAT,
            help="Fade into the photo over N pixels around the hole.",
        ),
    ] = 0,
    source_mask: Annotated[
        Path | None,
        typer.Option("--source-mask", rich_help_panel=WHAT, help="White may be copied from (patch alone copies)."),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference",
            metavar="FILE",
            rich_help_panel=WHAT,
            help="A face of the photo's size: inside the hole its features are taken over (semantic).",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", rich_help_panel=WHAT, help="In place of photos, a file that `inpaint prepare` wrote."),
    ] = None,
    masks: Annotated[
        str | None, typer.Option("--masks", rich_help_panel=WHAT, help="With --data: a masking process, block:24.")
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", rich_help_panel=WHAT, help="With --data: which images. Default: test.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, rich_help_panel=WHAT, help="With --data: only the first N images.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option("--method", rich_help_panel=HOW, help="A method that needs no training: patch (default) or tv."),
    ] = None,
    checkpoint: options.in_panel(HOW, options.Checkpoint) = None,
    assignments: options.in_panel(HOW, options.Set) = None,
    samples: Annotated[
        int, typer.Option("--samples", min=1, max=1000, rich_help_panel=HOW, help="Different completions, numbered.")
    ] = 1,
    seed: options.in_panel(HOW, options.Seed) = 0,
    context: Annotated[
        float | None,
        typer.Option(
            "--context",
            rich_help_panel=HOW,
            help="With --checkpoint: the side of the window that is shown, in sides of the hole. Default: 2.",
        ),
    ] = None,
    blend: Annotated[
        str | None,
        typer.Option(
            "--blend", rich_help_panel=HOW, help="With --checkpoint: poisson (default), feather or paste at the rim."
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE|FOLDER",
            rich_help_panel=RESULT,
            help="Where to write; a file's extension chooses the format. Default: PHOTO_inpaint.EXT beside each photo "
            "(of methods that label and complete nothing, PHOTO_parsing.png, PHOTO_landmarks.json).",
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            "--quality",
            min=1,
            max=100,
            rich_help_panel=RESULT,
            help="Of JPEG and WebP. Default: JPEG as it was, or 95; WebP lossless.",
        ),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option("--page", rich_help_panel=RESULT, help="Also write a page to look at: DIR/index.html."),
    ] = None,
    parsing: Annotated[
        str | None,
        typer.Option(
            "--parsing",
            metavar="FILE|FOLDER",
            rich_help_panel=RESULT,
            help="Also write the parts of the face, a PNG of labels in colour (collagan, face-parser).",
        ),
    ] = None,
    landmarks: Annotated[
        str | None,
        typer.Option(
            "--landmarks",
            metavar="FILE|FOLDER",
            rich_help_panel=RESULT,
            help="Also write eyes, nose and mouth: FILE.json, in pixels of the photo, and drawn, FILE.png (collagan).",
        ),
    ] = None,
    maps: Annotated[
        str | None,
        typer.Option(
            "--maps",
            metavar="FILE|FOLDER",
            rich_help_panel=RESULT,
            help="Also draw the maps of the last layer that all outputs share, a PNG.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", rich_help_panel=RESULT, help="Report on each photo as JSON on stdout.")
    ] = False,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", rich_help_panel=RESULT, help="Leave out photos whose results exist.")
    ] = False,
    overwrite: options.in_panel(RESULT, options.Overwrite) = False,
    quiet: options.in_panel(RESULT, options.Quiet) = False,
    device: options.in_panel(MACHINE, options.Device) = "auto",
    gpus: Annotated[
        int,
        typer.Option(
            "--gpus",
            min=1,
            rich_help_panel=MACHINE,
            help="Share the work among N processes: one per GPU, or with --device cpu.",
        ),
    ] = 1,
    batch: Annotated[
        int | None,
        typer.Option("--batch", min=1, rich_help_panel=MACHINE, help="With --data: images at once. Default: 32."),
    ] = None,
) -> None:
    """Complete the holes of photos; every known pixel stays as it is.

    Without a checkpoint, what is missing is put together from the rest of the
    photo, with no training and at any size:
    [bold]inpaint complete photo.png --mask mask.png[/bold]
    """
    from inpaint_cli.cli.annotating import Asked, refuse_set
    from inpaint_cli.cli.assembly import launched_as_team, load_for_completion
    from inpaint_cli.cli.completing_photos import PhotoOptions, complete_photos, framing_of
    from inpaint_cli.cli.completing_sets import complete_set
    from inpaint_cli.cli.masking import MaskOptions

    of_photos = {
        "PHOTO": photos, "--mask": mask, "--invert-mask": invert_mask, "--dilate": dilate, "--feather": feather,
        "--source-mask": source_mask, "--samples": samples - 1, "--context": context, "--blend": blend,
        "--quality": quality, "--page": page, "--skip-existing": skip_existing,
        "--parsing": parsing, "--landmarks": landmarks, "--maps": maps, "--reference": reference,
    }  # fmt: skip
    of_sets = {"--masks": masks, "--split": split, "--limit": limit, "--batch": batch}
    check_mode(data, photos, masks, output, of_photos, of_sets)
    with launched_as_team(gpus, device) as (hardware, team):

        def load(shape: Any) -> Any:
            named = method or (None if checkpoint else DEFAULT_METHOD)
            loaded = load_for_completion(checkpoint, named, assignments or [], shape, hardware)
            if data is not None:
                refuse_set(loaded)
            return loaded

        if data is not None:
            complete_set(
                data, masks, Path(output), split=split or "test", limit=limit, batch=batch or 32, seed=seed, load=load,
                hardware=hardware, team=team, overwrite=overwrite, as_json=as_json, quiet=quiet,
            )  # fmt: skip
        else:
            chosen = PhotoOptions(
                masks=MaskOptions(invert_mask, dilate, feather, seed), samples=samples, source_mask=source_mask,
                quality=quality, framing=framing_of(context, blend), page=page, overwrite=overwrite,
                skip_existing=skip_existing, asked=Asked(parsing, landmarks, maps),
                reference=reference,
            )  # fmt: skip
            complete_photos(photos, mask, output, chosen, load, hardware, team, as_json=as_json, quiet=quiet)


def check_mode(
    data: Path | None,
    photos: list[Path] | None,
    masks: str | None,
    output: str | None,
    of_photos: dict[str, Any],
    of_sets: dict[str, Any],
) -> None:
    """Photos or a prepared file, each with its own options; an option that nothing would read is refused."""
    if data is None:
        if not photos:
            raise UsageError("name a photo, a folder or a glob: inpaint complete photo.png --mask mask.png")
        unread, because = of_sets, "photos, only with --data"
    else:
        if masks is None or output is None:
            raise UsageError("--data FILE.h5 needs --masks SPEC, such as block:24, and -o OUT.h5")
        unread, because = of_photos, "--data, only with photos"
    for option, value in unread.items():
        if value not in (None, False, 0):
            raise UsageError(f"{option} does not go with {because}")
