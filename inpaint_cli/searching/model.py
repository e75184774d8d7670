"""Methods whose trained generator is searched: what they share, and what may be set when images are completed."""

from abc import abstractmethod
from typing import TypeVar

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from inpaint_cli.method import AT_COMPLETION, Method

Number = TypeVar("Number", int, float)


def _setting(default: Number, description: str, *, ge: float | None = None, gt: float | None = None) -> Number:
    return Field(default, json_schema_extra=AT_COMPLETION, description=description, ge=ge, gt=gt)


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """How long and how widely is searched: common to the methods that search, and set when images are completed."""

    search_steps: int = _setting(1000, "at most; Vitoria et al., section 4", ge=1)
    restarts: int = _setting(4, "starts of each image; not in the papers", ge=1)
    candidates: int = _setting(512, "random z that starts are chosen from; not in the papers", ge=1)
    search_rate: float = _setting(0.2, "Adam's; 0.03 in Vitoria et al., section 4, for its own axes", gt=0)
    prior_every: int = _setting(4, "steps for which the prior's pull is kept; the papers' is 1", ge=1)
    turn_every: int = _setting(16, "steps after which Adam's axes follow the gradients'; 0 = never, as printed", ge=0)
    tolerance: float = _setting(0.01, "of the energy, at which a start rests; 0 = never, as printed", ge=0)


class LatentModel(Method):
    """Base of the methods that search. Its settings extend `SearchSettings`."""

    settings: SearchSettings
    generator: nn.Module  # G: z [N, Z] -> [N, C, H, W] in [-1, 1]

    @abstractmethod
    def draw(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """z as the generator was trained on: [count, Z]."""
