"""The first fill of a large hole: from its rim inwards, each pixel copied from the patch that fits what is there.

Newson et al. 2017, call it onion peel. A patch is compared on its filled pixels alone:
d²(t, s) = Σ w (t - s)² / Σ w, all targets of a layer against all sources in two matrix products.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from inpaint_cli.exemplar.layout import Layout

SOURCES = 8192  # of an image, that the first fill looks at
PAIRS = 4_000_000  # of target and source at a time
GUESSED = 0.5  # weight of a pixel that this fill has filled, beside 1 for a known one; not in a paper


class Sources:
    """One image's source patches, or a regular part of them, ready for masked distances."""

    def __init__(self, layout: Layout, table: Tensor, image: int):
        first, count = int(layout.first_source[image]), int(layout.source_count[image])
        every = max(1, -(-count // SOURCES))
        self.pixels = layout.sources[first : first + count : every]
        patches = layout.patches(table, self.pixels).view(len(self.pixels), len(layout.offsets), -1)
        self.linear = patches.flatten(1).T  # [P·F, S]
        self.square = patches.square().sum(dim=2).T  # [P, S]

    def ranking(self, patches: Tensor, weights: Tensor) -> Tensor:
        """Masked distances up to a constant of each target. [n, P·F], [n, P] -> [n, S]"""
        spread = weights.repeat_interleave(patches.shape[1] // weights.shape[1], dim=1)
        return torch.addmm(weights @ self.square, patches * spread, self.linear, alpha=-2.0)


def peel(layout: Layout, table: Tensor, known: Tensor, choices: int, generator: torch.Generator | None) -> Tensor:
    """Fill the missing pixels of `table` [B·H·W, F]; known bool [B, 1, H, W]. Each takes one of its `choices` best."""
    table = table.clone()
    weights = known.flatten().float()
    sources: dict[int, Sources] = {}
    for rim in layers(known):
        centres = whole_patch(layout, rim)
        for image, pixels, around in by_image(layout, rim, centres):
            if image not in sources:
                sources[image] = Sources(layout, table, image)
            table[pixels] = table[best_fit(layout, table, weights, sources[image], pixels, around, choices, generator)]
        weights[rim] = GUESSED
    return table


def layers(known: Tensor) -> Iterator[Tensor]:
    """The missing pixels' numbers, a ring one pixel wide at a time, from the rim inwards."""
    filled = known
    while not filled.flatten(1).all(dim=1).all():
        grown = functional.max_pool2d(filled.float(), 3, 1, 1) > 0
        ring = (grown & ~filled).flatten().nonzero()[:, 0]
        if not len(ring):
            return
        yield ring
        filled = grown


def whole_patch(layout: Layout, pixels: Tensor) -> Tensor:
    """The centre of the patch inside the image that has each pixel nearest to its middle."""
    inside = pixels % layout.area
    radius = layout.radius
    row = (inside // layout.width).clamp(radius, layout.height - layout.side + radius)
    column = (inside % layout.width).clamp(radius, layout.width - layout.side + radius)
    return pixels - inside + row * layout.width + column


def by_image(layout: Layout, pixels: Tensor, centres: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
    """The images that have some of the pixels, each with them and their patches' centres."""
    image = layout.image_of(pixels)
    for number in image.unique().tolist():
        mine = image == number
        yield number, pixels[mine], centres[mine]


def best_fit(
    layout: Layout,
    table: Tensor,
    weights: Tensor,
    sources: Sources,
    pixels: Tensor,
    centres: Tensor,
    choices: int,
    generator: torch.Generator | None,
) -> Tensor:
    """The numbers of the pixels to copy. [n]"""
    found = []
    for part in centres.split(max(1, PAIRS // max(1, len(sources.pixels)))):
        patches = layout.patches(table, part)
        distances = sources.ranking(patches, weights[part[:, None] + layout.offsets])
        best = distances.topk(min(choices, distances.shape[1]), dim=1, largest=False).indices
        draw = torch.rand(len(part), generator=generator, device=part.device) * best.shape[1]
        found.append(best.gather(1, draw.long()[:, None])[:, 0])
    return sources.pixels[torch.cat(found)] + pixels - centres
