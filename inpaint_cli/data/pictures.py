"""Images of a folder or an archive as they are stored, decoded by threads a little ahead of whoever reads them."""

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from PIL import Image as Pillow

from inpaint_cli.data.trees import Tree, decodable
from inpaint_cli.errors import InputError, printable
from inpaint_cli.imaging.decoding import colour_and_alpha, opened, pixels_of
from inpaint_cli.imaging.kinds import READABLE, readable_formats
from inpaint_cli.imaging.orientation import TURNS_THE_SIDES, orientation_of

GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N")
THREADS = min(4, os.cpu_count() or 1)  # decoders hold no lock of Python's


class Form(NamedTuple):
    """What a file's header says of its image, upright."""

    width: int
    height: int
    channels: int

    def __str__(self) -> str:
        return f"{self.width}×{self.height} {'RGB' if self.channels == 3 else 'grey'}"


def images_in(tree: Tree) -> list[str]:
    """The files of a tree that are called as images are, sorted; `InputError` where there are none."""
    found = [name for name in tree.names() if name.lower().endswith(READABLE)]
    if not found:
        raise InputError(f"{printable(tree.path)}: no images in it or in folders below it ({', '.join(READABLE)})")
    return found


class FilePictures:
    """Some of a tree's images, in an order that is given."""

    def __init__(self, tree: Tree, names: Sequence[str]):
        self.tree, self.names = tree, names
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="pictures")
        self._ahead: dict[int, Future[np.ndarray | str]] = {}

    def forms(self) -> list[Form | None]:
        """Of every image, from its header alone; None where that cannot be read."""
        with warnings.catch_warnings():  # decoders change filters, from several threads at once: they are put back
            return list(self._threads.map(self._form, self.names))

    def read(self, places: range) -> tuple[dict[int, np.ndarray], dict[int, str]]:
        """The images at these places, uint8 [H, W, C], and why others cannot be read; those that follow are begun."""
        following = range(places.stop, min(places.stop + len(places), len(self.names)))
        with warnings.catch_warnings():
            for place in (*places, *following):
                if place not in self._ahead:
                    self._ahead[place] = self._threads.submit(self._pixels, self.names[place])
            found = {place: self._ahead.pop(place).result() for place in places}
        unread = {place: why for place, why in found.items() if isinstance(why, str)}
        return {place: pixels for place, pixels in found.items() if not isinstance(pixels, str)}, unread

    def _pixels(self, name: str) -> np.ndarray | str:
        """The pixels, or why there are none."""
        try:
            with opened(decodable(self.tree.image(name), name)) as image:
                colour, alpha = colour_and_alpha(image)
                if alpha is not None and alpha.getextrema() != (255, 255):
                    raise InputError("has transparent pixels, so that it is no whole image")
                return np.array(pixels_of(colour))
        except InputError as error:
            return str(error)

    def _form(self, name: str) -> Form | None:
        source = decodable(self.tree.image(name), name)
        try:
            with Pillow.open(source, formats=readable_formats(source)) as image:
                plain = image.format == "PNG" and "exif" not in image.info  # asked for more, Pillow decodes it
                turned = not plain and orientation_of(image) in TURNS_THE_SIDES
                size = image.size[::-1] if turned else image.size
                return Form(*size, 1 if image.mode in GREY_MODES else 3)
        except Exception:  # decoders raise nearly every kind; decoding says which
            return None
