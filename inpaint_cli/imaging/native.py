"""Photos whose own numbers are no colours on a screen: printing inks, and rasters such as elevation models.

Methods complete what these look like; what is written are the file's own numbers, of which those of the hole alone
are made of the completion. So everything that is known stays as it was.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms


@dataclass(frozen=True)
class Inks:
    """Cyan, magenta, yellow, black: uint8 [H, W, 4], and what they look like by a colour profile."""

    values: np.ndarray
    profile: bytes = b""

    @property
    def described(self) -> str:
        """How they are turned into colours."""
        return "through its colour profile" if self.profile and _profile(self.profile) else "without a colour profile"

    def shown(self) -> np.ndarray:
        """uint8 RGB [H, W, 3]."""
        return np.asarray(_converted(ink_image(self.values), self.profile, "RGB"))

    def filled(self, completed: np.ndarray, where: np.ndarray) -> np.ndarray:
        """The inks, in the place of those at `where` (bool [H, W]) what `completed` (RGB) needs."""
        values = self.values.copy()
        if where.any():
            rows, columns = _box(where)
            part = np.ascontiguousarray(completed[rows, columns])
            inks = np.asarray(_converted(Image.fromarray(part), self.profile, "CMYK"))
            values[rows, columns][where[rows, columns]] = inks[where[rows, columns]]
        return values


@dataclass(frozen=True)
class Numbers:
    """One number of any type for each pixel, [H, W]; those that are `missing` (bool [H, W]) stand for nothing."""

    values: np.ndarray
    missing: np.ndarray

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest that is known."""
        known = self.values[~self.missing]
        return (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)

    def shown(self) -> np.ndarray:
        """float32 in [0, 1], [H, W, 1]; 0 where a number is missing."""
        low, high = self.ends
        share = (np.where(self.missing, low, self.values).astype(np.float64) - low) / ((high - low) or 1.0)
        return share.astype(np.float32)[:, :, None]

    def filled(self, completed: np.ndarray, where: np.ndarray) -> np.ndarray:
        """The numbers, in the place of those at `where` (bool [H, W]) what is completed, [H, W, 1] in [0, 1]."""
        low, high = self.ends
        made = low + completed[:, :, 0][where].astype(np.float64) * (high - low)
        values = self.values.copy()
        values[where] = made.round().astype(values.dtype) if values.dtype.kind in "ui" else made.astype(values.dtype)
        return values


Native = Inks | Numbers


def numbers_of(values: np.ndarray, nothing: float | None = None) -> Numbers:
    """A raster; what is no finite number is missing, and what is `nothing`, the value that its file says so of."""
    missing = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    if nothing is not None:
        missing |= values == np.asarray(nothing).astype(values.dtype)
    return Numbers(values, missing)


def _box(where: np.ndarray) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(where.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _profile(content: bytes) -> ImageCms.ImageCmsProfile | None:
    try:
        return ImageCms.ImageCmsProfile(BytesIO(content)) if content else None
    except (OSError, ImageCms.PyCMSError):
        return None


def _converted(image: Image.Image, content: bytes, mode: str) -> Image.Image:
    """From inks to sRGB or back, by the inks' profile where there is one that can be used."""
    inks, screen = _profile(content), ImageCms.createProfile("sRGB")
    if inks is not None:
        source, target = (inks, screen) if mode == "RGB" else (screen, inks)
        try:
            intent, flags = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
            converted = ImageCms.profileToProfile(image, source, target, intent, outputMode=mode, flags=flags)
            if converted is not None:
                return converted
        except ImageCms.PyCMSError:
            pass
    return image.convert(mode)


def ink_image(values: np.ndarray) -> Image.Image:
    """Inks [H, W, 4] as Pillow holds them."""
    return Image.frombytes("CMYK", (values.shape[1], values.shape[0]), np.ascontiguousarray(values).tobytes())
