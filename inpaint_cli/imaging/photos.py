"""Photos of `inpaint complete`: read upright, written whole, known pixels and metadata kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageCms, ImageFile, PngImagePlugin

from inpaint_cli.errors import EnvironmentFault, InputError, UsageError
from inpaint_cli.files import replacing
from inpaint_cli.imaging.decoding import SIXTEEN_BITS_IN_32, colour_and_alpha, loaded, over_white, pixels_of, printable
from inpaint_cli.imaging.deep import (
    Channels,
    has_sixteen_bits,
    is_deep,
    is_raster,
    read_deep,
    read_raster,
    to_eight_bits,
    write_deep_png,
)
from inpaint_cli.imaging.jpeg_blocks import keep_blocks, turned_tables
from inpaint_cli.imaging.kinds import INSTALL_HEIF, has_heif, raw_photo
from inpaint_cli.imaging.metadata import (
    Metadata,
    box_parts,
    colour_chunks,
    jpeg_encoding,
    jpeg_parts,
    lost,
    note_of_more,
    png_chunks,
    read_metadata,
    too_long,
)
from inpaint_cli.imaging.native import Inks, Native, Numbers, ink_image, numbers_of
from inpaint_cli.imaging.orientation import orientation_of, upright, upright_image
from inpaint_cli.imaging.tiff import UNASSOCIATED, kept_compression, write_tiff

UNSPECIFIED = 0  # a TIFF's channel that is neither colour nor transparency
NOTHING = 42113  # GDAL's tag for the number that stands for nothing


class Format(NamedTuple):
    """How one kind of file is written."""

    name: str  # as Pillow calls it
    alpha: bool
    options: Mapping[str, Any] = {}
    has_quality: bool = False
    deep: bool = False  # holds 16 bits per channel
    inks: bool = False  # holds CMYK


JPEG = Format("JPEG", alpha=False, options={"quality": 95}, has_quality=True, inks=True)
TIFF = Format("TIFF", alpha=True, deep=True, inks=True)
HEIF = Format("HEIF", True, {"quality": -1, "chroma": 444, "matrix_coefficients": 0}, has_quality=True)
FORMATS = {
    ".png": Format("PNG", alpha=True, deep=True),
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".webp": Format("WEBP", True, {"lossless": True, "exact": True}, has_quality=True),
    ".tif": TIFF,
    ".tiff": TIFF,
    ".bmp": Format("BMP", alpha=False),
    ".avif": Format("AVIF", True, {"quality": 95, "subsampling": "4:4:4"}, has_quality=True),
    ".heic": HEIF,
    ".heif": HEIF,
}
SAME_FORMAT = {"MPO": "JPEG", "DIB": "BMP"}  # kinds of one format: a camera's JPEG with a preview, a BMP without header


@dataclass(frozen=True)
class Photo:
    """A photo as it looks upright."""

    pixels: np.ndarray  # uint8 or uint16 [H, W, C], C = 1 or 3; of a raster float32 in [0, 1]
    alpha: np.ndarray | None = None  # of the same type, [H, W]
    format: str = ""  # as Pillow calls it
    metadata: Metadata = field(default_factory=Metadata)
    encoding: Mapping[str, Any] = field(default_factory=dict)  # how its JPEG was compressed
    notes: tuple[str, ...] = ()  # what the user should know about reading it
    turned: int = 1  # the EXIF orientation that was applied
    further: np.ndarray | None = None  # channels that are neither colour nor alpha, [H, W, E], such as infrared
    native: Native | None = None  # the numbers that are written in the place of `pixels`
    path: Path | None = None  # its file, whose JPEG blocks are kept

    @property
    def size(self) -> tuple[int, int]:
        """Width, height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def invisible(self) -> np.ndarray | None:
        """bool [H, W]: what is known but has no colour, since it is wholly transparent; None where nothing is."""
        if isinstance(self.native, Numbers):
            return self.native.missing if self.native.missing.any() else None
        return None if self.alpha is None or self.alpha.all() else self.alpha == 0


def read_photo(path: str | Path, most: int | None = None, page: int = 0) -> Photo:
    """Decode a photo with its alpha and metadata; `InputError` names the file and the reason.

    PNG and TIFF of 16 bits per channel come as uint16, everything else as uint8. most: pixels that are decoded; page:
    which of several pictures.
    """
    headers: list[_Header] = []
    inspect = lambda image: headers.append(_before_decoding(image, Path(path), page))  # noqa: E731 - one line of many
    with loaded(path, inspect, most, page, _decoded_elsewhere) as image:
        (header,) = headers
        turned = header.turned or orientation_of(image)
        raster = read_raster(Path(path), image, turned, page) if header.raster else None
        deep = read_deep(Path(path), image, turned, page) if header.deep else None
        if header.deep and deep is None and image.format == "TIFF":
            image.load()  # an arrangement that only Pillow reads
        native = _native(image, raster)
        channels = deep or _channels(image, native)
        height, width = channels.colour.shape[:2]
        metadata = read_metadata(image, turned, (width, height), header.chunks)
        notes = [*header.notes, *note_of_more(image)]
        if header.sixteen and deep is None and not header.raster:
            notes.append("16 bits per channel: completed and written with 8")
        return Photo(
            pixels=channels.colour,
            alpha=channels.alpha,
            format=_format_of(image),
            metadata=metadata,
            encoding=header.encoding,
            notes=tuple(notes),
            turned=turned,
            further=channels.further,
            native=native,
            path=Path(path),
        )


def _decoded_elsewhere(image: ImageFile.ImageFile) -> bool:
    """Whether imagecodecs alone decodes a file: a TIFF of what Pillow does not hold."""
    return image.format == "TIFF" and (is_deep(image) or is_raster(image))


class _Header(NamedTuple):
    """What only the undecoded file says."""

    deep: bool
    raster: bool
    sixteen: bool
    turned: int | None  # of a TIFF, which Pillow turns while it decodes
    chunks: tuple[tuple[bytes, bytes], ...]
    encoding: Mapping[str, Any]
    notes: list[str]


def _before_decoding(image: ImageFile.ImageFile, path: Path, page: int) -> _Header:
    if raw_photo(image):
        raise InputError(
            "is a camera's raw file, of which this program would read a small preview alone: develop it first into a "
            "16-bit TIFF: darktable-cli IN OUT.tif, RawTherapee, `dcraw -T -6 IN` or Lightroom"
        )
    return _Header(
        deep=is_deep(image),
        raster=is_raster(image),
        sixteen=has_sixteen_bits(image) and (image.mode != "I" or image.format in SIXTEEN_BITS_IN_32),
        turned=orientation_of(image) if image.format == "TIFF" else None,
        chunks=colour_chunks(image),
        encoding=jpeg_encoding(image),
        notes=[*_note_of_format(image, path), *_note_of_frames(image, page)],
    )


def _native(image: Image.Image, raster: np.ndarray | None) -> Native | None:
    if raster is not None:
        nothing = getattr(image, "tag_v2", {}).get(NOTHING)
        return numbers_of(raster, _number(nothing))
    if image.mode == "CMYK":
        profile = image.info.get("icc_profile") or b""
        return Inks(upright(np.asarray(image), orientation_of(image)), profile)
    return None


def _number(text: object) -> float | None:
    try:
        return float(str(text).strip("\0 "))
    except ValueError:
        return None


def _channels(image: Image.Image, native: Native | None) -> Channels:
    if native is not None:
        return Channels(native.shown(), None, None)
    colour, alpha = colour_and_alpha(upright_image(image))
    return Channels(pixels_of(colour).copy(), None if alpha is None else np.array(alpha), None)


def _format_of(image: Image.Image) -> str:
    name = image.format or ""
    return SAME_FORMAT.get(name, name)


def _note_of_format(image: Image.Image, path: Path) -> list[str]:
    named = FORMATS.get(path.suffix.lower())
    content = _format_of(image)
    if named is None or named.name == content:
        return []
    return [f"{printable(path.name)} is a {content} file inside, and was read as one"]


def _note_of_frames(image: Image.Image, page: int) -> list[str]:
    frames = "pages" if image.format == "TIFF" else "pictures"
    return [f"the file holds several {frames}: the first was completed"] if not page and frames_of(image) > 1 else []


def frames_of(image: Image.Image) -> int:
    """How many pages or frames a file holds; a camera's JPEG with a preview holds one photo."""
    try:
        return (
            1
            if image.format == "MPO" or not getattr(image, "is_animated", False)
            else int(getattr(image, "n_frames", 1))
        )
    except Exception:  # a damaged second frame does not harm the first
        return 1


def output_format(path: str | Path) -> Format:
    """The format that the extension names; `UsageError` lists the choices."""
    extension = Path(path).suffix.lower()
    if extension not in FORMATS:
        raise UsageError(f"{printable(path)}: cannot write '{extension}' files. Choices: {', '.join(FORMATS)}")
    if FORMATS[extension].name == "HEIF" and not has_heif():
        raise EnvironmentFault(f"{printable(path)}: {INSTALL_HEIF} lets this program write HEIC files")
    return FORMATS[extension]


def write_photo(
    photo: Photo,
    pixels: np.ndarray,
    path: str | Path,
    overwrite: bool = False,
    quality: int | None = None,
    hole: np.ndarray | None = None,
) -> tuple[str, ...]:
    """Write `pixels` (uint8 or uint16 [H, W, C]) in the place of `photo`'s; returns what the format could not keep.

    Every format but JPEG and AVIF keeps the pixels byte for byte, unless a `quality` (1 to 100) is asked for. Of a JPEG
    the blocks that changed are compressed anew by its own tables, and all others stay.
    hole: bool [H, W], where a raster's numbers are made of the pixels even if they are the same.
    """
    form = output_format(path)
    write, notes = _writer(photo, pixels, form, path, quality, made_anew(photo, pixels, hole) if photo.native else None)
    with replacing(Path(path), overwrite) as temporary:
        try:
            write(temporary)
        except OSError as error:
            raise EnvironmentFault(f"{printable(path)}: could not be written ({error})") from None
        except (ValueError, SystemError) as error:  # beyond what the format can hold, such as WebP's 16,383 pixels
            raise InputError(f"{printable(path)}: this photo cannot be kept as {form.name} ({error})") from None
    return notes


Write = Callable[[Path], None]
Notes = tuple[str, ...]


def made_anew(photo: Photo, pixels: np.ndarray, hole: np.ndarray | None = None) -> np.ndarray:
    """bool [H, W]: where a completion is not the photo, or is in the hole of the same colour."""
    different = np.asarray((pixels != photo.pixels).any(axis=2))
    return different if hole is None else different | hole


def _writer(
    photo: Photo, pixels: np.ndarray, form: Format, path: str | Path, quality: int | None, made: np.ndarray | None
) -> tuple[Write, Notes]:
    """What writes a photo into a format, and what the format cannot keep."""
    metadata, notes = photo.metadata, lost(photo.metadata, form.name)
    if photo.further is not None and form is not TIFF:
        notes += (f"{form.name} has no further channels: {photo.further.shape[2]} of the TIFF left out",)
    if isinstance(photo.native, Numbers):
        return _of_numbers(photo, photo.native, pixels, form, path, made), notes
    if isinstance(photo.native, Inks) and made is not None and form.inks:
        values = photo.native.filled(to_eight_bits(pixels), made)
        write, more = _of_layers(photo, values, form, quality, inks=True)
        return write, notes + more
    if isinstance(photo.native, Inks):
        notes += (f"CMYK became sRGB {photo.native.described}; TIFF and JPEG keep it",)
        screen = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() if metadata.icc_profile else b""
        photo = replace(photo, metadata=replace(metadata, icc_profile=screen))
    write, more = _of_layers(photo, pixels, form, quality)
    return write, notes + more


def _of_numbers(
    photo: Photo, native: Numbers, pixels: np.ndarray, form: Format, path: str | Path, made: np.ndarray | None
) -> Write:
    if form is not TIFF or made is None:
        raise InputError(f"{printable(path)}: numbers of the type {native.values.dtype} are kept in TIFF: name OUT.tif")
    values = native.filled(pixels, made)[:, :, None]
    return lambda temporary: write_tiff(values, temporary, photo.metadata)


def _of_layers(
    photo: Photo, pixels: np.ndarray, form: Format, quality: int | None, inks: bool = False
) -> tuple[Write, Notes]:
    metadata = photo.metadata
    if form is TIFF:
        layers, extras = [pixels], []
        if photo.alpha is not None:
            layers, extras = [*layers, photo.alpha[:, :, None]], [UNASSOCIATED]
        if photo.further is not None:
            layers, extras = [*layers, photo.further], [*extras, *(UNSPECIFIED,) * photo.further.shape[2]]
        whole = np.concatenate(layers, axis=2) if extras else pixels
        return lambda temporary: write_tiff(whole, temporary, metadata, extras, inks), kept_compression(metadata)[1]
    if pixels.dtype == np.uint16 and form.deep:
        whole = pixels if photo.alpha is None else np.concatenate([pixels, photo.alpha[:, :, None]], axis=2)
        return lambda temporary: write_deep_png(whole, temporary, metadata), ()
    image, notes = (ink_image(pixels), ()) if inks else _eight_bit_image(photo, pixels, form)
    options = {**_encoding_options(photo, image, form, quality), **_described(metadata, form)}
    if form is JPEG:
        notes += tuple(f"JPEG cannot hold {part} this long: left out" for part in too_long(metadata))
    own = form is JPEG and "qtables" in options
    changed = _changed(photo, pixels) if own and photo.path is not None else None

    def write(temporary: Path) -> None:
        image.save(temporary, format=form.name, **options)
        if changed is not None and photo.path is not None:
            keep_blocks(temporary, photo.path, changed, photo.turned)

    return write, notes


def _changed(photo: Photo, pixels: np.ndarray) -> np.ndarray:
    """bool [H, W]: where the pixels, or the inks, are not the photo's."""
    before = photo.native.values if isinstance(photo.native, Inks) else photo.pixels
    return np.asarray((pixels != before).any(axis=2))


def _described(metadata: Metadata, form: Format) -> dict[str, Any]:
    """What Pillow's writer of a format takes to say what describes the photo."""
    if form is JPEG:
        return jpeg_parts(metadata)
    if form.name == "BMP":
        return {"dpi": metadata.dpi} if metadata.dpi else {}
    if form.name != "PNG":
        return box_parts(metadata)
    info = PngImagePlugin.PngInfo()
    for kind, content in png_chunks(metadata):
        info.add(kind, content)
    parts: dict[str, Any] = {"pnginfo": info, "exif": metadata.exif, "icc_profile": metadata.icc_profile}
    if metadata.dpi:
        parts["dpi"] = metadata.dpi
    return {name: value for name, value in parts.items() if value}


def _eight_bit_image(photo: Photo, pixels: np.ndarray, form: Format) -> tuple[Image.Image, Notes]:
    notes = (f"{form.name} was written with 8 bits per channel of 16",) if pixels.dtype == np.uint16 else ()
    pixels = to_eight_bits(pixels)
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    if photo.alpha is None:
        return image, notes
    alpha = Image.fromarray(to_eight_bits(photo.alpha))
    if form.alpha:
        image.putalpha(alpha)
        return image, notes
    return over_white(image, alpha), (*notes, f"{form.name} has no transparency: laid over white")


def _encoding_options(photo: Photo, image: Image.Image, form: Format, quality: int | None) -> Mapping[str, Any]:
    if quality is not None and form.has_quality:
        return {"quality": quality}
    tables = photo.encoding.get("qtables", ())
    if form is JPEG and tables and image.mode == photo.encoding.get("mode"):
        kept = {name: value for name, value in photo.encoding.items() if name != "mode"}
        return {**kept, "qtables": turned_tables(tables, photo.turned)}
    return form.options
