"""`inpaint complete`: photos and masks, or a prepared file, become completed ones."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inpaint_cli.cli import completing, options
from inpaint_cli.cli.launching import run_in_processes
from inpaint_cli.cli.terminal import Terminal, say, typed
from inpaint_cli.errors import UsageError

if TYPE_CHECKING:
    from inpaint_cli.jobs.photos.completing import PhotosCompleted
    from inpaint_cli.jobs.photos.options import Result

WHAT, HOW, RESULT, MACHINE = "What is completed", "How", "Results", "Machine"

Photos = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PHOTO...",
        help="Files, folders or globs: PNG, JPEG, WebP, TIFF, BMP, GIF and others.",
        show_default=False,
    ),
]
Mask = Annotated[
    str | None,
    typer.Option(
        "--mask",
        metavar="FILE|FOLDER|SPEC",
        rich_help_panel=WHAT,
        help="White is the hole. One file for all, a folder with one of each photo's name, or a specification: "
        "alpha (transparent pixels), nan (a raster's missing numbers), auto:COLOR[,TOLERANCE] (pixels of a colour), "
        "block:64, … or none (to label alone). "
        "Default: PHOTO_mask.EXT beside each photo. (--masks is for --data.)",
        autocompletion=completing.names("photo_masks"),
    ),
]
InvertMask = Annotated[bool, typer.Option("--invert-mask", rich_help_panel=WHAT, help="Black is the hole.")]
FitMask = Annotated[
    str | None,
    typer.Option(
        "--fit-mask",
        **completing.choices("resize|top-left|bottom-right"),
        rich_help_panel=WHAT,
        help="A mask of another size: resize it, or lay it as it is top-left or bottom-right (a watermark's).",
    ),
]
Dilate = Annotated[
    int, typer.Option("--dilate", min=0, max=1000, rich_help_panel=WHAT, help="Grow the hole by N pixels.")
]
Feather = Annotated[
    int,
    typer.Option(
        "--feather", min=0, max=1000, rich_help_panel=WHAT, help="Fade into the photo over N pixels around the hole."
    ),
]
SourceMask = Annotated[
    Path | None,
    typer.Option("--source-mask", rich_help_panel=WHAT, help="White may be copied from (patch alone copies)."),
]
Reference = Annotated[
    Path | None,
    typer.Option(
        "--reference",
        metavar="FILE",
        rich_help_panel=WHAT,
        help="A face of the photo's size: inside the hole its features are taken over (semantic).",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option("--data", rich_help_panel=WHAT, help="In place of photos, a file that `inpaint prepare` wrote."),
]
Masks = Annotated[str | None, options.masks("With --data: a masking process, block:24. (--mask is for photos.)", WHAT)]
Split = Annotated[str | None, options.split(WHAT, "With --data: which images. Default: test.")]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, rich_help_panel=WHAT, help="With --data: only the first N images.")
]
Recursive = Annotated[
    bool, typer.Option("--recursive", rich_help_panel=WHAT, help="Of folders, also the photos in folders below them.")
]
Pages = Annotated[
    str | None,
    typer.Option(
        "--pages",
        metavar="all|N",
        rich_help_panel=WHAT,
        help="Of a TIFF of several pages or an animation: all of them, or the N-th. Default: the first.",
    ),
]
MaxMegapixels = Annotated[float | None, options.max_megapixels(MACHINE)]
Method = Annotated[str | None, options.method_without_training(HOW)]
Checkpoint = Annotated[Path | None, options.checkpoint(HOW)]
Settings = Annotated[list[str] | None, options.settings(HOW)]
Samples = Annotated[
    int, typer.Option("--samples", min=1, max=1000, rich_help_panel=HOW, help="Different completions, numbered.")
]
Seed = Annotated[int, options.seed(HOW)]
Context = Annotated[
    float | None,
    typer.Option(
        "--context",
        rich_help_panel=HOW,
        help="With --checkpoint: the side of the window that is shown, in sides of the hole. Default: 2.",
    ),
]
Blend = Annotated[
    str | None,
    typer.Option(
        "--blend",
        **completing.one_of("poisson|feather|paste", "blend"),
        rich_help_panel=HOW,
        help="With --checkpoint: what happens at the rim. Default: poisson.",
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE|FOLDER",
        rich_help_panel=RESULT,
        help="Where to write; a file's extension chooses the format. Default: PHOTO_inpaint.EXT beside each photo "
        "(of methods that label and complete nothing, PHOTO_parsing.png, PHOTO_landmarks.json).",
    ),
]
Quality = Annotated[
    int | None,
    typer.Option(
        "--quality",
        min=1,
        max=100,
        rich_help_panel=RESULT,
        help="Of JPEG and WebP. Default: JPEG as it was, or 95; WebP lossless.",
    ),
]
Page = Annotated[
    Path | None,
    typer.Option("--page", rich_help_panel=RESULT, help="Also write a page to look at: DIR/index.html."),
]
Parsing = Annotated[
    str | None,
    typer.Option(
        "--parsing",
        metavar="FILE|FOLDER",
        rich_help_panel=RESULT,
        help="Also write the parts of the face, a PNG of labels in colour (collagan, face-parser).",
    ),
]
Landmarks = Annotated[
    str | None,
    typer.Option(
        "--landmarks",
        metavar="FILE|FOLDER",
        rich_help_panel=RESULT,
        help="Also write eyes, nose and mouth: FILE.json, in pixels of the photo, and drawn, FILE.png (collagan).",
    ),
]
Maps = Annotated[
    str | None,
    typer.Option(
        "--maps",
        metavar="FILE|FOLDER",
        rich_help_panel=RESULT,
        help="Also draw the maps of the last layer that all outputs share, a PNG.",
    ),
]
Uncertainty = Annotated[
    str | None,
    typer.Option(
        "--uncertainty",
        metavar="FILE|FOLDER",
        rich_help_panel=RESULT,
        help="Also draw where samples differ, their standard deviation with a scale, a PNG; with --samples 10.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", rich_help_panel=RESULT, help="Report on each photo as JSON on stdout.")]
SkipExisting = Annotated[
    bool, typer.Option("--skip-existing", rich_help_panel=RESULT, help="Leave out photos whose results exist.")
]
Overwrite = Annotated[bool, options.overwrite(RESULT)]
Quiet = Annotated[bool, options.quiet(RESULT)]
Device = Annotated[str, options.device(MACHINE)]
Gpus = Annotated[int, options.gpus(MACHINE)]
Batch = Annotated[
    int | None,
    typer.Option("--batch", min=1, rich_help_panel=MACHINE, help="With --data: images at once. Default: 32."),
]


def complete(
    photos: Photos = None,
    mask: Mask = None,
    invert_mask: InvertMask = False,
    fit_mask: FitMask = None,
    dilate: Dilate = 0,
    feather: Feather = 0,
    source_mask: SourceMask = None,
    reference: Reference = None,
    recursive: Recursive = False,
    pages: Pages = None,
    data: Data = None,
    masks: Masks = None,
    split: Split = None,
    limit: Limit = None,
    method: Method = None,
    checkpoint: Checkpoint = None,
    settings: Settings = None,
    samples: Samples = 1,
    seed: Seed = 0,
    context: Context = None,
    blend: Blend = None,
    output: Output = None,
    quality: Quality = None,
    page: Page = None,
    parsing: Parsing = None,
    landmarks: Landmarks = None,
    maps: Maps = None,
    uncertainty: Uncertainty = None,
    as_json: AsJson = False,
    skip_existing: SkipExisting = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    device: Device = "auto",
    gpus: Gpus = 1,
    batch: Batch = None,
    max_megapixels: MaxMegapixels = None,
) -> None:
    """Complete the holes of photos; every known pixel stays as it is.

    Without a checkpoint, what is missing is put together from the rest of the
    photo, with no training and at any size:
    [bold]inpaint complete photo.png --mask mask.png[/bold]

    [bold]inpaint complete face.jpg --mask mask.png --checkpoint runs/mde -o done.jpg[/bold]
    """
    refuse_unread(locals())
    refuse_early(**locals())
    run_in_processes(gpus, device)
    if data is not None:
        return complete_set(
            data, masks, output, split or "test", limit, batch or 32, seed, checkpoint, method, settings or [],
            device, overwrite, as_json, quiet,
        )  # fmt: skip
    from inpaint_cli.jobs.photos.completing import complete_photos

    done = complete_photos(
        photos or [], mask, output, invert_mask=invert_mask, dilate=dilate, feather=feather, source_mask=source_mask,
        reference=reference, checkpoint=checkpoint, method=method, settings=settings or (), samples=samples, seed=seed,
        context=context, blend=blend, quality=quality, page=page, parsing=parsing, landmarks=landmarks, maps=maps,
        uncertainty=uncertainty, skip_existing=skip_existing, overwrite=overwrite, recursive=recursive,
        fit_mask=fit_mask, max_megapixels=max_megapixels, pages=pages, device=device,
        command=typed(), progress=Photographer(quiet, as_json),
    )  # fmt: skip
    report(done, as_json)


def refuse_early(
    photos: list[Path] | None,
    mask: str | None,
    data: Path | None,
    masks: str | None,
    method: str | None,
    checkpoint: Path | None,
    output: str | None,
    gpus: int,
    device: str,
    **options: Any,
) -> None:
    """What can be said of `complete`'s options before torch is imported."""
    from inpaint_cli.jobs.refusals import refuse_at_once, refuse_completer
    from inpaint_cli.jobs.shipped import AUTO

    named = None if method == AUTO else method
    refuse_at_once(
        [named] if named else [], data, [checkpoint] if checkpoint else [], photos or [],
        Path(mask) if mask is not None and is_file_name(mask) else None, [masks] if masks else [], gpus, device,
        untrained=checkpoint is None, also=[lambda: refuse_completer(checkpoint, named, options["settings"] or ())],
    )  # fmt: skip
    completes = checkpoint is None or mask is not None  # a model may label photos, and needs no mask for that
    each_apart = options["as_json"] or options["skip_existing"] or options["pages"]  # then a photo is its own outcome
    if data is None and completes and not each_apart:
        from inpaint_cli.jobs.photos.first_look import refuse_photo
        from inpaint_cli.jobs.photos.holes import MaskOptions

        how = MaskOptions(*(options[name] for name in ("invert_mask", "dilate", "feather", "seed", "fit_mask")))
        refuse_photo(photos or [], mask, output, how, options["recursive"])


def is_file_name(mask: str) -> bool:
    """Whether it can be nothing else: no specification, no `auto`, no folder."""
    return ":" not in mask and Path(mask).suffix != ""


# What photos alone, and what prepared files alone have: each option, and what it is where it was not given.
OF_PHOTOS = (
    {
        "photos": ("PHOTO", None), "mask": ("--mask", None), "invert_mask": ("--invert-mask", False),
        "dilate": ("--dilate", 0), "feather": ("--feather", 0), "source_mask": ("--source-mask", None),
        "samples": ("--samples", 1), "context": ("--context", None), "blend": ("--blend", None),
        "quality": ("--quality", None), "page": ("--page", None), "skip_existing": ("--skip-existing", False),
        "parsing": ("--parsing", None), "landmarks": ("--landmarks", None), "maps": ("--maps", None),
        "uncertainty": ("--uncertainty", None),
        "reference": ("--reference", None), "recursive": ("--recursive", False), "fit_mask": ("--fit-mask", None),
        "max_megapixels": ("--max-megapixels", None), "pages": ("--pages", None),
    },
    "--data, only with photos",
)  # fmt: skip
OF_SETS = (
    {name: (f"--{name}", None) for name in ("masks", "split", "limit", "batch")},
    "photos, only with --data",
)


def refuse_unread(given: Mapping[str, Any]) -> None:
    """`UsageError` where neither photos nor a prepared file are named, and for an option that nothing would read."""
    from inpaint_cli.jobs.shipped import AUTO

    if given["data"] is None and not given["photos"]:
        raise UsageError("name a photo, a folder or a glob: inpaint complete photo.png --mask mask.png")
    if given["method"] == AUTO and (given["checkpoint"] is not None or given["data"] is not None):
        other = "--checkpoint, which names it" if given["checkpoint"] is not None else "--data, only with photos"
        raise UsageError(f"--method {AUTO} chooses for each hole what completes it: it does not go with {other}")
    unread, because = OF_SETS if given["data"] is None else OF_PHOTOS
    for name, (option, default) in unread.items():
        if given[name] != default and given[name] != []:
            raise UsageError(f"{option} does not go with {because}")


def report(done: "PhotosCompleted", as_json: bool) -> None:
    """What --json says of all photos, and as an error what could not be completed."""
    if as_json:
        say(json.dumps(as_data(done), indent=2))
    done.raise_for_failures()


def complete_set(
    data: Path,
    masks: str | None,
    output: str | None,
    split: str,
    limit: int | None,
    batch: int,
    seed: int,
    checkpoint: Path | None,
    method: str | None,
    settings: list[str],
    device: str,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """A split of a prepared file becomes a prepared file, or a folder of images."""
    if masks is None or output is None:
        raise UsageError("--data FILE.h5 needs --masks SPEC, such as block:24, and -o OUT.h5, or -o DIR/ for images")
    from inpaint_cli.jobs.sets.completing import SetOptions, complete_set

    report = complete_set(
        data, output, SetOptions(masks, split, limit, batch, seed), checkpoint=checkpoint, method=method,
        settings=settings, device=device, overwrite=overwrite, progress=Terminal(quiet),
    )  # fmt: skip
    say(json.dumps(report, indent=2) if as_json else report["output"])


class Photographer(Terminal):
    """Says of each photo where its results are, as soon as they are there; with --json a report says it in the end."""

    def __init__(self, quiet: bool, as_json: bool):
        super().__init__(quiet)
        self.as_json = as_json

    def result(self, result: "Result") -> None:
        if result.status == "completed" and not self.as_json:
            for path in result.outputs:
                say(path)


def as_data(done: "PhotosCompleted") -> dict[str, Any]:
    """What --json reports."""
    return {
        "method": done.loaded.name,
        "checkpoint": done.loaded.checkpoint,
        "seed": done.seed,
        "notes": list(done.loaded.notes),
        "results": [asdict(result) for result in done.results],
    }
