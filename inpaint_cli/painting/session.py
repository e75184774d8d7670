"""What a person paints, sees completed and saves: the state behind the page of `inpaint mask`."""

import io
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

from inpaint_cli.errors import EnvironmentFault, InputError
from inpaint_cli.files import refuse_existing, refuse_inputs
from inpaint_cli.imaging.coverage import HALF
from inpaint_cli.imaging.decoding import colour_and_alpha, opened
from inpaint_cli.imaging.deep import to_eight_bits
from inpaint_cli.imaging.mask_files import write_mask
from inpaint_cli.imaging.photos import Photo, output_format
from inpaint_cli.imaging.writing import write_photo
from inpaint_cli.reports import pictures

VIEW_PIXELS = 6_000_000  # a larger photo is shown and painted on smaller; browsers on phones end at 16 million
PAINTED = 64  # of 255: what is painted more than this is hole, and what touches it; less is left where was erased

Tell = Callable[[int, int], None]  # how much of the work is done, and how much there is
# hole (bool [H, W]), seed, whom to tell -> pixels [H, W, C] of the photo's type
Complete = Callable[[np.ndarray, int, Tell], np.ndarray]


@dataclass(frozen=True)
class Outputs:
    """Where mask and result go, and whether files that were there before may be replaced."""

    mask: Path
    result: Path
    overwrite: bool = False

    def check(self, given: Iterable[Path | None] = ()) -> None:
        """Raise what is wrong with them before anyone has painted. given: files that are read."""
        refuse_inputs((self.mask, self.result), given)
        for path in (self.mask, self.result):
            output_format(path)
            refuse_existing(path, self.overwrite)
            if not os.access(path.parent, os.W_OK):
                trouble = "may not be written to" if path.parent.exists() else "does not exist"
                raise EnvironmentFault(
                    f"the folder {path.parent} {trouble}; choose with -o and --mask where results go"
                )


@dataclass(frozen=True)
class Completion:
    """A hole and what was made of it."""

    hole: np.ndarray  # bool [H, W]
    seed: int
    pixels: np.ndarray  # [H, W, C], of the photo's type


class Cancelled(Exception):
    """Whoever asked for a completion no longer wants it."""


class Session:
    """One photo, the mask that is painted over it, its latest completion. Used from one thread."""

    def __init__(
        self, photo: Photo, complete: Complete, outputs: Outputs, seed: int = 0, remarks: list[str] | None = None
    ):
        """remarks: where what completes adds what there is to say of a completion."""
        self.remarks = [] if remarks is None else remarks
        self.photo, self.outputs, self.first_seed = photo, outputs, seed
        self.view = pictures.size_within(photo.size, VIEW_PIXELS)  # width, height of the page's canvas
        self.saved: list[Path] = []
        self.notes: tuple[str, ...] = ()
        self._complete = complete
        self._latest: Completion | None = None
        self._cancelled = threading.Event()

    def photo_uri(self) -> str:
        """The photo as the page shows it."""
        return pictures.photo_uri(self._shown(self.photo.pixels))

    def complete(self, painted: bytes) -> dict[str, Any]:
        """Complete what is painted; the same hole once more gives the next seed's completion.

        Returns the surroundings of the hole as `patch` (data URI) and `box` (left, top, right, bottom in pixels of the
        view), the `seed`, the `seconds` that it took and what was `remarked`; or that it was `cancelled`.
        """
        hole = self.hole(painted)
        started, remarked = time.monotonic(), len(self.remarks)
        before = self._latest_of(hole)
        seed = before.seed + 1 if before else self.first_seed
        self._cancelled.clear()
        try:
            self._latest = latest = Completion(hole, seed, self._complete(hole, seed, self._go_on))
        except Cancelled:
            return {"cancelled": True}
        shown_hole = pictures.shrunk_hole(hole, self.view)
        patch, box = pictures.patch_uri(self._shown(latest.pixels), shown_hole)
        seconds = round(time.monotonic() - started, 1)
        return {"patch": patch, "box": box, "seed": seed, "seconds": seconds, "remarked": self.remarks[remarked:]}

    def cancel(self) -> None:
        """End the completion that is under way, as soon as the method tells how far it is. From any thread."""
        self._cancelled.set()

    def _go_on(self, done: int, total: int) -> None:
        if self._cancelled.is_set() and done < total:
            raise Cancelled

    def complete_with(self, complete: Complete) -> None:
        """From here on by another method: the same hole begins with the first seed again."""
        self._complete, self._latest = complete, None

    def save(self, painted: bytes) -> dict[str, Any]:
        """Write the mask and, where this very hole was completed, the result. Returns `saved`: the files' names."""
        hole = self.hole(painted)
        write_mask(hole, self.outputs.mask, self._may_replace(self.outputs.mask))
        written = [self.outputs.mask]
        if latest := self._latest_of(hole):
            result, replace = self.outputs.result, self._may_replace(self.outputs.result)
            self.notes += write_photo(self.photo, latest.pixels, result, replace, hole=hole)
            written.append(result)
        self.saved = list(dict.fromkeys([*self.saved, *written]))
        return {"saved": [str(path) for path in written]}

    def hole(self, painted: bytes) -> np.ndarray:
        """The page's canvas, a PNG of the view's size -> bool [H, W] of the photo's size, true where it is opaque."""
        with opened(_Upload(painted), inspect=self._refuse_other_sizes) as image:
            _, alpha = colour_and_alpha(image)
        if alpha is None:
            raise InputError("the painted mask: has no transparency, so nothing says where the hole is")
        # A line that was painted and erased again leaves up to a quarter of itself along its smooth edge.
        drawn = np.asarray(alpha)
        touched = (drawn > 0) & ndimage.maximum_filter(drawn > PAINTED, 3)
        larger = Image.fromarray(np.where(touched, np.uint8(255), np.uint8(0)))
        hole = np.asarray(larger.resize(self.photo.size, Image.Resampling.BILINEAR)) >= HALF
        if not hole.any():
            raise InputError("nothing is painted yet: paint over what is to disappear")
        if hole.all():
            raise InputError("all of the photo is painted: leave something to complete it from")
        return hole

    def _refuse_other_sizes(self, image: Image.Image) -> None:
        if image.size != self.view:
            raise InputError("is {}×{} pixels, but the page's canvas has {}×{}".format(*image.size, *self.view))

    def _shown(self, pixels: np.ndarray) -> np.ndarray:
        return pictures.shrunk(to_eight_bits(pixels), self.view)

    def _latest_of(self, hole: np.ndarray) -> Completion | None:
        """The latest completion, where it is of this very hole."""
        return self._latest if self._latest and np.array_equal(self._latest.hole, hole) else None

    def _may_replace(self, path: Path) -> bool:
        return self.outputs.overwrite or path in self.saved  # what this session wrote, it may write again


class _Upload(io.BytesIO):
    name = "the painted mask"  # what messages call it
