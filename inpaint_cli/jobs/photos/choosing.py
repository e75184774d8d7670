"""`--method auto`: holes on faces go to the model `faces`, which knows what a face has there, all others to `patch`."""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from inpaint_cli.engine.completing import complete_photo
from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.framing import Framing
from inpaint_cli.engine.windows import Box, box_of, window_around
from inpaint_cli.errors import Remark, UsageError
from inpaint_cli.jobs.declared import DEFAULT_METHOD
from inpaint_cli.jobs.loading import Loaded, load_for_completion
from inpaint_cli.jobs.photos.faces import Face, Finder, detected, holes_on_faces
from inpaint_cli.jobs.shipped import AUTO, ENDING, FACES, FOLDER
from inpaint_cli.method import ImageShape
from inpaint_cli.settings import Assignments

# A window's side, in sides of the face in its middle: of 161 holes in faces of CelebA 1.1 gives 18.4, 20.1 and 19.9 dB
# behind eyes, mouth and half a face, 1.15 gives 18.3, 20.2 and 19.8, 1.35 gives 17.9, 19.8 and 19.4. With the hole in
# the middle it was 18.5, 20.2 and 19.7, and eyes were shades: the model knows them where faces have them.
AROUND = 1.15
WHOLE = Framing(context=math.inf, whole=True)  # one window shows all
Within = Callable[[int, int], None]


def load_for_photos(
    checkpoint: Path | None,
    method: str | None,
    settings: Assignments,
    hardware: Hardware,
    shape: ImageShape = ImageShape(3, 1, 1),
) -> Loaded:
    """As `load_for_completion`, where `auto` is a method too and `patch` is one where nothing is named."""
    if method != AUTO:
        named = method or (None if checkpoint else DEFAULT_METHOD)
        return load_for_completion(checkpoint, named, settings, hardware, shape)
    if checkpoint is not None:
        raise UsageError(f"--method {AUTO} chooses what completes, and --checkpoint names it: give one of them")
    copying = load_for_completion(None, DEFAULT_METHOD, settings, hardware, shape)
    model = load_for_completion(FOLDER / f"{FACES}{ENDING}", None, (), hardware)
    return replace(copying, name=AUTO, on_faces=model)


@dataclass(frozen=True)
class Work:
    """One photo and how it is to be completed, as `complete_photo` takes it."""

    pixels: np.ndarray  # [H, W, C]
    hole: np.ndarray  # bool [H, W], or [H, W, C] where single channels are missing
    hardware: Hardware
    samples: int = 1
    seed: int = 0
    sources: np.ndarray | None = None  # bool [H, W]
    invisible: np.ndarray | None = None  # bool [H, W]
    framing: Framing | None = None
    reference: np.ndarray | None = None  # [H, W, C]

    def by(self, loaded: Loaded, within: Within) -> np.ndarray:
        """[samples, H, W, C] of the type of `pixels`."""
        return complete_photo(
            loaded.method, self.pixels, self.hole, self.hardware, samples=self.samples, seed=self.seed,
            sources=self.sources, invisible=self.invisible, framing=self.framing, reference=self.reference,
            progress=within,
        )  # fmt: skip

    def seen_in(self, box: Box) -> "Work":
        """The same where nothing but a box of the photo is seen."""
        names = ("pixels", "hole", "sources", "invisible", "reference")
        planes = {name: plane[box.slices] for name in names if (plane := getattr(self, name)) is not None}
        return replace(self, **planes)

    def of(self, part: np.ndarray) -> "Work":
        """The same for some of the hole, bool [H, W], while the rest of it is not seen."""
        rest = self.hole & ~part
        return replace(self, hole=part, invisible=rest if self.invisible is None else rest | self.invisible)


def completed_by(loaded: Loaded, work: Work, within: Within) -> np.ndarray:
    """[samples, H, W, C] by a method; by `auto`, each hole by what knows more of it, and a Remark says which that was.

    within: called with how much is done and how much there is.
    """
    if loaded.on_faces is None:
        return work.by(loaded, within)
    if work.hole.ndim == 3:
        warnings.warn(f"{AUTO}: single channels are missing, and patch completed them", Remark, stacklevel=2)
        return work.by(loaded, within)
    finder = Finder(loaded.on_faces.method, work.hardware, detected)
    faces = holes_on_faces(work.pixels, work.hole, work.invisible, finder)
    warnings.warn(said(faces, work.hole), Remark, stacklevel=2)
    return _in_turn(loaded, loaded.on_faces, work, faces, within)


def _in_turn(loaded: Loaded, model: Loaded, work: Work, faces: Sequence[Face], within: Within) -> np.ndarray:
    size = work.hole.shape
    turns = [
        (model, replace(work.of(face.hole), framing=WHOLE, sources=None), window_on(face, size, model.method.shape[1:]))
        for face in faces
    ]
    rest = work.hole & ~np.any([face.hole for face in faces], axis=0) if faces else work.hole
    turns += [(loaded, work.of(rest), Box(0, 0, *size))] if rest.any() else []
    completed = np.repeat(work.pixels[None], work.samples, axis=0)
    for number, (method, own, box) in enumerate(turns):
        seen = own.seen_in(box)
        filled = seen.by(method, partial(_shared, within, number, len(turns)))
        np.copyto(completed[:, *box.slices], filled, where=seen.hole[:, :, None])
    return completed


def _shared(within: Within, number: int, count: int, done: int, total: int) -> None:
    within(number * total + done, count * total)


def window_on(face: Face, size: tuple[int, int], native: tuple[int, int]) -> Box:
    """What of a photo of this (height, width) shows the face where, and as large as, the model knows faces."""
    box = face.box.union(box_of(face.hole))
    return window_around(box, size, native, AROUND * max(box.height, box.width)).box(size)


def said(faces: Sequence[Face], hole: np.ndarray) -> str:
    """Which holes went where, and why."""
    if not faces:
        return f"{AUTO}: by patch, since no face was found that the hole lies on"
    seen = " and ".join(f"{_side(face.box)} at {face.box.left}, {face.box.top}" for face in faces)
    whole = sum(int(face.hole.sum()) for face in faces) == int(hole.sum())
    noun = "a face was" if len(faces) == 1 else f"{len(faces)} faces were"
    return f"{AUTO}: by {FACES} where {noun} found under the hole ({seen}){'' if whole else ', elsewhere by patch'}"


def _side(box: Box) -> str:
    return f"{box.width}×{box.height}"
