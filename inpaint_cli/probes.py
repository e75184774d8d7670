"""What is learned on the features of a pretrained encoder: transfer, as the mde paper's tables 1 and 2 measure it.

    text below figure 8   Probe              "we truncate the pretrained MDE models after the fully-connected layer,
                                             and append two 4000 → 40 and 4000 → 10 fully-connected sigmoid layers"
                          Attributes.error,  "with a L2-norm between these predictions and the ground truth values"
                          Landmarks.error
                          Constant           the answer that needs no image, which every figure has to be read beside

Not in the paper: whether the encoder is tuned (both, `frozen`), how the two errors are weighted (1:1), the optimiser
(Adam as in pretraining), the form of the targets (0 and 1; points over the image's sides), masks (none), where the new
layers begin. Errors are means over elements, as all of mde's here. `Labels` (softmax, cross-entropy) serve sets that
have classes, not faces.

The new layers begin at the constant answer: weights of 0, and as bias the outputs that say what is typical. Random
weights (`start=random`) give each image another answer from the start, further apart than points of aligned faces are,
and thousands of updates go into unlearning that: 3.69 pixels after 2,000 of them, on features that give 1.57 from
here, where the best linear answer has 1.55 and the mean points 1.90.

Random weights that stay frozen see batches of training images first, whose statistics batch norm takes
(`Probe.settle`). With those that it begins with, mean 0 and variance 1, features of two faces differ by 4e-6, and
the row of random weights is the constant answer, whatever such features are worth.
"""

import hashlib
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from inpaint_cli.errors import InputError
from inpaint_cli.masks import MaskProcess
from inpaint_cli.method import Batch, ImageShape, Method, Player, Turn, polynomial
from inpaint_cli.networks.frozen import Outputs, in_blocks

BLOCK = 16  # images that are classified at once
POINTS = 5  # that prepared data name
CERTAIN = 1e-3  # a layer begins no surer than this far from 0 and 1


@dataclass(frozen=True)
class Settings:
    learning_rate: float = Field(2e-4, gt=0, description="that of mde's generator; the paper gives none for transfer")
    beta1: float = Field(0.5, ge=0, lt=1, description="that of mde; the paper gives none for transfer")
    beta2: float = Field(0.999, ge=0, lt=1, description="Adam's usual value; not in the paper")
    annealing_power: float = Field(
        1.0,
        ge=0,
        description="polynomial annealing, that of mde; the paper gives none for transfer, 0 is constant",
        json_schema_extra={"before": 0.0},
    )
    start: Literal["constant", "random"] = Field(
        "constant",
        description="the new layers begin at the answer that needs no image, or at random weights; not in the paper",
        json_schema_extra={"before": "random"},
    )
    landmark_weight: float = Field(
        1.0, gt=0, description="of the points' error beside the attributes'; not in the paper"
    )


# ---- targets ---------------------------------------------------------------------------------------------------------


class Target(Protocol):
    """One kind of label: how a layer's outputs become an answer, and how far that is from the truth."""

    recipe: str  # how data come to have it

    def outputs(self, column: tuple[int, ...], classes: int) -> int:
        """Of its layer; column: the shape of one row's labels."""

    def refuse(self, rows: np.ndarray) -> str:
        """Why nothing is to be learned of a training set's labels; "" where something is."""

    def typical(self, rows: np.ndarray) -> Tensor:
        """The training set in short: what `constant` and `varying` are read from."""

    def error(self, outputs: Tensor, truth: Tensor, typical: Tensor, shape: ImageShape) -> Tensor:
        """What training descends."""

    def answer(self, outputs: Tensor, typical: Tensor, shape: ImageShape) -> Tensor:
        """In the form of the prepared data's labels."""

    def constant(self, typical: Tensor) -> Tensor:
        """The best answer without an image, in the same form, for one row."""

    def begin(self, typical: Tensor, shape: ImageShape) -> Tensor:
        """Outputs of a layer that says what is typical, whatever it sees."""


class Attributes:
    """0 or 1 each. What is the same in all training images teaches nothing, and its answer is NaN: none."""

    recipe = "CelebA's list_attr_celeba.txt beside the images when they are prepared (inpaint prepare celeba-96)"

    def outputs(self, column: tuple[int, ...], classes: int) -> int:
        return column[0]

    def refuse(self, rows: np.ndarray) -> str:
        return "" if self.varying(self.typical(rows)).any() else "each attribute is the same in all of them"

    def typical(self, rows: np.ndarray) -> Tensor:
        """How often each is there, [A]."""
        return torch.from_numpy((rows > 0).mean(axis=0)).float()

    def varying(self, typical: Tensor) -> Tensor:
        return (typical > 0) & (typical < 1)

    def error(self, outputs: Tensor, truth: Tensor, typical: Tensor, shape: ImageShape) -> Tensor:
        squares = (torch.sigmoid(outputs) - (truth > 0).float()).square()
        return squares[:, self.varying(typical)].mean()

    def answer(self, outputs: Tensor, typical: Tensor, shape: ImageShape) -> Tensor:
        return torch.where(self.varying(typical), torch.sigmoid(outputs), torch.nan)

    def constant(self, typical: Tensor) -> Tensor:
        """Of each the more frequent."""
        return torch.where(self.varying(typical), (typical >= 0.5).float(), torch.nan)

    def begin(self, typical: Tensor, shape: ImageShape) -> Tensor:
        return typical.logit(CERTAIN)


class Landmarks:
    """Five points, x and y in pixels: a sigmoid gives x/W and y/H. Points that are not known (NaN) are left out."""

    recipe = (
        "CelebA's landmark list beside the images when they are prepared, or points from a parser "
        "(inpaint prepare celeba-96 --parsing face-parser --landmarks)"
    )

    def outputs(self, column: tuple[int, ...], classes: int) -> int:
        return 2 * POINTS

    def refuse(self, rows: np.ndarray) -> str:
        return "" if np.isfinite(rows).any() else "no point is known in any of them"

    def typical(self, rows: np.ndarray) -> Tensor:
        """The mean of each point, [5, 2]."""
        known = np.isfinite(rows)
        return torch.from_numpy(np.where(known, rows, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)).float()

    def error(self, outputs: Tensor, truth: Tensor, typical: Tensor, shape: ImageShape) -> Tensor:
        sides = truth.new_tensor([shape.width, shape.height])
        apart = torch.sigmoid(outputs).unflatten(1, (POINTS, 2)) - truth / sides
        known = apart.isfinite()
        return torch.where(known, apart, 0.0).square().sum() / known.sum().clamp_min(1)

    def answer(self, outputs: Tensor, typical: Tensor, shape: ImageShape) -> Tensor:
        return torch.sigmoid(outputs).unflatten(1, (POINTS, 2)) * outputs.new_tensor([shape.width, shape.height])

    def constant(self, typical: Tensor) -> Tensor:
        return typical

    def begin(self, typical: Tensor, shape: ImageShape) -> Tensor:
        return (typical / typical.new_tensor([shape.width, shape.height])).logit(CERTAIN).flatten()


class Labels:
    """One class of several."""

    recipe = (
        "a set with classes (inpaint prepare cifar10-32, oxford102-96, mnist-28, or a folder with one for each class)"
    )

    def outputs(self, column: tuple[int, ...], classes: int) -> int:
        return classes

    def refuse(self, rows: np.ndarray) -> str:
        return "" if np.unique(rows).size > 1 else "all are of one class"

    def typical(self, rows: np.ndarray) -> Tensor:
        """How often each class is there, [K]."""
        return torch.from_numpy(np.bincount(rows) / len(rows)).float()

    def error(self, outputs: Tensor, truth: Tensor, typical: Tensor, shape: ImageShape) -> Tensor:
        return F.cross_entropy(outputs, truth.long())

    def answer(self, outputs: Tensor, typical: Tensor, shape: ImageShape) -> Tensor:
        return outputs.argmax(dim=1)

    def constant(self, typical: Tensor) -> Tensor:
        return typical.argmax()

    def begin(self, typical: Tensor, shape: ImageShape) -> Tensor:
        return typical.clamp_min(CERTAIN).log()


TARGETS: dict[str, Target] = {"attributes": Attributes(), "landmarks": Landmarks(), "labels": Labels()}


class Design(NamedTuple):
    """What the new layers are: names of targets, the encoder's features, and classes where labels are a target."""

    targets: tuple[str, ...]
    features: int
    classes: int = 0
    frozen: bool = False


COLUMNS = {"attributes": (40,), "landmarks": (POINTS, 2), "labels": ()}  # of one row, as prepared data have them


# ---- the method ------------------------------------------------------------------------------------------------------


def keep_what_encodes(method: Method) -> Method:
    """Let go of every network that `features` does not use."""
    kept = [name.split(".") for name in method.encodes_with]
    _prune(method, kept)
    method.players.clear()
    return method


def _prune(module: nn.Module, kept: list[list[str]]) -> None:
    for name, child in [*module.named_children()]:
        below = [rest for first, *rest in kept if first == name]
        if not below:
            delattr(module, name)
        elif all(below):  # parts of it
            _prune(child, below)


class Probe(Method):
    """A pretrained encoder with a new layer for each target; `settings` are the encoder's."""

    title = "Transfer"
    paper = "mde"
    completes = False
    masks: MaskProcess

    def __init__(self, encoder: Method, how: Settings, masks: MaskProcess, design: Design):
        super().__init__(encoder.settings, encoder.shape, masks)
        self.how, self.design = how, design
        self.per_channel = encoder.per_channel
        self.annotates = design.targets
        self.encoder = keep_what_encodes(encoder)
        for name in design.targets:
            self.register_buffer(f"typical_{name}", _typical_shape(name, design.classes))
        self.heads = nn.ModuleDict(
            {n: nn.Linear(design.features, TARGETS[n].outputs(COLUMNS[n], design.classes)) for n in design.targets}
        )
        learning = () if design.frozen else tuple(encoder.get_submodule(name) for name in encoder.encodes_with)
        self.encoder.requires_grad_(not design.frozen)
        optimizer = partial(torch.optim.Adam, lr=how.learning_rate, betas=(how.beta1, how.beta2), fused=True)
        self.players["probe"] = Player((*learning, self.heads), optimizer, polynomial(how.annealing_power))

    def look_at(self, labels: Mapping[str, Any]) -> None:
        """What is typical of the training set, where new layers begin; labels: its columns by name."""
        for name in self.design.targets:
            self.typical(name).copy_(TARGETS[name].typical(np.asarray(labels[name][:])))
        if self.how.start == "constant":
            self._begin()

    @torch.no_grad()
    def _begin(self) -> None:
        for name in self.design.targets:
            layer = self.heads.get_submodule(name)
            layer.get_parameter("weight").zero_()
            layer.get_parameter("bias").copy_(TARGETS[name].begin(self.typical(name), self.shape))

    def typical(self, name: str) -> Tensor:
        return self.get_buffer(f"typical_{name}")

    @property
    def says(self) -> Tensor:
        """Of which attributes it says something, bool [A]."""
        return Attributes().varying(self.typical("attributes"))

    def say_nothing_of(self, attributes: Tensor) -> None:
        """attributes: bool [A]; of these its answers are NaN."""
        self.typical("attributes")[attributes] = 0

    def train(self, mode: bool = True) -> "Probe":
        """A frozen encoder stays as it completes: its statistics, too."""
        super().train(mode)
        if self.design.frozen:
            self.encoder.eval()
        return self

    @torch.no_grad()
    def settle(self, batches: Iterable[Batch]) -> None:
        """Batch norm of an encoder that never learned takes the statistics of these images, each batch alike."""
        for norm in (module for module in self.encoder.modules() if isinstance(module, _BatchNorm)):
            norm.reset_running_stats()
            norm.momentum = None  # the mean over batches
        self.encoder.train()
        for batch in batches:
            self.encoder.features(batch.observed, batch.mask)
        self.encoder.eval()

    def turns(self) -> tuple[Turn, ...]:
        return (Turn("probe", self.errors),)

    def described(self, batch: Batch) -> Tensor:
        """The encoder's features, [B, N]; of a frozen one they may have been computed before, as one more label."""
        if "features" in batch.labels:
            return batch.labels["features"]
        with torch.set_grad_enabled(not self.design.frozen):
            return self.encoder.features(batch.observed, batch.mask)

    def errors(self, batch: Batch) -> dict[str, Tensor]:
        features, weights = self.described(batch), {"landmarks": self.how.landmark_weight}
        return {
            name: weights.get(name, 1.0)
            * TARGETS[name].error(head(features).float(), batch.labels[name], self.typical(name), self.shape)
            for name, head in self.heads.items()
        }

    def annotate(self, observed: Tensor, mask: Tensor) -> dict[str, Tensor]:
        features = self.encoder.features(observed, mask)
        return {
            name: TARGETS[name].answer(head(features).float(), self.typical(name), self.shape)
            for name, head in self.heads.items()
        }

    def features(self, observed: Tensor, mask: Tensor) -> Tensor:
        return self.encoder.features(observed, mask)


def _typical_shape(name: str, classes: int) -> Tensor:
    return torch.zeros((classes,) if name == "labels" else COLUMNS[name])


class Classes(nn.Module):
    """A probe that was trained on classes, as inception scores ask a classifier."""

    def __init__(self, probe: Probe, name: str):
        super().__init__()
        self.probe, self.name = probe, name

    def describe(self, images: np.ndarray) -> Outputs:
        """uint8 [N, H, W, C] of the probe's size -> `logits`, float32 [N, classes]."""
        channels, height, width = self.probe.shape
        if images.shape[1:] != (height, width, channels):
            raise InputError(
                f"{self.name} reads images of {width}×{height} with {channels} channels, these are "
                f"{images.shape[2]}×{images.shape[1]} with {images.shape[3]}"
            )
        return in_blocks(lambda block: {"logits": self._logits(block)}, BLOCK, images)

    def _logits(self, images: np.ndarray) -> Tensor:
        device = self.probe.typical("labels").device
        image = torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
        return self.probe.heads["labels"](self.probe.features(image, torch.ones_like(image[:, :1])))


class Constant(Method):
    """What a probe would say that sees nothing: of attributes and classes the most frequent, of points the mean."""

    title = "Constant answer"
    paper = "mde"
    completes = False
    per_channel = True

    def __init__(self, probe: Probe):
        super().__init__(probe.settings, probe.shape, None)
        self.annotates = probe.annotates
        self.answers = {name: TARGETS[name].constant(probe.typical(name)) for name in probe.annotates}

    @property
    def digest(self) -> str:
        """Equal for equal answers."""
        return hashlib.sha256(b"".join(answer.cpu().numpy().tobytes() for answer in self.answers.values())).hexdigest()

    def annotate(self, observed: Tensor, mask: Tensor) -> dict[str, Tensor]:
        return {name: answer.expand(len(observed), *answer.shape) for name, answer in self.answers.items()}
