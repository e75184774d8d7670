"""What a trained method says about images: label maps and landmarks of photos and of sets that are prepared."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from inpaint_cli.cli.pairing import Job, find_photos, folder_of, plan_jobs, shown
from inpaint_cli.errors import InputError, UsageError

NOTHING = "none"  # the mask that hides nothing
# What can be asked for: how the files of a photo end. The first is the one that is named, the others lie beside it.
ENDINGS = {"parsing": ("_parsing.png",), "landmarks": ("_landmarks.json", "_landmarks.png"), "maps": ("_maps.png",)}

# ---- photos ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What of a photo is to be written beside its completion: FILE, or for several photos FOLDER."""

    parsing: str | None = None
    landmarks: str | None = None
    maps: str | None = None

    @property
    def targets(self) -> dict[str, str]:
        """By kind, what was asked for."""
        return {kind: target for kind in ENDINGS if (target := getattr(self, kind)) is not None}


def labels_alone(method: Any, mask: str | None) -> bool:
    """Whether nothing is completed: by a method that only annotates, or since nothing is missing."""
    return not method.completes or mask == NOTHING


def refuse_unread(loaded: Any, options: Any, mask: str | None) -> None:
    """`UsageError` for options (cli.completing_photos.PhotoOptions) that nothing reads where nothing is completed."""
    if not labels_alone(loaded.method, mask):
        return
    masks, framing = options.masks, options.framing
    of_completions = {
        "--samples": options.samples > 1, "--feather": masks.feather, "--quality": options.quality,
        "--page": options.page, "--source-mask": options.source_mask,
        "--blend": framing is not None and framing.blend != type(framing)().blend,
    }  # fmt: skip
    of_masks = {"--invert-mask": masks.invert, "--dilate": masks.dilate, "--context": framing}
    for option, value in of_completions.items():
        if value:
            raise UsageError(f"{option} concerns completions, and {_why_none(loaded)}")
    for option, value in of_masks.items() if mask in (None, NOTHING) else ():
        if value:
            raise UsageError(f"{option} concerns a hole, and there is none: name one with --mask")


def refuse_set(loaded: Any) -> None:
    """`UsageError` for a method that completes none of a prepared file's images."""
    parses = "parsing" in loaded.method.annotates
    labels = ", `inpaint prepare RECIPE --parsing CHECKPOINT` labels a set" if parses else ""
    refuse_without_completion(loaded, "--data", f"`inpaint evaluate` measures its labels{labels}")


def refuse_without_completion(loaded: Any, where: str, instead: str) -> None:
    """`UsageError` for a method that only annotates, where completions are needed."""
    if not loaded.method.completes:
        raise UsageError(f"{where}: {_why_none(loaded)}; {instead}")


def _why_none(loaded: Any) -> str:
    labelling = f"{loaded.name} with these settings labels images and completes none"
    return "with --mask none nothing is missing" if loaded.method.completes else labelling


def refuse_unsaid(loaded: Any, asked: Asked, mask: str | None) -> None:
    """`UsageError` for what the method does not say of a photo, and where nothing at all is asked of it."""
    can = said_by(loaded.method)
    for kind in asked.targets:
        if kind not in can:
            raise UsageError(f"--{kind}: {loaded.name} gives {' and '.join(can) or 'completed images alone'}")
    if loaded.method.completes and mask == NOTHING and not asked.targets:
        ways = ", ".join(f"--{kind} FILE" for kind in can)
        raise UsageError(
            "--mask none: nothing is missing, so that nothing is completed"
            + (f"; {ways} writes what {loaded.name} says of the photo" if can else "")
        )


def said_by(method: Any) -> tuple[str, ...]:
    """What can be asked of a method."""
    from inpaint_cli.method import Method

    has_maps = type(method).maps is not Method.maps
    return (*(kind for kind in ENDINGS if kind in method.annotates), *(("maps",) if has_maps else ()))


def plan_annotations(
    photos: Sequence[Path], mask: str | None, output: str | None, asked: Asked, loaded: Any, samples: int
) -> list[Job]:
    """Every photo with the files that are to hold its completion and what was asked for about it.

    What a method says that only annotates is its result: all of it where nothing was named. It needs no mask.
    """
    several, targets = find_photos(photos)[1], asked.targets
    if labels_alone(loaded.method, mask):
        targets |= _results(loaded.method, asked, output, several)
        jobs = [replace(job, outputs=()) for job in plan_jobs(photos, mask or NOTHING, None, 1)]
    else:
        jobs = plan_jobs(photos, mask, output, samples)
    return [
        replace(job, annotations={kind: _files(job.photo, kind, target, several) for kind, target in targets.items()})
        for job in jobs
    ]


def _results(method: Any, asked: Asked, output: str | None, several: bool) -> dict[str, str | None]:
    """What is written without being named, by kind, and where: -o is its folder, or the file of the one kind."""
    named = method.completes or asked.targets.keys() & {*method.annotates}
    kinds = () if named else [kind for kind in said_by(method) if kind in method.annotates]
    if output is not None and not kinds:
        raise UsageError(f"-o {output}: {' and '.join(f'--{kind}' for kind in asked.targets)} say where to write")
    if output is not None and len(kinds) > 1 and folder_of(output, several) is None:
        raise UsageError(f"-o {output}: {' and '.join(kinds)} are several files; name a folder: -o {output}/")
    return dict.fromkeys(kinds, output)


def _files(photo: Path, kind: str, target: str | None, several: bool) -> tuple[Path, ...]:
    """A photo's files of one kind."""
    folder = photo.parent if target is None else folder_of(target, several)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(folder / f"{photo.stem}{ending}" for ending in ENDINGS[kind])
    suffixes = [Path(ending).suffix for ending in ENDINGS[kind]]
    if Path(target).suffix.lower() != suffixes[0]:
        raise UsageError(f"{shown(target)}: --{kind} writes FILE{suffixes[0]}, or into a folder")
    return tuple(Path(target).with_suffix(suffix) for suffix in suffixes)


def annotate(job: Job, photo: Any, shown_as: Any, hole: Any, options: Any, loaded: Any, hardware: Any) -> list[str]:
    """Write what was asked for about one photo (imaging.photos.Photo); returns notes.

    shown_as: what landmarks are drawn on, the completed photo where there is one, [H, W, C]; hole: bool [H, W(, C)].
    """
    from inpaint_cli.engine.annotating import annotate_photo

    found = annotate_photo(
        loaded.method,
        photo.pixels,
        hole if hole.ndim == 2 else hole.any(axis=2),
        set(job.annotations),
        hardware,
        seed=options.masks.seed,
        invisible=None if photo.alpha is None or photo.alpha.all() else photo.alpha == 0,
        framing=options.framing,
    )
    for kind, paths in job.annotations.items():
        for path, content in zip(paths, CONTENTS[kind](found, photo, shown_as, job, loaded), strict=True):
            if not (options.skip_existing and path.exists()):
                _write(content, path, options.overwrite)
    width, height = found.box.width, found.box.height
    if (height, width) == photo.pixels.shape[:2] or not job.annotations.keys() & {"parsing", "landmarks"}:
        return []
    return [f"labelled from the {width}×{height} pixels around the hole; a larger --context shows more"]


def _of_parsing(found: Any, photo: Any, shown_as: Any, job: Job, loaded: Any) -> list[Any]:
    from inpaint_cli.reports.palette import palette_image

    return [palette_image(found.parsing)]


def _of_landmarks(found: Any, photo: Any, shown_as: Any, job: Job, loaded: Any) -> list[Any]:
    from inpaint_cli.data.schema import LANDMARKS
    from inpaint_cli.imaging.deep import to_eight_bits
    from inpaint_cli.reports.annotations import landmarks_drawn

    points = {
        name.replace(" ", "_"): [round(value, 2) for value in point] if all(map(math.isfinite, point)) else None
        for name, point in zip(LANDMARKS, found.landmarks.tolist(), strict=True)
    }
    said = {
        "photo": shown(job.photo.name),
        "size": list(photo.size),
        "method": loaded.name,
        "checkpoint": loaded.digest,
        "landmarks": points,
    }
    return [json.dumps(said, indent=2) + "\n", landmarks_drawn(to_eight_bits(shown_as), found.landmarks)]


def _of_maps(found: Any, photo: Any, shown_as: Any, job: Job, loaded: Any) -> list[Any]:
    from inpaint_cli.reports.annotations import maps_drawn

    return [maps_drawn(found.observed, found.maps)]


CONTENTS = {"parsing": _of_parsing, "landmarks": _of_landmarks, "maps": _of_maps}  # text, or a picture, for each file


def _write(content: Any, path: Path, overwrite: bool) -> None:
    from inpaint_cli.files import replacing

    with replacing(path, overwrite) as temporary:
        if isinstance(content, str):
            temporary.write_text(content)
        else:
            content.save(temporary, format="PNG")


# ---- sets that are prepared ------------------------------------------------------------------------------------------


def labeller_from(checkpoint: Path, landmarks: bool, device: str) -> Any:
    """A trained parser as `inpaint prepare` takes it (data.labelling.Labeller); `InputError` where it is none."""
    from inpaint_cli.cli.assembly import load_for_completion
    from inpaint_cli.data.labelling import Labeller
    from inpaint_cli.data.schema import Shape
    from inpaint_cli.engine.annotating import label_maps
    from inpaint_cli.engine.devices import choose_hardware

    hardware = choose_hardware(device, "fp32")
    loaded = load_for_completion(checkpoint, None, [], None, hardware)
    if "parsing" not in loaded.method.annotates:
        raise InputError(
            f"{checkpoint}: a checkpoint of {loaded.name}, which gives no label maps; --parsing takes one of a method "
            "that does, such as face-parser (inpaint train --method face-parser)"
        )
    _refuse_other_labels(checkpoint, loaded)
    origin = f"{loaded.name}, checkpoint {loaded.digest}, step {loaded.step}"
    return Labeller(
        lambda images: label_maps(loaded.method, images, hardware), Shape(*loaded.method.shape), origin, landmarks
    )


def _refuse_other_labels(checkpoint: Path, loaded: Any) -> None:
    from inpaint_cli.data.label_maps import HELEN
    from inpaint_cli.settings import settings_values

    labels = settings_values(loaded.method.settings).get("labels", len(HELEN))
    if labels != len(HELEN):
        raise InputError(
            f"{checkpoint}: this parser knows {labels} labels, and prepared data hold the {len(HELEN)} of Helen "
            f"({', '.join(HELEN)})"
        )
