"""What a trained method says about photos: label maps, landmarks and maps, in files beside the completions."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from inpaint_cli.data.schema import LANDMARKS
from inpaint_cli.engine.annotating import Annotation, annotate_photo
from inpaint_cli.engine.devices import Hardware
from inpaint_cli.errors import UsageError
from inpaint_cli.files import replacing
from inpaint_cli.imaging.decoding import printable
from inpaint_cli.imaging.deep import to_eight_bits
from inpaint_cli.imaging.photos import Photo
from inpaint_cli.jobs.loading import Loaded
from inpaint_cli.jobs.photos.finding import Found
from inpaint_cli.jobs.photos.holes import Hole
from inpaint_cli.jobs.photos.options import ENDINGS, UNCERTAINTY, Asked, PhotoOptions
from inpaint_cli.jobs.photos.pairing import PhotoJob, folder_of, plan_jobs
from inpaint_cli.method import Method
from inpaint_cli.reports.annotations import landmarks_drawn, maps_drawn
from inpaint_cli.reports.palette import palette_image

NOTHING = "none"  # the mask that hides nothing

# ---- what goes together ----------------------------------------------------------------------------------------------


def labels_alone(method: Method, mask: str | None) -> bool:
    """Whether nothing is completed: by a method that only annotates, or since nothing is missing."""
    return not method.completes or mask == NOTHING


def refuse_unread(loaded: Loaded, options: PhotoOptions, mask: str | None) -> None:
    """`UsageError` for options that nothing reads where nothing is completed."""
    if not labels_alone(loaded.method, mask):
        return
    masks, framing = options.masks, options.framing
    of_completions: dict[str, object] = {
        "--samples": options.samples > 1, "--feather": masks.feather, "--quality": options.quality,
        "--page": options.page, "--source-mask": options.source_mask, "--uncertainty": options.asked.uncertainty,
        "--blend": framing is not None and framing.blend != type(framing)().blend,
    }  # fmt: skip
    of_masks: dict[str, object] = {"--invert-mask": masks.invert, "--dilate": masks.dilate, "--context": framing}
    for option, value in of_completions.items():
        if value:
            raise UsageError(f"{option} concerns completions, and {_why_none(loaded)}")
    for option, value in of_masks.items() if mask in (None, NOTHING) else ():
        if value:
            raise UsageError(f"{option} concerns a hole, and there is none: name one with --mask")


def refuse_without_completion(loaded: Loaded, where: str, instead: str) -> None:
    """`UsageError` for a method that only annotates, where completions are needed."""
    if not loaded.method.completes:
        raise UsageError(f"{where}: {_why_none(loaded)}; {instead}")


def _why_none(loaded: Loaded) -> str:
    labelling = f"{loaded.name} with these settings labels images and completes none"
    return "with --mask none nothing is missing" if loaded.method.completes else labelling


def refuse_unsaid(loaded: Loaded, asked: Asked, mask: str | None) -> None:
    """`UsageError` for what the method does not say of a photo, and where nothing at all is asked of it."""
    can = said_by(loaded.method)
    for kind in asked.targets:
        if kind not in (*can, UNCERTAINTY):
            raise UsageError(f"--{kind}: {loaded.name} gives {' and '.join(can) or 'completed images alone'}")
    if loaded.method.completes and mask == NOTHING and not asked.targets:
        ways = ", ".join(f"--{kind} FILE" for kind in can)
        raise UsageError(
            "--mask none: nothing is missing, so that nothing is completed"
            + (f"; {ways} writes what {loaded.name} says of the photo" if can else "")
        )


def said_by(method: Method) -> tuple[str, ...]:
    """What can be asked of a method."""
    has_maps = type(method).maps is not Method.maps
    return (*(kind for kind in ENDINGS if kind in method.annotates), *(("maps",) if has_maps else ()))


# ---- files -----------------------------------------------------------------------------------------------------------


def plan_annotations(
    found: Found, mask: str | None, output: str | None, asked: Asked, loaded: Loaded, samples: int
) -> list[PhotoJob]:
    """Every photo with the files that are to hold its completion and what was asked for about it.

    What a method says that only annotates is its result: all of it where nothing was named. It needs no mask.
    """
    several, targets = found.several, dict[str, str | None](asked.targets)
    if labels_alone(loaded.method, mask):
        targets |= _results(loaded.method, asked, output, several)
        jobs = [replace(job, outputs=()) for job in plan_jobs(found, mask or NOTHING, None, 1)]
    else:
        jobs = plan_jobs(found, mask, output, samples)
    return [
        replace(job, annotations={kind: _files(job.photo, kind, target, found) for kind, target in targets.items()})
        for job in jobs
    ]


def _results(method: Method, asked: Asked, output: str | None, several: bool) -> dict[str, str | None]:
    """What is written without being named, by kind, and where: -o is its folder, or the file of the one kind."""
    named = method.completes or asked.targets.keys() & {*method.annotates}
    kinds = () if named else [kind for kind in said_by(method) if kind in method.annotates]
    if output is not None and not kinds:
        raise UsageError(f"-o {output}: {' and '.join(f'--{kind}' for kind in asked.targets)} say where to write")
    if output is not None and len(kinds) > 1 and folder_of(output, several) is None:
        raise UsageError(f"-o {output}: {' and '.join(kinds)} are several files; name a folder: -o {output}/")
    return dict.fromkeys(kinds, output)


def _files(photo: Path, kind: str, target: str | None, found: Found) -> tuple[Path, ...]:
    """A photo's files of one kind."""
    folder = photo.parent if target is None else folder_of(target, found.several)
    if target is None or folder is not None:
        folder = photo.parent if target is None or folder is None else folder / found.below.get(photo, Path())
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(folder / f"{photo.stem}{ending}" for ending in ENDINGS[kind])
    suffixes = [Path(ending).suffix for ending in ENDINGS[kind]]
    if Path(target).suffix.lower() != suffixes[0]:
        raise UsageError(f"{printable(target)}: --{kind} writes FILE{suffixes[0]}, or into a folder")
    return tuple(Path(target).with_suffix(suffix) for suffix in suffixes)


@dataclass(frozen=True)
class Said:
    """What was found about one photo, and what of it the files are to name."""

    found: Annotation
    photo: Photo
    shown_as: np.ndarray  # what landmarks are drawn on, the completed photo where there is one, [H, W, C]
    name: str
    loaded: Loaded


def annotate(
    job: PhotoJob,
    photo: Photo,
    shown_as: np.ndarray,
    hole: Hole,
    options: PhotoOptions,
    loaded: Loaded,
    hardware: Hardware,
) -> list[str]:
    """Write what was asked for about one photo; returns notes.

    shown_as: what landmarks are drawn on, the completed photo where there is one, [H, W, C].
    """
    found = annotate_photo(
        loaded.method,
        photo.pixels,
        hole.anywhere,
        set(job.annotations),
        hardware,
        seed=options.masks.seed,
        invisible=photo.invisible,
        framing=options.framing,
    )
    said = Said(found, photo, shown_as, job.photo.name, loaded)
    for kind, paths in job.annotations.items():
        for path, content in zip(paths, CONTENTS[kind](said), strict=True):
            if not (options.skip_existing and path.exists()):
                _write(content, path, options.overwrite)
    width, height = found.box.width, found.box.height
    if (height, width) == photo.pixels.shape[:2] or not job.annotations.keys() & {"parsing", "landmarks"}:
        return []
    return [f"labelled from the {width}×{height} pixels around the hole; a larger --context shows more"]


def _of_parsing(said: Said) -> list[str | Image.Image]:
    assert said.found.parsing is not None  # it was asked for, and so were the others
    return [palette_image(said.found.parsing)]


def _of_landmarks(said: Said) -> list[str | Image.Image]:
    assert said.found.landmarks is not None
    points = {
        name.replace(" ", "_"): [round(value, 2) for value in point] if all(map(math.isfinite, point)) else None
        for name, point in zip(LANDMARKS, said.found.landmarks.tolist(), strict=True)
    }
    text = {
        "photo": printable(said.name),
        "size": list(said.photo.size),
        "method": said.loaded.name,
        "checkpoint": said.loaded.digest,
        "landmarks": points,
    }
    drawn = landmarks_drawn(to_eight_bits(said.shown_as), said.found.landmarks)
    return [json.dumps(text, indent=2) + "\n", drawn]


def _of_maps(said: Said) -> list[str | Image.Image]:
    assert said.found.maps is not None
    return [maps_drawn(said.found.observed, said.found.maps)]


CONTENTS: dict[str, Callable[[Said], list[str | Image.Image]]] = {  # text, or a picture, for each file
    "parsing": _of_parsing,
    "landmarks": _of_landmarks,
    "maps": _of_maps,
}


def _write(content: str | Image.Image, path: Path, overwrite: bool) -> None:
    with replacing(path, overwrite) as temporary:
        if isinstance(content, str):
            temporary.write_text(content)
        else:
            content.save(temporary, format="PNG")
