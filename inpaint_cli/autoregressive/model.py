"""Completion value by value from exact conditional probabilities: what the pixel-by-pixel models share.

An image's probability is a product over its pixels in scan order, rows from the top, and within a pixel R, then G, then
B (Burlin, Le Calonnec, Duperier: Deep Image Inpainting, section 6.1). A hole is filled in that order. Which order among
values that do not depend on each other makes no difference, so whole fronts of pixels are filled in one pass.
"""

import hashlib
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from inpaint_cli.autoregressive.replay import Known
from inpaint_cli.method import AT_COMPLETION, Batch, ImageShape, MaskProcess, Method
from inpaint_cli.networks.pixels import bits_per_dimension

KEPT_PLANS = 4  # as many masks are remembered with their fronts, and on a GPU with the graph that fills them


@dataclass(frozen=True)
class ChoiceSettings:
    """How a level is chosen, common to the pixel-by-pixel models."""

    temperature: float = Field(
        1.0,
        ge=0,
        description="of what is drawn: below 1 safer, above 1 bolder, 0 greedy; not in the paper",
        json_schema_extra=AT_COMPLETION,
    )
    first_sample: Literal["greedy", "drawn"] = Field(
        "greedy",
        description="the paper's greedy choice, section 6.1; further samples are drawn",
        json_schema_extra=AT_COMPLETION,
    )


class PixelModel(Method):
    """Base of the models that give each value a distribution over 256 levels, given the values before it.

    A model says what its distributions are (`logits`), in which passes a hole is filled (`plan`), and does it (`fill`).
    Its settings extend `ChoiceSettings`.
    """

    settings: ChoiceSettings
    per_channel = True
    works_by = "choosing value after value, each by those before it"

    def __init__(self, settings: ChoiceSettings, shape: ImageShape, masks: MaskProcess | None):
        super().__init__(settings, shape, masks)
        self._known: OrderedDict[Hashable, Known] = OrderedDict()

    @abstractmethod
    def logits(self, image: Tensor) -> Sequence[Tensor]:
        """Of each value given the true values before it: [B, C, H, W] -> for each channel [B, H, W, 256]."""

    @abstractmethod
    def plan(self, missing: Tensor, device: torch.device) -> Any:
        """What `fill` needs to know about a mask, bool [R, C, H, W] on the CPU; its tensors on `device`."""

    @abstractmethod
    def fill(self, canvas: Tensor, draws: Tensor | None, plan: Any) -> Tensor:
        """Fill a copy of the canvas, [R, C, H, W], from its known values, chosen by `choose` with draws [R, C, H, W].

        It may hold anything where values are missing. Runs in float32, and on a GPU within a graph: shapes follow from
        `plan`, and nothing is fetched from the device.
        """

    def likelihood(self, batch: Batch) -> dict[str, Tensor]:
        """The softmax loss of whole images, section 6.2, in bits per dimension."""
        return {"bits_per_dimension": self.bits(batch.image).mean()}

    def bits(self, image: Tensor) -> Tensor:
        """Of each image, per dimension: [B, C, H, W] -> [B]."""
        return bits_per_dimension(self.logits(image), image)

    def probabilities(self, image: Tensor, row: int, column: int) -> Tensor:
        """The distribution of each channel of a pixel given the true values before it, figure 8.

        [B, C, H, W] -> [B, C, 256], float32
        """
        logits = torch.stack([each[:, row, column] for each in self.logits(image)], dim=1)
        return torch.softmax(logits.float(), dim=-1)

    def complete(
        self, observed: Tensor, mask: Tensor, *, samples: int = 1, generator: torch.Generator | None = None
    ) -> Tensor:
        """The first sample is greedy unless `first_sample` says otherwise, the others are drawn; holes may be whole
        images, which are then made from nothing. Images of other numbers of channels: as `other_channels` says."""
        if observed.shape[1] != self.shape.channels:
            return self.other_channels(observed, mask, samples, generator)
        missing = (mask == 0).expand_as(observed)
        known = self._recall(missing, samples)
        canvas = torch.where(missing, 0.0, observed.float()).repeat_interleave(samples, dim=0)
        draws = self._draw(len(observed), samples, canvas, generator)
        inputs = [canvas] if draws is None else [canvas, draws]
        with torch.autocast(canvas.device.type, enabled=False):  # bf16 could tell neighbouring levels not apart
            filled = known.run(lambda canvas, draws=None: self.fill(canvas, draws, known.plan), inputs)
        return torch.where(missing[:, None], filled.unflatten(0, (-1, samples)), observed[:, None])

    def other_channels(self, observed: Tensor, mask: Tensor, samples: int, generator: torch.Generator | None) -> Tensor:
        """A colour model completes grey images as colour ones; a grey model completes each channel by itself."""
        (count, channels), own = observed.shape[:2], self.shape.channels
        if channels == 1:
            completed = self.complete(observed.expand(-1, own, -1, -1), mask, samples=samples, generator=generator)
            completed = completed.mean(dim=2, keepdim=True)
        else:
            planes, masks = (each.expand(-1, channels, -1, -1).flatten(0, 1)[:, None] for each in (observed, mask))
            completed = self.complete(planes, masks, samples=samples, generator=generator)
            completed = completed[:, :, 0].unflatten(0, (count, channels)).transpose(1, 2)
        return torch.where(mask[:, None] > 0, observed[:, None], completed)

    def _recall(self, missing: Tensor, samples: int) -> Known:
        """The plan of a mask, bool [B, C, H, W], for `samples` rows of each image."""
        missing, weights = missing.cpu(), tuple(parameter.data_ptr() for parameter in self.parameters())
        digest = hashlib.blake2b(missing.numpy().tobytes()).digest()
        key = (digest, tuple(missing.shape), samples, weights, self.settings)
        if key not in self._known:
            rows, device = missing.repeat_interleave(samples, dim=0), next(self.parameters()).device
            self._known[key] = Known(self.plan(rows, device))
        self._known.move_to_end(key)
        while len(self._known) > KEPT_PLANS:
            self._known.popitem(last=False)
        return self._known[key]

    def _draw(self, count: int, samples: int, canvas: Tensor, generator: torch.Generator | None) -> Tensor | None:
        """A uniform number for each value, negative in rows that are greedy; None where all of them are."""
        first_greedy = self.settings.first_sample == "greedy"
        if self.settings.temperature == 0 or (samples == 1 and first_greedy):
            return None
        draws = torch.rand(canvas.shape, generator=generator, device=canvas.device).unflatten(0, (count, samples))
        if first_greedy:
            draws[:, 0] = -1
        return draws.flatten(0, 1)
