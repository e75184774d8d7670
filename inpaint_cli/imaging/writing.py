"""Photos out, into every format: known pixels and what describes the photo are kept, and what cannot be is said."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

from inpaint_cli.errors import EnvironmentFault, InputError
from inpaint_cli.files import replacing
from inpaint_cli.imaging.decoding import over_white, printable
from inpaint_cli.imaging.deep import to_eight_bits, write_deep_png
from inpaint_cli.imaging.describing import box_parts, jpeg_parts, lost, png_chunks, too_long
from inpaint_cli.imaging.jpeg_blocks import keep_blocks, turned_tables, turns_whole
from inpaint_cli.imaging.metadata import Metadata, turned_back
from inpaint_cli.imaging.native import Inks, Numbers, ink_image
from inpaint_cli.imaging.orientation import BACK, TURNS, upright
from inpaint_cli.imaging.photos import ANIMATED, JPEG, TIFF, Format, Photo, output_format
from inpaint_cli.imaging.tiff import UNASSOCIATED, Page, kept_compression, write_tiff

UNSPECIFIED = 0  # a TIFF's channel that is neither colour nor transparency

Write = Callable[[Path], None]
Notes = tuple[str, ...]


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
    write, notes = _writer(photo, pixels, form, path, quality, hole)
    _write_whole(path, form, overwrite, write)
    return notes


def write_pages(
    photos: Sequence[Photo],
    completions: Sequence[np.ndarray],
    path: str | Path,
    overwrite: bool = False,
    holes: Sequence[np.ndarray | None] | None = None,
) -> Notes:
    """As `write_photo`, the pages or frames of one file: a TIFF, or an animation as PNG, WebP or AVIF."""
    form, given = output_format(path), holes or [None for _ in photos]
    if form is TIFF:
        made = [tiff_page(*parts) for parts in zip(photos, completions, given, strict=True)]
        pages = [page for page, _ in made]
        _write_whole(path, form, overwrite, lambda temporary: write_tiff(temporary, pages))
        return tuple(dict.fromkeys(note for _, notes in made for note in notes))
    if form.name not in ANIMATED or any(isinstance(photo.native, Numbers) for photo in photos):
        raise InputError(f"{printable(path)}: {form.name} holds one picture; TIFF, PNG and WebP hold several")
    frames = [_image(photo, pixels, form, None) for photo, pixels in zip(photos, completions, strict=True)]
    images = [image for image, _, _ in frames]
    options = {**form.options, **_described(frames[0][1].metadata, form), "save_all": True, "append_images": images[1:]}
    options |= {"duration": [photo.duration for photo in photos], "loop": photos[0].loop}
    _write_whole(path, form, overwrite, lambda temporary: images[0].save(temporary, format=form.name, **options))
    notes = [note for _, _, more in frames for note in more]
    return tuple(dict.fromkeys([*lost(photos[0].metadata, form.name), *notes]))


def _write_whole(path: str | Path, form: Format, overwrite: bool, write: Write) -> None:
    with replacing(Path(path), overwrite) as temporary:
        try:
            write(temporary)
        except OSError as error:
            raise EnvironmentFault(f"{printable(path)}: could not be written ({error})") from None
        except (ValueError, SystemError) as error:  # beyond what the format can hold, such as WebP's 16,383 pixels
            raise InputError(f"{printable(path)}: this photo cannot be kept as {form.name} ({error})") from None


def made_anew(photo: Photo, pixels: np.ndarray, hole: np.ndarray | None = None) -> np.ndarray:
    """bool [H, W]: where a completion is not the photo, or is in the hole of the same colour."""
    different = np.asarray((pixels != photo.pixels).any(axis=2))
    return different if hole is None else different | hole


def _writer(
    photo: Photo, pixels: np.ndarray, form: Format, path: str | Path, quality: int | None, hole: np.ndarray | None
) -> tuple[Write, Notes]:
    """What writes a photo into a format, and what the format cannot keep."""
    if form is TIFF:
        page, notes = tiff_page(photo, pixels, hole)
        return lambda temporary: write_tiff(temporary, [page]), notes
    if isinstance(photo.native, Numbers):
        dtype = photo.native.values.dtype
        raise InputError(f"{printable(path)}: numbers of the type {dtype} are kept in TIFF: name OUT.tif")
    notes = lost(photo.metadata, form.name)
    if photo.further is not None:
        notes += (f"{form.name} has no further channels: {photo.further.shape[2]} of the TIFF left out",)
    if pixels.dtype == np.uint16 and form.deep:
        whole = pixels if photo.alpha is None else np.concatenate([pixels, photo.alpha[:, :, None]], axis=2)
        return lambda temporary: write_deep_png(whole, temporary, photo.metadata), notes
    image, photo, more = _image(photo, pixels, form, hole)
    own = form is JPEG and quality is None and photo.path is not None and photo.format == JPEG.name
    changed = _changed(photo, np.asarray(image)) if own else None
    if changed is not None and photo.path is not None and not turns_whole(photo.path, photo.turned):
        back = BACK.get(photo.turned, photo.turned)
        image, changed = image.transpose(TURNS[back]), upright(changed, back)
        photo = replace(photo, metadata=turned_back(photo.metadata, photo.turned), turned=1)
        more += ("stays turned by its EXIF orientation, as it was, since its sides are no whole blocks",)
    options = {**_encoding_options(photo, image, form, quality), **_described(photo.metadata, form)}
    if form is JPEG:
        more += tuple(f"JPEG cannot hold {part} this long: left out" for part in too_long(photo.metadata))

    def write(temporary: Path) -> None:
        image.save(temporary, format=form.name, **options)
        if changed is not None and photo.path is not None and "qtables" in options:
            keep_blocks(temporary, photo.path, changed, photo.turned)

    return write, notes + more


def tiff_page(photo: Photo, pixels: np.ndarray, hole: np.ndarray | None) -> tuple[Page, Notes]:
    """A photo as a page of a TIFF, with all its channels in its own numbers, and what cannot be kept."""
    notes = lost(photo.metadata, TIFF.name) + kept_compression(photo.metadata)[1]
    layers, extras = [pixels], list[int]()
    if isinstance(photo.native, Inks):
        layers = [photo.native.filled(to_eight_bits(pixels), made_anew(photo, pixels, hole))]
    elif isinstance(photo.native, Numbers):
        layers = [photo.native.filled(pixels, made_anew(photo, pixels, hole))[:, :, None]]
    if photo.alpha is not None:
        layers, extras = [*layers, photo.alpha[:, :, None]], [UNASSOCIATED]
    if photo.further is not None:
        layers, extras = [*layers, photo.further], [*extras, *(UNSPECIFIED,) * photo.further.shape[2]]
    whole = np.concatenate(layers, axis=2) if extras else layers[0]
    return Page(whole, photo.metadata, extras, isinstance(photo.native, Inks)), notes


def _image(photo: Photo, pixels: np.ndarray, form: Format, hole: np.ndarray | None) -> tuple[Image.Image, Photo, Notes]:
    """What Pillow is to write, the photo with what then describes it, and what cannot be kept."""
    if not isinstance(photo.native, Inks):
        image, notes = _eight_bit_image(photo, pixels, form)
        return image, photo, notes
    if form.inks:
        return ink_image(photo.native.filled(to_eight_bits(pixels), made_anew(photo, pixels, hole))), photo, ()
    note = f"CMYK became sRGB {photo.native.described}; TIFF and JPEG keep it"
    profile = photo.metadata.icc_profile and ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = replace(photo, metadata=replace(photo.metadata, icc_profile=profile))
    return _eight_bit_image(photo, pixels, form)[0], photo, (note,)


def _changed(photo: Photo, written: np.ndarray) -> np.ndarray:
    """bool [H, W]: where the colours, or the inks, are not the photo's."""
    before = photo.native.values if isinstance(photo.native, Inks) else to_eight_bits(photo.pixels)
    return np.asarray((written.reshape(before.shape) != before).any(axis=2))


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
