"""A local page to paint photos' holes on, to see them completed, and to save masks and results."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from inpaint_cli.engine.devices import Hardware, choose_hardware
from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.imaging.decoding import printable
from inpaint_cli.imaging.limits import most_pixels
from inpaint_cli.imaging.photos import FORMATS, Photo, read_photo
from inpaint_cli.jobs.audience import Progress, heard_by, remarks
from inpaint_cli.jobs.declared import DEFAULT_METHOD, declared
from inpaint_cli.jobs.photos.annotating import refuse_without_completion
from inpaint_cli.jobs.photos.choosing import Work, completed_by, load_for_photos
from inpaint_cli.jobs.shipped import AUTO, model_names
from inpaint_cli.method import ImageShape
from inpaint_cli.methods import method_names
from inpaint_cli.painting.desk import Desk, Load
from inpaint_cli.painting.server import PaintingServer
from inpaint_cli.painting.session import Complete, Outputs, Tell
from inpaint_cli.settings import Assignments

MASK, RESULT = "mask", "inpaint"  # how the names of what is saved end


def paint(
    photo: Path,
    mask: Path | None = None,
    output: Path | None = None,
    *,
    checkpoint: Path | None = None,
    method: str | None = None,
    settings: Assignments = (),
    seed: int = 0,
    device: str = "auto",
    port: int = 0,
    max_megapixels: float | None = None,
    overwrite: bool = False,
    opened: Callable[[str], object] = lambda url: None,
    progress: Progress = None,
) -> list[Path]:
    """Serve the page until it is done or closed; returns the files that were saved.

    photo: a file, or a folder of them; mask, output: of one photo, default PHOTO_mask.png and PHOTO_inpaint.EXT; port:
    0 takes any that is free; opened: called with the page's address, which only this machine can reach;
    max_megapixels: None for what the free memory holds.
    """
    audience = heard_by(progress)
    photos = photos_in(photo)

    def places(path: Path) -> Outputs:
        own = (mask, output) if path == photo else (None, None)
        return Outputs(own[0] or beside(path, MASK, ".png"), own[1] or beside(path, RESULT), overwrite)

    if photo.is_dir() and (mask or output):
        raise UsageError("--mask and -o name one photo's files; those of a folder's photos lie beside each of them")
    if not photo.is_dir():
        places(photo).check((photo, checkpoint))
    notes: list[str] = []
    named = printable(checkpoint) if checkpoint else method or DEFAULT_METHOD
    load = _loader(named, checkpoint, settings, choose_hardware(device, "fp32"), notes)
    read = partial(read_photo, most=most_pixels(max_megapixels))
    desk = Desk(photos, _choices(named), read, load, places, seed, notes)
    try:
        server = PaintingServer(desk.session, desk.page, port, desk=desk)
        opened(server.url)
        server.serve()
    finally:
        desk.close()
    said = (*desk.notes, *notes) if desk.saved else ("nothing was saved",)
    for note in dict.fromkeys(said):
        audience.note(note)
    return desk.saved


def photos_in(place: Path) -> list[Path]:
    """The file, or a folder's photos by name, without what earlier sessions saved beside them."""
    if not place.is_dir():
        return [place]
    ours = tuple(f"_{what}" for what in (MASK, RESULT))
    files = (path for path in sorted(place.iterdir()) if path.suffix.lower() in FORMATS and path.is_file())
    found = [path for path in files if not path.stem.endswith(ours)]
    if not found:
        raise InputError(f"{printable(place)}: no photos in this folder")
    return found


def _choices(first: str) -> list[str]:
    """What completes to begin with, what needs no training, the models that come with the package."""
    untrained = [name for name in method_names() if declared(name).defaults is None]
    return list(dict.fromkeys([first, *untrained, AUTO, *model_names()]))


def _loader(first: str, checkpoint: Path | None, settings: Assignments, hardware: Hardware, notes: list[str]) -> Load:
    """notes: where what is to be known of a method goes."""

    def load(choice: str, photo: Photo) -> Complete:
        height, width, channels = photo.pixels.shape
        named = choice in (*method_names(), AUTO)
        model = checkpoint if choice == first else None if named else Path(choice)
        changes: Assignments = settings if choice == first else ()
        untrained = choice if model is None else None
        loaded = load_for_photos(model, untrained, changes, hardware, ImageShape(channels, height, width))
        refuse_without_completion(loaded, "--checkpoint", "`inpaint complete` writes what it says of a photo")
        notes.extend(loaded.notes)

        def complete(hole: np.ndarray, seed: int, tell: Tell) -> np.ndarray:
            work = Work(photo.pixels, hole, hardware, seed=seed, invisible=photo.invisible)
            with remarks(notes.append):
                return completed_by(loaded, work, tell)[0]

        return complete

    return load


def beside(photo: Path, what: str, extension: str | None = None) -> Path:
    """`photo_mask.png`, `photo_inpaint.jpg`: in the photo's folder, in its format where that can be written."""
    own = photo.suffix if photo.suffix.lower() in FORMATS else ".png"
    return photo.with_name(f"{photo.stem}_{what}{extension or own}")
