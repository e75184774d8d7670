"""Label maps of faces: read as they are stored, brought to the labels of Helen, and landmarks taken from them."""

from typing import Literal, get_args

import numpy as np

from inpaint_cli.data.schema import LANDMARKS
from inpaint_cli.data.trees import Image as Stored
from inpaint_cli.data.trees import decodable
from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import opened, printable

# The labels of Helen as Smith et al. (CVPR 2013) number them. Here left is the image's left, as in CelebA's landmarks.
HelenName = Literal[
    "background",
    "face skin",
    "left eyebrow",
    "right eyebrow",
    "left eye",
    "right eye",
    "nose",
    "upper lip",
    "inner mouth",
    "lower lip",
    "hair",
]
HELEN: tuple[HelenName, ...] = get_args(HelenName)
NUMBERS: dict[str, int] = {name: number for number, name in enumerate(HELEN)}
PAIRS = (("left eyebrow", "right eyebrow"), ("left eye", "right eye"))
MOUTH = ("upper lip", "inner mouth", "lower lip")
STORED_MODES = ("P", "L", "1")  # palette or grey: the stored number is the label
# How far down the nose's part its tip lies: measured on 675 maps of CelebAMask-HQ, so that the nose stands at 0.60 of
# the way from the eyes to the mouth, as it does in the average of CelebA's aligned landmarks.
TIP = 0.86
END = 0.02  # share of a part's pixels that decide where it ends: single stray pixels do not


def read_label_map(stored: Stored, name: str) -> np.ndarray:
    """The numbers stored in an image file, uint8 [h, w]; `InputError` when it holds colours instead."""
    with opened(decodable(stored, name)) as image:
        if image.mode not in STORED_MODES:
            raise InputError(f"is an image of mode {image.mode}, not a map of labels (palette or grey)")
        return np.array(image, np.uint8)


def read_mask(stored: Stored, name: str) -> np.ndarray:
    """One part's mask, uint8 [h, w], 255 where the part is; colour files are read as grey."""
    with opened(decodable(stored, name)) as image:
        return np.array(image.convert("L"), np.uint8)


def renumbered(labels: np.ndarray, numbers: bytes) -> np.ndarray:
    """A map of a source's labels -> a map of Helen's; `numbers` holds Helen's label for each of the source's."""
    highest = int(labels.max(initial=0))
    if highest >= len(numbers):
        raise InputError(f"holds the label {highest}; the labels are 0 to {len(numbers) - 1}")
    return np.frombuffer(numbers, np.uint8)[labels]


def sided(labels: np.ndarray) -> np.ndarray:
    """Eyes and eyebrows by where they lie in the image, whatever the source calls left.

    The two eyes' middles draw a line; half-way along it is the border between left and right.
    """
    eyes = [eye for name in PAIRS[1] if (eye := _middle(labels, name)) is not None]
    if len(eyes) < 2:
        return labels
    eyes.sort(key=lambda eye: eye[0])
    along, border = eyes[1] - eyes[0], (eyes[0] + eyes[1]) / 2
    result = labels.copy()
    for left, right in PAIRS:
        for name in (left, right):
            if (middle := _middle(labels, name)) is not None:
                side = left if np.dot(middle - border, along) < 0 else right
                result[labels == NUMBERS[name]] = NUMBERS[side]
    return result


def landmarks_of(labels: np.ndarray) -> np.ndarray:
    """The five landmarks of a map of Helen's labels, as CelebA places them: float [5, 2] of x, y in the map's pixels.

    The middles of the eyes; the tip of the nose, `TIP` of the way from its upper to its lower end; the corners of the
    mouth, where the lips end along the line between the eyes. `InputError` names the part that the map lacks.
    """
    eyes = [_required(labels, (name,)).mean(axis=0) for name in PAIRS[1]]
    along = (eyes[1] - eyes[0]) / max(np.linalg.norm(eyes[1] - eyes[0]), 1e-9)
    down = np.array([-along[1], along[0]])
    nose, mouth = _required(labels, ("nose",)), _required(labels, MOUTH)
    return np.stack([*eyes, _tip(nose, down), _end(mouth, -along), _end(mouth, along)])


def rescaled(points: np.ndarray, labels: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """Points in the pixels of a map -> in those of its image, which may have another scale."""
    scale = np.array(image_size) / (labels.shape[1], labels.shape[0])
    return ((points + 0.5) * scale - 0.5).astype(np.float32)


def face_labels(labels: np.ndarray, image_size: tuple[int, int], name: str) -> dict[str, np.ndarray]:
    """`parsing` and `landmarks` of a face from a map of Helen's labels, whichever side the source calls left."""
    try:
        parsing = sided(labels)
        return {"parsing": parsing, "landmarks": rescaled(landmarks_of(parsing), parsing, image_size)}
    except InputError as error:
        raise InputError(f"{printable(name)}: {error}") from None


LABEL_NAMES = {"parsing": HELEN, "landmarks": LANDMARKS}


def _places(labels: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """The x, y of every pixel of these parts, float [n, 2]."""
    rows, columns = np.nonzero(np.isin(labels, [NUMBERS[name] for name in names]))
    return np.stack([columns, rows], axis=1).astype(np.float64)


def _middle(labels: np.ndarray, name: str) -> np.ndarray | None:
    places = _places(labels, (name,))
    return places.mean(axis=0) if len(places) else None


def _required(labels: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    places = _places(labels, names)
    if not len(places):
        raise InputError(f"its label map has no {' or '.join(names)}, so that its landmarks are unknown")
    return places


def _tip(nose: np.ndarray, down: np.ndarray) -> np.ndarray:
    heights = nose @ down
    top, bottom = np.quantile(heights, (END, 1 - END))
    tip = top + TIP * (bottom - top)
    near = nose[np.abs(heights - tip) <= max(1.0, 0.05 * (bottom - top))]
    middle = near.mean(axis=0) if len(near) else nose.mean(axis=0)
    return middle + (tip - middle @ down) * down


def _end(mouth: np.ndarray, towards: np.ndarray) -> np.ndarray:
    distances = mouth @ towards
    return mouth[distances >= np.quantile(distances, 1 - END)].mean(axis=0)
