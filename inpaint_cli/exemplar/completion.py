"""Completion from coarse to fine: a field of source patches and the colours that they vote for, in turn."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from inpaint_cli.exemplar.field import Field, finer_sources, random_sources
from inpaint_cli.exemplar.layout import Descriptors, Layout
from inpaint_cli.exemplar.peeling import peel
from inpaint_cli.exemplar.pyramid import Level, coarser, depth_in_hole, finest_level, open_squares
from inpaint_cli.exemplar.seams import Seams
from inpaint_cli.exemplar.smooth import bend_least
from inpaint_cli.exemplar.voting import copy_best, rim_weight, vote


@dataclass(frozen=True)
class Plan:
    """What is decided before the first level, for all images that go together."""

    side: int  # of a patch, in pixels
    levels: int
    alternations: tuple[int, int]  # of search and vote, at the finest and at the coarsest level
    searches: tuple[int, int]  # PatchMatch iterations within each alternation, likewise
    components: int  # of a patch's descriptor
    thin: int  # where no square of 2·thin + 1 pixels fits into the hole, it is thin
    spreads: tuple[float, float]  # of the votes' weights, in thin and in thick parts of a hole
    choices: int  # best fits among which the first fill draws

    def at(self, level: int, levels: int) -> tuple[int, int]:
        """Alternations and searches of a level, 0 = finest: in even steps from the one end to the other."""
        share = level / max(1, levels - 1)
        return tuple(round(fine + (coarse - fine) * share) for fine, coarse in (self.alternations, self.searches))


def complete_by_exemplars(
    colours: Tensor, known: Tensor, allowed: Tensor, plan: Plan, generator: torch.Generator | None
) -> Tensor:
    """Fill the missing pixels from patches of the same image.

    colours: [B, C, H, W]; known, allowed: bool [B, 1, H, W], allowed where pixels may be copied from. Every image needs
    a source patch of `plan.side`². Returns [B, C, H, W].
    """
    levels = pyramid(finest_level(colours, known, allowed, 2**plan.levels - 1 if plan.levels > 1 else None), plan)
    canvas = None
    for number in reversed(range(len(levels))):
        before, canvas = canvas, Canvas(levels[number], plan, generator)
        if before:
            canvas.refine(before)
        elif number or canvas.thick_images.any():
            canvas.begin()
        if number == 0:
            canvas.smooth_thin_parts()
        canvas.alternate(*plan.at(number, len(levels)), last=number == 0)
    return canvas.images()[:, : colours.shape[1]]


def pyramid(finest: Level, plan: Plan) -> list[Level]:
    """Finest first; it ends early where halving would leave an image without a source."""
    levels = [finest]
    while len(levels) < plan.levels:
        smaller = coarser(levels[-1])
        if min(smaller.size) < plan.side or Layout(smaller, plan.side).source_count.min() < plan.side**2:
            break
        levels.append(smaller)
    return [replace(finest, texture=finest.texture[:, :0]), *levels[1:]]  # its texture is in its colours


class Canvas:
    """One level while it is painted."""

    def __init__(self, level: Level, plan: Plan, generator: torch.Generator | None):
        self.level, self.plan, self.generator = level, plan, generator
        self.layout = Layout(level, plan.side)
        self.table = level.table()  # [B·H·W, F]
        self.field = Field(self.layout, random_sources(self.layout, generator))
        self.seams = Seams(self.layout, level.known, level.colours.shape[1])
        self.depth = depth_in_hole(level.known).flatten()
        self.thick_images = open_squares(~level.known, plan.thin)  # [B, 1, H, W]
        self.thick = self.thick_images.flatten()[self.layout.hole_and_rim]  # [V]
        thin_spread, thick_spread = plan.spreads
        self.spread = torch.where(self.thick, thick_spread, thin_spread)  # [V]
        self.confidence = rim_weight(self.depth[self.layout.targets])  # of each target patch, [N]

    def begin(self) -> None:
        """The coarsest level's first fill: from the rim inwards."""
        self.table = peel(self.layout, self.table, self.level.known, self.plan.choices, self.generator)

    def refine(self, coarse: "Canvas") -> None:
        """Take over the field of half the size, and the colours that it votes for: sharp at once, unlike enlarged ones.

        Enlarged colours stand in where no patch over a pixel has a source.
        """
        channels = self.table.shape[1]
        self.paint(functional.interpolate(coarse.images()[:, :channels], self.level.size, mode="bilinear"))
        self.field.sources, usable = finer_sources(coarse.field, self.layout, self.generator)
        self.field.distances[usable] = 1.0  # all alike: the coarse distances chose them
        self.put(self.votes())

    def alternate(self, alternations: int, searches: int, last: bool) -> None:
        """Search and vote in turn; the last turn of the finest level copies into thick holes instead of averaging."""
        descriptors = Descriptors(self.layout, self.table, self.plan.components)
        for turn in range(alternations):
            self.field.look_at(descriptors, self.table)
            self.field.search(searches, self.generator)
            votes = self.votes()
            if last and turn == alternations - 1:
                votes = torch.where(
                    self.thick[:, None], copy_best(self.field, self.layout.hole_and_rim, self.table), votes
                )
            self.put(self.seams.settle(votes, self.table))

    def votes(self) -> Tensor:
        """What the patches say of missing pixels and the known ones next to them. [V, F]"""
        return vote(self.field, self.layout.hole_and_rim, self.table, self.confidence, self.spread)

    def put(self, votes: Tensor) -> None:
        """Write the votes for missing pixels; known ones keep what they have."""
        pixels = self.layout.hole_and_rim
        self.table[pixels] = torch.where(self.depth[pixels, None] > 0, votes, self.table[pixels])

    def paint(self, images: Tensor) -> None:
        """Write the missing pixels of whole images, [B, F, H, W]."""
        pixels = self.layout.hole_and_rim
        self.put(images.permute(0, 2, 3, 1).flatten(0, 2)[pixels])

    def smooth_thin_parts(self) -> None:
        """Start where the hole is thin from the least bending: patches then need only correct it."""
        given = self.level.known | self.thick_images
        if not given.all():
            images = self.images()
            self.paint(bend_least(images, given, images))

    def images(self) -> Tensor:
        """[B, F, H, W]"""
        return self.table.view(len(self.level.known), *self.level.size, -1).permute(0, 3, 1, 2)
