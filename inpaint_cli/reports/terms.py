"""What the columns of a run's metrics are: kinds of loss that share an axis, and words for people."""

import math
from collections.abc import Iterable, Mapping

from inpaint_cli.records.runs import IMAGES_PER_SECOND, LEARNING_RATE, MEMORY, SECONDS

VALIDATION = "Validation error"
KINDS: dict[str, tuple[str, ...]] = {  # by title, in this order: names, and endings of names that begin or end with _
    VALIDATION: ("validation",),
    "Reconstruction": ("reconstruction", "completion", "hole", "overlap", "perceptual", "encode_y", "reconstruction_"),
    "Against the discriminators": (
        *("adversarial", "adversarial_again", "local", "global", "generator", "imputed", "generated"),
        *("generated_whole", "hide", "adversarial_"),
    ),
    "Discriminators": (
        *("discriminator", "discriminator_", "_discriminator", "critic", "real", "fake", "fake_again", "data"),
        *("imputer", "patch", "seek"),
    ),
    "Penalties": ("_penalty",),
    "Learning rate": (LEARNING_RATE,),
    "Images per second": (IMAGES_PER_SECOND,),
    "Memory, MiB": (MEMORY,),
}
PACE = ("Learning rate", "Images per second", "Memory, MiB")  # of the kinds, those that come last
OTHERWISE = {("global", "global_penalty"): {"global": "Discriminators"}}  # where a critic has this name
WORDS = {
    "bits_per_dimension": "bits per dimension",
    "encode_y": "image, measured again",
    "encode_z": "code, found again",
    "pull_of_image": "pull of the image",
    "pull_of_adversary": "pull of the adversary",
    "seek": "mask seeker",
    "hide": "from the mask seeker",
}
TASKS = {"i": "image", "s": "parsing", "d": "landmarks"}  # collagan's, by the letter behind a term


def kinds_of(names: Iterable[str]) -> dict[str, list[str]]:
    """Titles with the columns that share their axis; what has no kind has an axis of its own. Time is not drawn."""
    names = [name for name in names if name not in ("step", SECONDS)]
    moved: dict[str, str] = {}
    for present, titles in OTHERWISE.items():
        moved |= titles if {*present} <= {*names} else {}
    found: dict[str, list[str]] = {title: [] for title in KINDS}
    for name in names:
        found.setdefault(moved.get(name) or _kind(name), []).append(name)
    own = [title for title in found if title not in KINDS]
    losses = [title for title in KINDS if title not in PACE]
    return {title: found[title] for title in (*losses, *own, *PACE) if found[title]}


def _kind(name: str) -> str:
    for title, members in KINDS.items():
        if any(_belongs(name, member) for member in members):
            return title
    return label(name).capitalize()


def _belongs(name: str, member: str) -> bool:
    if member.endswith(("_", "/")):
        return name.startswith(member)
    return name.endswith(member) if member.startswith("_") else name == member


def label(name: str) -> str:
    """`reconstruction_s` -> `reconstruction, parsing`"""
    if name.startswith(LEARNING_RATE):
        return label(name.removeprefix(LEARNING_RATE))
    stem, _, task = name.rpartition("_")
    if stem in ("reconstruction", "adversarial", "discriminator") and task in TASKS:
        return f"{stem}, {TASKS[task]}"
    return WORDS.get(name, name.replace("_", " "))


def last(columns: Mapping[str, Iterable[float]], name: str) -> float | None:
    """The latest value that is a number."""
    values = [value for value in columns.get(name, ()) if math.isfinite(value)]
    return values[-1] if values else None


def time_words(seconds: float) -> str:
    """`8.2 s`, `3 min 12 s`, `5 h 3 min`"""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = int(seconds / 60)
    return f"{minutes} min {int(seconds % 60)} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
