"""The field of nearest source patches: exhaustive where that is cheap, else PatchMatch (Barnes et al. 2009).

PatchMatch visits pixels in scan order; here all targets look at their neighbours' sources at once, at two distances
to every side, so that nothing loops over pixels.
"""

import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from inpaint_cli.exemplar.layout import Descriptors, Layout

EXHAUSTIVE = 40_000_000  # pairs of target and source that are all compared: about a twentieth of a second
PAIRS = 1_000_000  # of them at a time: as many as stay near the processor; measured
SHRINK = 0.5  # α in Barnes et al. 2009: the search radius from one draw to the next


class Field:
    """For every target the number of its source, and their squared distance per pixel."""

    def __init__(self, layout: Layout, sources: Tensor):
        self.layout = layout
        self.sources = sources  # [N]
        self.distances = torch.full(sources.shape, torch.inf, device=sources.device)
        self.wanted: Tensor  # descriptors of the targets, [N, D], from the first `look_at` on
        self.offered: Tensor  # of the sources, [S, D], likewise

    def look_at(self, descriptors: Descriptors, table: Tensor) -> None:
        """The targets have changed: their present sources' distances are computed anew."""
        self.offered = descriptors.sources
        self.wanted = descriptors.of(table, self.layout.targets)
        row = self.layout.source_row[self.sources].long()
        self.distances = (self.wanted - self.offered[row]).square().sum(dim=1)

    def consider(self, candidates: Tensor) -> None:
        """Take each candidate that is a source and nearer than the present one. [N]"""
        row = self.layout.source_row[candidates].long()
        distances = (self.wanted - self.offered[row.clamp(min=0)]).square().sum(dim=1)
        better = (row >= 0) & (distances < self.distances)
        self.sources = torch.where(better, candidates, self.sources)
        self.distances = torch.where(better, distances, self.distances)

    def search(
        self, iterations: int, generator: torch.Generator | None, hear: Callable[[], object] = lambda: None
    ) -> None:
        """Improve the field: all pairs where they are few, else propagation and random search in turn.

        hear: called now and then, to end all by raising.
        """
        hear()
        layout = self.layout
        targets = torch.bincount(layout.image_of(layout.targets), minlength=len(layout.source_count))
        if (targets * layout.source_count).sum() <= EXHAUSTIVE:
            return self.search_all(targets)
        for _ in range(iterations):
            for candidates in itertools.chain(self._neighbours(), self._draws(generator)):
                self.consider(candidates)
                hear()
        return None

    def search_all(self, targets: Tensor) -> None:
        """The nearest of all sources of the target's own image."""
        first = 0
        for image, count in enumerate(targets.tolist()):
            begin = int(self.layout.first_source[image])
            offered = self.offered[begin : begin + int(self.layout.source_count[image])]
            rows = [
                begin + nearest(part, offered)
                for part in self.wanted[first : first + count].split(max(1, PAIRS // max(1, len(offered))))
            ]
            if rows:
                row = torch.cat(rows)
                self.sources[first : first + count] = self.layout.sources[row]
                self.distances[first : first + count] = (
                    (self.wanted[first : first + count] - self.offered[row]).square().sum(dim=1)
                )
            first += count

    def _neighbours(self) -> Iterator[Tensor]:
        """Propagation: the present source of the target `step` away, moved back by as much."""
        layout = self.layout
        steps = {1, layout.radius} - {0}  # no further: a patch's centre moved by its radius stays inside its image
        for step in sorted(steps, reverse=True):
            for shift in (step, -step, step * layout.width, -step * layout.width):
                yield self._from_neighbour(shift)

    def _from_neighbour(self, shift: int) -> Tensor:
        layout = self.layout
        row = layout.target_row[layout.targets - shift].long()
        return torch.where(row >= 0, self.sources[row.clamp(min=0)] + shift, self.sources)

    def _draws(self, generator: torch.Generator | None) -> Iterator[Tensor]:
        """Random search around the present source, within ever smaller squares."""
        layout = self.layout
        reach = float(max(layout.height, layout.width))
        while reach >= 1:
            inside = self.sources % layout.area
            shift = (torch.rand((2, len(inside)), generator=generator, device=inside.device) * 2 - 1) * reach
            shift = shift.round().long()
            row = (inside // layout.width + shift[0]).clamp(0, layout.height - 1)
            column = (inside % layout.width + shift[1]).clamp(0, layout.width - 1)
            yield self.sources - inside + row * layout.width + column
            reach *= SHRINK


def nearest(wanted: Tensor, offered: Tensor) -> Tensor:
    """The row of `offered` nearest to each of `wanted`. [n, D], [S, D] -> [n]"""
    return torch.addmm(offered.square().sum(dim=1), wanted, offered.T, alpha=-2.0).argmin(dim=1)


def random_sources(layout: Layout, generator: torch.Generator | None) -> Tensor:
    """For every target a source of its own image. [N]"""
    image = layout.image_of(layout.targets)
    draw = torch.rand(len(image), generator=generator, device=image.device)
    count = layout.source_count[image]
    return layout.sources[layout.first_source[image] + (draw * count).long().clamp(max=count - 1)]


def finer_sources(coarse: Field, layout: Layout, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """The coarse field at twice the size: each pixel keeps its place within the patch.

    Returns a source for each target, [N], and where it comes from the coarse field; elsewhere that led to no source,
    and one was drawn.
    """
    old = coarse.layout
    image = layout.image_of(layout.targets)
    inside = layout.targets % layout.area
    row, column = inside // layout.width, inside % layout.width
    radius = old.radius
    above = (row // 2).clamp(radius, old.height - old.side + radius)  # the nearest whole patch
    left = (column // 2).clamp(radius, old.width - old.side + radius)
    target = old.target_row[image * old.area + above * old.width + left].long()
    source = coarse.sources[target.clamp(min=0)] % old.area
    source_row = 2 * (source // old.width) + row - 2 * above
    source_column = 2 * (source % old.width) + column - 2 * left
    source_row, source_column = source_row.clamp(0, layout.height - 1), source_column.clamp(0, layout.width - 1)
    sources = image * layout.area + source_row * layout.width + source_column
    usable = (target >= 0) & (layout.source_row[sources] >= 0)
    return torch.where(usable, sources, random_sources(layout, generator)), usable
