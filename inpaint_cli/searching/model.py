"""Methods whose trained generator is searched: what they share, and what may be set when images are completed."""

from abc import abstractmethod
from typing import Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from inpaint_cli.method import AT_COMPLETION, Method


def _setting(default: int, description: str, *, ge: int) -> int:
    return Field(default, json_schema_extra=AT_COMPLETION, description=description, ge=ge)


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """How long and how widely is searched: common to the methods that search, and set when images are completed."""

    search: Literal["turned", "printed"] = Field(
        "turned",
        json_schema_extra={
            **AT_COMPLETION,
            "in_place_of": ["search_rate", "prior_every", "turn_every", "tolerance"],
        },
        description="turned: many starts, Adam along axes that follow the gradients'; printed: Adam at 0.03 on one "
        "random z for each sample, Vitoria et al., section 4",
    )
    editing: Literal["poisson", "paste"] = Field(
        "poisson",
        json_schema_extra=AT_COMPLETION,
        description="of what is found into what is known, Eq. 9; paste puts it there as it is, figure 7",
    )
    search_steps: int = _setting(1000, "at most; Vitoria et al., section 4", ge=1)
    restarts: int = _setting(4, "starts of each image, unless as printed; not in the papers", ge=1)
    candidates: int = _setting(512, "random z that these are chosen from; not in the papers", ge=1)


class LatentModel(Method):
    """Base of the methods that search. Its settings extend `SearchSettings`."""

    works_by = "a search, which trains a code for each image"
    settings: SearchSettings
    generator: nn.Module  # G: z [N, Z] -> [N, C, H, W] in [-1, 1]

    @abstractmethod
    def draw(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """z as the generator was trained on: [count, Z]."""
