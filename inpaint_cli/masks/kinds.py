"""The grammar of mask specifications, as data: one row per kind. `drawing.py` draws them.

Nothing here imports torch, so that a specification is read, and refused, at once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.masks.arguments import (
    ANY,
    Argument,
    MaskFile,
    Number,
    choice,
    count_of,
    exactly,
    fraction,
    largest,
    ranged,
)
from inpaint_cli.masks.folders import folder_of, masks_in, parse_folder
from inpaint_cli.masks.regions import REGIONS
from inpaint_cli.masks.stored import Images, stored_fits, stored_of

BORDER = 4  # pixels that `patches` leaves out, "to keep the background consistent" (Pajot et al., section 5)


class Shape(NamedTuple):
    """Of the images that masks are for."""

    channels: int
    height: int
    width: int


def square_fits(shape: Shape, size: Number) -> None:
    """The square, also the largest of a range, is smaller than the image."""
    side = largest(size)
    if side >= min(shape.height, shape.width):
        raise UsageError(f"a square of {side}×{side} pixels leaves nothing known of {_size(shape)} images")


def patches_fit(shape: Shape, number: int, size: int, border: int) -> None:
    """A patch fits inside the border."""
    room = min(shape.height, shape.width) - 2 * border
    if size > room:
        raise UsageError(
            f"patches of {size}×{size} pixels do not fit into {_size(shape)} images without their border "
            f"of {border} pixels: K is at most {max(room, 0)}"
        )


def channels_remain(shape: Shape, missing: int) -> None:
    """At least one channel stays known."""
    if missing >= shape.channels:
        raise UsageError(
            f"colorize:{missing} needs images of {missing + 1} channels or more; these have {shape.channels}"
        )


def file_fits(shape: Shape, mask_file: MaskFile) -> None:
    """The mask image has the images' size."""
    height, width = mask_file.known.shape
    if (height, width) != (shape.height, shape.width):
        raise InputError(
            f"the mask file {mask_file} is {width}×{height} pixels, the images are {_size(shape)}; "
            f"folder:{mask_file} fits it to them"
        )


def always_fits(shape: Shape, *arguments: Any) -> None:
    """Nothing to refuse."""


def as_they_are(images: Images, count: int | None, *arguments: Any) -> tuple[Any, ...]:
    """The arguments for the images of a split: masks that belong to no image are the same for all."""
    return arguments


def _size(shape: Shape) -> str:
    return f"{shape.width}×{shape.height}"


@dataclass(frozen=True)
class Kind:
    """One row of the grammar: what is written, what it means, where it comes from and what it fits."""

    name: str
    arguments: tuple[Argument, ...]
    meaning: str
    paper: str
    varies: bool = True
    check: Callable[..., None] = field(default=always_fits, repr=False)
    per_channel: bool = False
    of: Callable[..., tuple[Any, ...]] = field(default=as_they_are, repr=False)  # (images, count, *arguments)
    from_files: bool = False  # what is drawn may be out of reach one day

    @property
    def signature(self) -> str:
        """`patches:N,K`, or the name alone"""
        return self.written([argument.name for argument in self.arguments])

    def written(self, arguments: Iterable[Any]) -> str:
        """The specification with these arguments; the last of them are left out where they are as usual."""
        arguments = list(arguments)
        while arguments and arguments[-1] == self.arguments[len(arguments) - 1].default:
            del arguments[-1]
        return ":".join([self.name, *filter(None, [",".join(map(str, arguments))])])


SIZE, AREA, PROBABILITY = ranged(count_of("SIZE")), ranged(fraction("S")), ranged(fraction("P"))
NUMBER, SIDE = count_of("N"), count_of("K")
REGION, PATH = choice("REGION", [*REGIONS, ANY]), Argument("PATH", MaskFile)
FOLDER = Argument("PATH", parse_folder)

ROWS = (
    Kind("center", (SIZE,), "one centred square is missing", "deep, semantic", False, square_fits),
    Kind("inpaint", (AREA,), "a centred rectangle of area S is missing", "mde", False),
    Kind("reverse", (AREA,), "a centred rectangle of area S is known", "mde", False),
    Kind("extrapolate", (AREA,), "a random rectangle of area S is known", "mde"),
    Kind("rec", (AREA,), "a random rectangle of area S is known in each channel", "mde", per_channel=True),
    Kind(
        "colorize",
        (count_of("K"),),
        "K random channels are missing",
        "mde",
        True,
        channels_remain,
        True,
    ),
    Kind("block", (SIZE,), "one random square is missing", "collagan", True, square_fits),
    Kind("pattern", (PROBABILITY,), "irregular blobs are missing, a part P in all", "collagan"),
    Kind("strokes", (PROBABILITY,), "free-form brush strokes are missing, a part P in all", ""),
    Kind("noise", (PROBABILITY,), "each pixel is missing with probability P", "collagan, unsupervised"),
    Kind(
        "patches",
        (NUMBER, SIDE, count_of("BORDER", least=0, default=BORDER)),
        f"N random K×K squares are known, none in a border (of {BORDER} pixels if left out)",
        "unsupervised",
        True,
        patches_fit,
    ),
    Kind("squares", (exactly(3),), "three squares are missing", "semantic", False),
    Kind("face", (REGION,), "a part of the face is missing", "mde, collagan", False),
    Kind("none", (), "nothing is missing: for methods that label images", "collagan", False),
    Kind(
        "file",
        (PATH,),
        "what is white in an image is missing",
        "",
        False,
        file_fits,
        from_files=True,
    ),
    Kind(
        "folder",
        (FOLDER,),
        "one of a folder's (or an archive's) mask images, of any size",
        "",
        check=masks_in,
        of=folder_of,
        from_files=True,
    ),
    Kind(
        "stored",
        (),
        "the mask that the prepared file holds of each image",
        "",
        check=stored_fits,
        of=stored_of,
        from_files=True,
    ),
)
KINDS = {kind.name: kind for kind in ROWS}


def grammar() -> str:
    """The table of kinds as text, one line each, and how they combine, for help pages and errors."""
    width = max(len(kind.signature) for kind in KINDS.values())
    lines = [f"  {kind.signature:<{width}}  {kind.meaning}" for kind in KINDS.values()]
    return "\n".join(["Masks are written", *lines, *COMBINING])


COMBINING = (
    f"SIZE, N, K: whole numbers; S, P: fractions; REGION: {', '.join(REGIONS)}, or any, drawn for each image.",
    "A SIZE, S or P may be a range LOW-HIGH, drawn for each image, such as block:16-64.",
    "After a folder's PATH: ,invert (black is the hole), ,fit=crop (a window is cut out, nothing is resized), ,paired",
    "(each image has the mask of its name). In training these masks are turned over and shifted.",
    "Each image takes one part of a mixture, as often as its weight says: '3*block:48|strokes:0.1-0.4|face:any'.",
)
