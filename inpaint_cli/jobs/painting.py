"""A local page to paint a photo's hole on, to see it completed, and to save mask and result."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from inpaint_cli.engine.completing import complete_photo
from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.imaging.decoding import printable
from inpaint_cli.imaging.limits import most_pixels
from inpaint_cli.imaging.photos import FORMATS, read_photo
from inpaint_cli.jobs.audience import Progress, heard_by
from inpaint_cli.jobs.loading import DEFAULT_METHOD, load_for_completion
from inpaint_cli.jobs.photos.annotating import refuse_without_completion
from inpaint_cli.method import ImageShape
from inpaint_cli.painting.page import painting_page
from inpaint_cli.painting.server import PaintingServer
from inpaint_cli.painting.session import Outputs, Session
from inpaint_cli.settings import Assignments


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

    mask, output: default PHOTO_mask.png and PHOTO_inpaint.EXT; port: 0 takes any that is free; opened: called with the
    page's address, which only this machine can reach; max_megapixels: None for what the free memory holds.
    """
    audience = heard_by(progress)
    outputs = Outputs(mask or beside(photo, "mask", ".png"), output or beside(photo, "inpaint"), overwrite)
    outputs.check((photo, checkpoint))
    read = read_photo(photo, most_pixels(max_megapixels))
    hardware = choose_hardware(device, "fp32")
    height, width, channels = read.pixels.shape
    named = method or (None if checkpoint else DEFAULT_METHOD)
    loaded = load_for_completion(checkpoint, named, settings, hardware, ImageShape(channels, height, width))
    refuse_without_completion(loaded, "--checkpoint", "`inpaint complete` writes what it says of a photo")

    def completed(hole: np.ndarray, seed: int) -> np.ndarray:
        return complete_photo(loaded.method, read.pixels, hole, hardware, seed=seed, invisible=read.invisible)[0]

    session = Session(read, completed, outputs, seed)
    server = PaintingServer(session, painting_page(session, printable(photo.name), loaded.name), port)
    opened(server.url)
    server.serve()
    notes = (*read.notes, *loaded.notes, *session.notes) if session.saved else ("nothing was saved",)
    for note in dict.fromkeys(notes):
        audience.note(note)
    return session.saved


def beside(photo: Path, what: str, extension: str | None = None) -> Path:
    """`photo_mask.png`, `photo_inpaint.jpg`: in the photo's folder, in its format where that can be written."""
    own = photo.suffix if photo.suffix.lower() in FORMATS else ".png"
    return photo.with_name(f"{photo.stem}_{what}{extension or own}")
