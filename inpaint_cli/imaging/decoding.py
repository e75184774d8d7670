"""Image files in: any file either becomes upright uint8 pixels or one `InputError` that says why not."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from PIL import ExifTags, Image, ImageFile

from inpaint_cli.errors import InpaintError, InputError, printable

Mode = Literal["rgb", "gray"]  # what pixels are wanted as

# Decoders outside this list (video frames, game textures, fonts, documents) are never given a byte.
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "PPM", "AVIF", "JPEG2000", "QOI")
MAX_PIXELS = 64_000_000  # at up to 16 bytes a pixel while decoding, about 1 GB
SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
SIXTEEN_BITS_IN_32 = ("PNG", "PPM")  # formats whose 16 bits Pillow may hand over as mode I
CONVERTIBLE = ("1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "LA", "La", "PA", "RGBA", "RGBa")
WHITE: dict[str, int | tuple[int, int, int]] = {"L": 255, "RGB": (255, 255, 255)}
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(path: str | Path | BinaryIO, mode: Mode = "rgb") -> np.ndarray:
    """The first frame, upright after its EXIF orientation, transparency over white: uint8 [H, W, 3] or [H, W, 1].

    16 bits are scaled to 8. Raises `InputError` naming the file and the reason, whatever the decoder raised.
    """
    return pixels_of(decode_image(path, mode))


def decode_image(path: str | Path | BinaryIO, mode: Mode = "rgb") -> Image.Image:
    """As `decode`, as an image of mode RGB or L: cutting it copies no more than is cut."""
    with opened(path) as image:
        return in_mode(over_white(*colour_and_alpha(image)), mode)


@contextmanager
def opened(
    path: str | Path | BinaryIO, inspect: Callable[[ImageFile.ImageFile], None] = lambda image: None
) -> Iterator[Image.Image]:
    """The decoded first frame, upright; whatever goes wrong here or inside the block becomes `InputError`.

    `inspect` sees the image before it is decoded, with what only the file's header says.
    """
    name = printable(getattr(path, "name", path) if hasattr(path, "read") else path)
    if not hasattr(path, "read"):
        _refuse_other_than_files(Path(path), name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as image:
                _refuse_too_large(image)
                inspect(image)
                image.load()
                yield _upright(image)
    except InpaintError as error:
        raise InputError(f"{name}: {error}") from None
    except Exception as error:  # decoders raise nearly every kind: OSError, SyntaxError, struct.error, MemoryError, …
        raise InputError(f"{name}: {_reason(error)}") from None


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


def has_sixteen_bits(image: ImageFile.ImageFile) -> bool:
    """Whether the file holds more than 8 bits per channel (asked before `load`, which forgets)."""
    arguments = [part for tile in image.tile for part in (tile[3] if isinstance(tile[3], tuple) else (tile[3],))]
    return image.mode.startswith("I") or any(isinstance(part, str) and ";16" in part for part in arguments)


def _refuse_other_than_files(path: Path, name: str) -> None:
    if path.is_file():
        return
    if path.is_dir():
        raise InputError(f"{name}: is a folder, not an image file")
    if not path.exists():
        raise InputError(f"{name}: no such file")
    raise InputError(f"{name}: is not a regular file")  # a pipe or a device could keep us waiting for ever


def _refuse_too_large(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise InputError(f"{image.width}×{image.height} pixels are more than the {MAX_PIXELS:,} this program decodes")
    if image.width * image.height == 0:
        raise InputError("has no pixels")


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) to 8; 1 where the file has none or a damaged one."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged metadata says nothing about the pixels
        return 1


def _upright(image: Image.Image) -> Image.Image:
    turn = UPRIGHT.get(orientation_of(image))
    if turn is None:
        return image
    turned = image.transpose(turn)
    turned.format = image.format
    return turned


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


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return f"not an image of a kind this program reads ({', '.join(FORMATS)}), or its header is damaged"
    if isinstance(error, Image.DecompressionBombError):
        return f"more than the {MAX_PIXELS:,} pixels this program decodes"
    if isinstance(error, PermissionError):
        return "may not be read by this user"
    return f"cannot be decoded ({str(error) or type(error).__name__})"
