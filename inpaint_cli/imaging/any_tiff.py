"""TIFFs of which Pillow knows the tags and not the pixels, such as those of 64-bit numbers or with many channels."""

from pathlib import Path

from PIL import TiffImagePlugin

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class AnyTiff(TiffImagePlugin.TiffImageFile):
    """A TIFF that is opened whatever its pixels are; only what Pillow itself opens can be loaded."""

    def _setup(self) -> None:
        try:
            super()._setup()
        except (SyntaxError, KeyError, IndexError):
            self._mode, self.tile = "F", []
            self._compression = getattr(self, "_compression", "raw")
            across = self.tag_v2.get(274) in (5, 6, 7, 8)
            size = int(self.tag_v2[256]), int(self.tag_v2[257])
            self._size = size[::-1] if across else size


def opened_tiff(path: str | Path) -> AnyTiff | None:
    """A TIFF for its tags, or None where a file is none."""
    with Path(path).open("rb") as file:
        if file.read(4) not in MAGIC:
            return None
    try:
        return AnyTiff(path)
    except Exception:  # a header that nobody can read
        return None
