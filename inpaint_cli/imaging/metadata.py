"""What a photo's file says besides its pixels: the EXIF and the colour profile that a completed photo keeps."""

from collections.abc import Mapping
from typing import Any

from PIL import ExifTags, Image, JpegImagePlugin

# What describes the photo. Sizes and offsets belong to the old file, and its thumbnail shows what was taken out.
KEPT_TAGS = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)
KEPT_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
JPEG_MODES = ("L", "RGB")  # whose tables fit the pixels as they are written; CMYK leaves its colour space


def kept_metadata(image: Image.Image) -> dict[str, bytes]:
    """`exif` (orientation reset) and `icc_profile`, where the image has them."""
    kept = {}
    exif = _descriptive_exif(image)
    if exif:
        kept["exif"] = exif
    profile = image.info.get("icc_profile")
    if profile and image.mode not in ("CMYK", "YCbCr"):  # those pixels have left their profile's colour space
        kept["icc_profile"] = profile
    return kept


def _descriptive_exif(image: Image.Image) -> bytes:
    kept = Image.Exif()
    try:
        original = image.getexif()
        kept.update({tag: original[tag] for tag in KEPT_TAGS if tag in original})
        kept.update({tag: values for tag in KEPT_DIRECTORIES if (values := original.get_ifd(tag))})
        return kept.tobytes() if len(kept) else b""
    except Exception:  # damaged metadata must not cost the photo
        return b""


def jpeg_encoding(image: Image.Image) -> Mapping[str, Any]:
    """What encodes a JPEG as this one was: its quantisation tables, subsampling and scan order; empty for others.

    With the same tables the blocks that did not change come out as they went in.
    """
    tables = getattr(image, "quantization", None)
    if not tables or image.mode not in JPEG_MODES:
        return {}
    encoding = {"qtables": [tables[key] for key in sorted(tables)], "progressive": bool(image.info.get("progressive"))}
    if image.mode == "RGB" and (sampling := JpegImagePlugin.get_sampling(image)) >= 0:
        encoding["subsampling"] = sampling
    return encoding
