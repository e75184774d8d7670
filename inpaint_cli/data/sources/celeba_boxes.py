"""The boxes around CelebA's faces, which its authors give in pixels of the images as they were found.

An aligned image is a turned, scaled and shifted part of its image as it was found. The five landmarks are known in
both, so that this similarity is known, and with it the box's place in the aligned image.
"""

import numpy as np

from inpaint_cli.data.sources import celeba_lists as lists

Box = tuple[float, float, float, float]  # left, top, width, height


class Boxes:
    """Each image's box, in its own pixels."""

    def __init__(self, boxes: lists.Table, moved: tuple[lists.Table, lists.Table] | None):
        self._boxes, self._moved = boxes, moved
        self.tables = (boxes, *(moved or ()))
        self.words = "the faces' boxes" + (", moved into the aligned images by the landmarks" if moved else "")

    def __getitem__(self, name: str) -> Box:
        box = tuple(self._boxes[name].tolist())
        if self._moved is None:
            return box
        found, aligned = self._moved
        return moved_box(box, found[name], aligned[name])


def read_boxes(folder: lists.Place, form: str) -> Boxes | None:
    """None where no list applies: there are none, or not the landmarks by which they move into aligned images."""
    boxes = lists.read_boxes(folder)
    if boxes is None:
        return None
    if form == "wild":
        return Boxes(boxes, None)
    found, aligned = lists.read_wild_landmarks(folder), lists.read_aligned_landmarks(folder)
    return Boxes(boxes, (found, aligned)) if found and aligned else None


def moved_box(box: Box, source: np.ndarray, target: np.ndarray) -> Box:
    """The box after the similarity that takes `source` nearest to `target`, both [5, 2]: its middle and its size move.

    Points as complex numbers, p' = a p + b: a turns and scales, b shifts (least squares).
    """
    before, after = (points[:, 0] + 1j * points[:, 1] for points in np.asarray([source, target], np.float64))
    spread = before - before.mean()
    factor = np.vdot(spread, after - after.mean()) / max(np.vdot(spread, spread).real, 1e-9)
    left, top, width, height = box
    middle = factor * (complex(left + width / 2, top + height / 2) - before.mean()) + after.mean()
    width, height = abs(factor) * width, abs(factor) * height
    return middle.real - width / 2, middle.imag - height / 2, width, height
