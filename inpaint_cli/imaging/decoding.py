"""Image files in: any file either becomes upright uint8 pixels or one `InputError` that says why not."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from PIL import ExifTags, Image, ImageFile

from inpaint_cli.errors import InpaintError, InputError, printable
from inpaint_cli.imaging.any_tiff import opened_tiff
from inpaint_cli.imaging.kinds import FORMATS, other_kind, readable_formats
from inpaint_cli.imaging.limits import ALWAYS, PIXELS_A_BYTE
from inpaint_cli.imaging.orientation import upright_image

Mode = Literal["rgb", "gray"]  # what pixels are wanted as

MAX_PIXELS = ALWAYS  # where nothing else is asked for; at up to 16 bytes a pixel while decoding, about 1 GB
SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
SIXTEEN_BITS_IN_32 = ("PNG", "PPM")  # formats whose 16 bits Pillow may hand over as mode I
CONVERTIBLE = ("1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "LA", "La", "PA", "RGBA", "RGBa")
WHITE: dict[str, int | tuple[int, int, int]] = {"L": 255, "RGB": (255, 255, 255)}


def decode(path: str | Path | BinaryIO, mode: Mode = "rgb") -> np.ndarray:
    """The first frame, upright after its EXIF orientation, transparency over white: uint8 [H, W, 3] or [H, W, 1].

    16 bits are scaled to 8. Raises `InputError` naming the file and the reason, whatever the decoder raised.
    """
    return pixels_of(decode_image(path, mode))


def decode_image(path: str | Path | BinaryIO, mode: Mode = "rgb") -> Image.Image:
    """As `decode`, as an image of mode RGB or L: cutting it copies no more than is cut."""
    with opened(path) as image:
        return in_mode(over_white(*colour_and_alpha(image)), mode)


Inspect = Callable[[ImageFile.ImageFile], object]


@contextmanager
def opened(
    path: str | Path | BinaryIO, inspect: Inspect = lambda image: None, most: int | None = None
) -> Iterator[Image.Image]:
    """The decoded first frame, upright; whatever goes wrong here or inside the block becomes `InputError`.

    `inspect` sees the image before it is decoded, with what only the file's header says; most: pixels that are decoded.
    """
    with loaded(path, inspect, most) as image:
        yield upright_image(image)


@contextmanager
def loaded(
    path: str | Path | BinaryIO,
    inspect: Inspect = lambda image: None,
    most: int | None = None,
    page: int = 0,
    elsewhere: Callable[[ImageFile.ImageFile], bool] = lambda image: False,
) -> Iterator[ImageFile.ImageFile]:
    """As `opened`, of the page-th frame and as it is stored, not turned.

    elsewhere: whether the image is not to be decoded here, since another decoder does it.
    """
    name = printable(getattr(path, "name", path) if hasattr(path, "read") else path)
    if not hasattr(path, "read"):
        _refuse_other_than_files(Path(path), name)
    limit = MAX_PIXELS if most is None else most
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with _at_most(limit), _found(path, elsewhere) as image:
                if page:
                    image.seek(page)
                _refuse_too_large(image, limit, path)
                inspect(image)
                if not elsewhere(image):
                    image.load()
                yield image
    except InpaintError as error:
        raise InputError(f"{name}: {error}") from None
    except Exception as error:  # decoders raise nearly every kind: OSError, SyntaxError, struct.error, MemoryError, …
        raise InputError(f"{name}: {_reason(error, path, limit)}") from None


def _found(path: str | Path | BinaryIO, elsewhere: Callable[[ImageFile.ImageFile], bool]) -> ImageFile.ImageFile:
    """The image with its header read; a TIFF that Pillow does not know, too, where another decoder does."""
    try:
        return Image.open(path, formats=readable_formats(path))
    except Image.UnidentifiedImageError:
        tiff = opened_tiff(path) if isinstance(path, str | Path) else None
        if tiff is None or not elsewhere(tiff):
            raise
        return tiff


@contextmanager
def _at_most(limit: int) -> Iterator[None]:
    """Pillow's own limit, which holds for what it decodes on the way, such as a later frame."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, max(limit, MAX_PIXELS)
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def colour_and_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Any mode -> an 8-bit image of mode L or RGB, and its alpha of mode L where the file has transparency."""
    if image.mode in SIXTEEN_BIT or (image.mode == "I" and image.format in SIXTEEN_BITS_IN_32):
        return _eight_bits(image)
    if image.mode not in CONVERTIBLE:
        raise InputError(f"its colour mode {image.mode} has no fixed range; save it with 8 or 16 bits per channel")
    colour_mode = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    if not image.has_transparency_data:
        return _in_mode(image, colour_mode), None
    image = image.convert("RGBA" if colour_mode == "RGB" or image.mode == "1" else "LA")
    return image.convert(colour_mode), image.getchannel("A")


def over_white(colour: Image.Image, alpha: Image.Image | None) -> Image.Image:
    """The image as it looks on white paper."""
    if alpha is None:
        return colour
    paper = Image.new(colour.mode, colour.size, WHITE[colour.mode])
    paper.paste(colour, mask=alpha)
    return paper


def pixels_of(image: Image.Image) -> np.ndarray:
    """uint8 [H, W, C], read-only, of an image of mode L or RGB."""
    pixels = np.asarray(image)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def in_mode(image: Image.Image, mode: Mode) -> Image.Image:
    """An image of mode L or RGB in the one that is wanted."""
    return _in_mode(image, {"rgb": "RGB", "gray": "L"}[mode])


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)  # convert always copies


def _refuse_other_than_files(path: Path, name: str) -> None:
    if path.is_file():
        return
    if path.is_dir():
        raise InputError(f"{name}: is a folder, not an image file")
    if not path.exists():
        raise InputError(f"{name}: no such file")
    raise InputError(f"{name}: is not a regular file")  # a pipe or a device could keep us waiting for ever


def _refuse_too_large(image: Image.Image, limit: int, path: str | Path | BinaryIO) -> None:
    pixels = image.width * image.height
    if pixels > limit:
        raise InputError(f"{image.width}×{image.height} pixels are more than {_more_than(limit)}")
    if pixels > MAX_PIXELS and not hasattr(path, "read") and pixels > PIXELS_A_BYTE * Path(path).stat().st_size:
        raise InputError(f"{image.width}×{image.height} pixels in so few bytes are no photo, and are not decoded")
    if pixels == 0:
        raise InputError("has no pixels")


def _more_than(limit: int) -> str:
    return f"the {limit:,} this program decodes here; --max-megapixels sets another limit for photos"


def _eight_bits(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    # Pillow's own convert("L") clips these modes to white.
    values = np.asarray(image).astype(np.uint32)
    full = 2 ** _stored_bits(image) - 1
    scaled = ((np.minimum(values, full) * 255 + full // 2) // full).astype(np.uint8)
    transparent = image.info.get("transparency")
    alpha = None if transparent is None else Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8))
    return Image.fromarray(scaled), alpha


def _stored_bits(image: Image.Image) -> int:
    """TIFF keeps 12 bits as they are in a 16-bit mode; every other format fills the 16."""
    bits = getattr(image, "tag_v2", {}).get(ExifTags.Base.BitsPerSample, (16,))
    return bits[0] if isinstance(bits, tuple) else bits


def _reason(error: Exception, path: str | Path | BinaryIO, limit: int) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        unread = f"not an image of a kind this program reads ({', '.join(FORMATS)}), or its header is damaged"
        return other_kind(path) or unread
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {_more_than(limit)}"
    if isinstance(error, PermissionError):
        return "may not be read by this user"
    return f"cannot be decoded ({str(error) or type(error).__name__})"
