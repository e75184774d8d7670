"""The few images that a training looks at again and again: its sample grids, and how well it does on unseen ones."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from inpaint_cli.engine.feeding import spread, to_signed, to_uint8
from inpaint_cli.engine.observing import own_masks, own_process
from inpaint_cli.engine.randomness import derive_seed, seed_default_generators
from inpaint_cli.engine.splits import Split
from inpaint_cli.engine.training import Learner
from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.masks.drawing import draw_for_images
from inpaint_cli.method import Method
from inpaint_cli.reports.grids import grid
from inpaint_cli.reports.palette import coloured

PREVIEWS = 8  # images in a sample grid
VALIDATED = 256  # images that early stopping looks at
TOGETHER = 32  # of them are completed at once


class Exhibits:
    """The same few images and masks through the whole run."""

    def __init__(self, learner: Learner, split: Split, most: int):
        self.learner = learner
        device, self.indices = learner.hardware.device, spread(len(split), most)
        self.image = to_signed(torch.from_numpy(split.images[self.indices]).to(device))
        points = split.labels.get("landmarks")
        landmarks = None if points is None else torch.from_numpy(points[self.indices])
        self.mask = self._masks(split, landmarks).to(device)
        self.observed = torch.where(self.mask > 0, self.image, 0.0)

    def _masks(self, split: Split, landmarks: Tensor | None) -> Tensor:
        """An image that has one mask in training is never seen behind another. [N, 1 or C, H, W]"""
        method, seed, rows = self.learner.method, self.learner.plan.seed, self.indices
        assert method.masks is not None  # it trains
        if method.masked_once:
            return own_masks(own_process(split, method.masks), method.shape, rows, seed, landmarks)
        seeds = [derive_seed(seed, "preview", index) for index in rows]
        return draw_for_images(method.masks.of(split), method.shape, seeds, landmarks=landmarks, rows=rows.tolist())


class Preview(Exhibits):
    """A sample grid; of a method that learns from observations it has no originals."""

    def __init__(self, learner: Learner, split: Split):
        super().__init__(learner, split, PREVIEWS)

    def draw(self) -> Image.Image:
        hidden = self.learner.method.learns_from_observations
        rows = {} if hidden else {"original": to_uint8(self.image)}
        rows["observed"] = to_uint8(self.observed)
        with self.learner.completing() as method, self.learner.hardware.autocast():
            if method.completes:
                rows |= {name: to_uint8(images) for name, images in method.preview(self.observed, self.mask).items()}
            if "parsing" in method.annotates:
                rows["parsing"] = coloured(method.annotate(self.observed, self.mask)["parsing"].cpu().numpy())
        return grid([list(row) for row in rows.values()], labels_left=[*rows], title=f"step {self.learner.step}")


# ---- validation ------------------------------------------------------------------------------------------------------


class Shown(NamedTuple):
    """Some of the images that are validated on, and what is true of them."""

    image: Tensor  # [B, C, H, W]
    observed: Tensor
    mask: Tensor  # [B, 1 or C, H, W]
    label: Tensor | None  # of the kind that the method predicts


class Validation(Exhibits):
    """The error on up to `VALIDATED` images, for early stopping: the smaller the better.

    It is that of completions; of a method that completes none, that of its label maps or landmarks.
    """

    def __init__(self, learner: Learner, split: Split):
        super().__init__(learner, split, VALIDATED)
        method = learner.method
        self.kind = "completion" if method.completes else next(filter(ERRORS.__contains__, method.annotates), "")
        if not self.kind:
            raise UsageError("--validate-every measures completions, label maps or landmarks; this method gives none")
        self.label: Tensor | None = None
        if self.kind != "completion":
            if self.kind not in split.labels:
                raise InputError(f"--validate-every: the data's {split.name} split has no {self.kind} to compare with")
            self.label = torch.from_numpy(split.labels[self.kind][self.indices]).to(learner.hardware.device)

    def error(self) -> float:
        seed_default_generators(self.learner.plan.seed, "validation")
        with self.learner.completing() as method, self.learner.hardware.autocast():
            return ERRORS[self.kind](method, self._parts())

    def _parts(self) -> Iterator[Shown]:
        for start in range(0, len(self.image), TOGETHER):
            part = slice(start, start + TOGETHER)
            label = None if self.label is None else self.label[part]
            yield Shown(self.image[part], self.observed[part], self.mask[part], label)


def error_of_holes(method: Method, parts: Iterable[Shown]) -> float:
    """Mean squared error of the hole's pixels in [-1, 1]."""
    squares = missing = 0.0
    for part in parts:
        hole = (1 - part.mask).expand_as(part.image)
        completed = method.complete(part.observed, part.mask)[:, 0].float()
        squares += ((completed - part.image).square() * hole).sum().item()
        missing += hole.sum().item()
    return squares / max(missing, 1.0)


def error_of_maps(method: Method, parts: Iterable[Shown]) -> float:
    """1 - the mean Dice of all labels but the background, each over the pixels of all images together."""
    overlap, size = torch.zeros(256), torch.zeros(256)
    for part in parts:
        assert part.label is not None
        predicted = method.annotate(part.observed, part.mask)["parsing"].flatten().long()
        true = part.label.flatten().long()
        overlap += torch.bincount(true[true == predicted], minlength=256).cpu()
        size += (torch.bincount(true, minlength=256) + torch.bincount(predicted, minlength=256)).cpu()
    dice = 2 * overlap[1:] / size[1:]  # NaN where neither has the label
    return 1 - float(dice.nanmean()) if size[1:].any() else 0.0


def error_of_points(method: Method, parts: Iterable[Shown]) -> float:
    """The mean distance of known landmarks, in pixels."""
    distances = []
    for part in parts:
        assert part.label is not None
        predicted = method.annotate(part.observed, part.mask)["landmarks"].float()
        distances.append((predicted - part.label.float()).norm(dim=-1).flatten())
    together = torch.cat(distances)
    known = together[together.isfinite()]
    return float(known.mean()) if len(known) else 0.0


ERRORS: dict[str, Callable[[Method, Iterable[Shown]], float]] = {
    "completion": error_of_holes,
    "parsing": error_of_maps,
    "landmarks": error_of_points,
}
