"""What is asked of photos, and what became of each."""

from dataclasses import dataclass, field
from pathlib import Path

from inpaint_cli.engine.framing import Framing
from inpaint_cli.errors import InpaintError, UsageError
from inpaint_cli.jobs.photos.holes import MaskOptions
from inpaint_cli.jobs.photos.pictures import Picture
from inpaint_cli.reports.page import Figure

EVERY_PAGE = "all"
# What can be asked for about a photo: how its files end. The first is the one that is named, the others lie beside it.
UNCERTAINTY = "uncertainty"  # of its completions, not of the method
ENDINGS = {
    "parsing": ("_parsing.png",),
    "landmarks": ("_landmarks.json", "_landmarks.png"),
    "maps": ("_maps.png",),
    UNCERTAINTY: ("_uncertainty.png",),
}


@dataclass(frozen=True)
class Asked:
    """What of a photo is to be written beside its completion: FILE, or for several photos FOLDER."""

    parsing: str | None = None
    landmarks: str | None = None
    maps: str | None = None
    uncertainty: str | None = None

    @property
    def targets(self) -> dict[str, str]:
        """By kind, what was asked for."""
        return {kind: target for kind in ENDINGS if (target := getattr(self, kind)) is not None}


@dataclass(frozen=True)
class PhotoOptions:
    """What holds for every photo."""

    masks: MaskOptions
    samples: int = 1
    source_mask: Path | None = None
    reference: Picture | None = None
    quality: int | None = None
    framing: Framing | None = None  # None: nothing was asked for
    page: Path | None = None
    overwrite: bool = False
    skip_existing: bool = False
    asked: Asked = field(default_factory=Asked)  # what is written about each photo
    most: int | None = None  # pixels of a photo that are decoded
    pages: str | None = None  # of a file of several pictures: all, or a number from 1
    command: str = ""  # what was typed, for the page


def check_pages(options: PhotoOptions) -> None:
    """`UsageError` for pages that cannot be meant."""
    pages = options.pages
    if pages not in (None, EVERY_PAGE) and not (pages.isdecimal() and int(pages)):
        raise UsageError(f"--pages {pages}: write all, or the number of one, from 1")
    if pages == EVERY_PAGE and options.asked.targets:
        raise UsageError(f"--pages all does not go with --{next(iter(options.asked.targets))}, which says one photo's")


def framing_of(context: float | None, blend: str | None) -> Framing | None:
    """How windows are laid and pasted, or None where nothing was asked for."""
    if context is None and blend is None:
        return None
    usual = Framing()
    return Framing(usual.context if context is None else context, usual.blend if blend is None else blend)


@dataclass
class Result:
    """What became of one photo, as --json reports it."""

    input: str
    mask: str | None
    outputs: list[str]
    status: str = "completed"  # or skipped, failed
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    error: str | None = None


@dataclass
class Outcome:
    """A result with what does not reach --json."""

    place: int  # of the photo among all
    result: Result
    fault: InpaintError | None = None  # why it failed
    figure: Figure | None = None  # of the page
