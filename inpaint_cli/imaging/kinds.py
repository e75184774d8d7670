"""Kinds of image files: which are read, which need another package, and how those that are not are turned into one."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from PIL import ImageFile

# Decoders outside this list (video frames, game textures, fonts, documents) are never given a byte.
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "PPM", "AVIF", "JPEG2000", "QOI")
READABLE = (
    ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".ppm", ".pgm", ".pbm", ".avif", ".jp2",
    ".j2k", ".qoi", ".heic", ".heif",
)  # fmt: skip
RAW = (
    ".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".raf", ".rw2", ".orf", ".pef", ".srw",
    ".raw", ".3fr", ".fff", ".iiq", ".x3f", ".rwl",
)  # fmt: skip
JPEG_XL, PHOTOSHOP = (".jxl",), (".psd", ".psb", ".xcf", ".kra")
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
HEAD = 16  # bytes that tell a kind
INSTALL_HEIF = "pip install 'inpaint-cli[heif]'"


class Other(NamedTuple):
    """A kind that is not read, how its files begin or are called, and what to do with them."""

    name: str
    begins: Callable[[bytes], bool]
    extensions: tuple[str, ...]
    instead: str


OTHERS = (
    Other(
        "a HEIC photo",
        lambda head: head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS,
        (".heic", ".heif"),
        f"{INSTALL_HEIF} lets this program read it",
    ),
    Other(
        "a JPEG XL file",
        lambda head: head.startswith(b"\xff\x0a") or head[4:8] == b"JXL ",
        JPEG_XL,
        "`djxl IN.jxl OUT.png` makes a PNG of it, or a JPEG where it was one",
    ),
    Other(
        "a camera's raw file",
        lambda head: head[:4] in (b"IIRS", b"IIRO", b"IIU\0", b"FOVb", b"FUJI") or head[8:10] == b"CR"
        or head[4:11] == b"ftypcrx",
        RAW,
        "develop it first into a 16-bit TIFF: darktable-cli IN OUT.tif, RawTherapee, `dcraw -T -6 IN` or Lightroom",
    ),
    Other(
        "a painting program's document",
        lambda head: head.startswith((b"8BPS", b"gimp xcf")),
        PHOTOSHOP,
        "export it as PNG or TIFF",
    ),
)  # fmt: skip


def readable_formats(path: str | Path | BinaryIO) -> tuple[str, ...]:
    """The decoders that may look at a file: HEIF's only at one that begins like it, where it is installed."""
    if OTHERS[0].begins(_head(path)) and has_heif():
        return (*FORMATS, "HEIF")
    return FORMATS


def has_heif() -> bool:
    """Whether HEIC files can be read and written; makes Pillow know how."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def other_kind(path: str | Path | BinaryIO) -> str:
    """What a file is that is none of the kinds that are read, and what to do with it; empty for any other."""
    head, extension = _head(path), "" if hasattr(path, "read") else Path(path).suffix.lower()
    for kind in OTHERS:
        if kind.begins(head) or (extension in kind.extensions and extension not in READABLE):
            return f"is {kind.name}, which this program does not read: {kind.instead}"
    return ""


def raw_photo(image: ImageFile.ImageFile) -> bool:
    """Whether a TIFF is a camera's raw file, whose first picture is a small preview: DNG, NEF, CR2, ARW and others."""
    tags = getattr(image, "tag_v2", {})
    return 50706 in tags or tags.get(262) in (32803, 34892)  # the DNG's version; a sensor's or linear pixels


def _head(path: str | Path | BinaryIO) -> bytes:
    try:
        if isinstance(path, str | Path):
            with Path(path).open("rb") as file:
                return file.read(HEAD)
        place = path.tell()
        head = path.read(HEAD)
        path.seek(place)
        return head
    except OSError:
        return b""
