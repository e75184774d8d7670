"""Completion from coarse to fine: a field of source patches and the colours that they vote for, in turn."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from inpaint_cli.exemplar.field import Field, finer_sources, random_sources
from inpaint_cli.exemplar.layout import Descriptors, Layout
from inpaint_cli.exemplar.peeling import peel
from inpaint_cli.exemplar.pyramid import Level, coarser, depth_in_hole, finest_level
from inpaint_cli.exemplar.voting import copy_best, rim_weight, vote


@dataclass(frozen=True)
class Plan:
    """What is decided before the first level, for all images that go together."""

    side: int  # of a patch, in pixels
    levels: int
    alternations: tuple[int, int]  # of search and vote, at the finest and at the coarsest level
    searches: tuple[int, int]  # PatchMatch iterations within each alternation, likewise
    components: int  # of a patch's descriptor
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
    levels = pyramid(finest_level(colours, known, allowed, window=2**plan.levels - 1), plan)
    field = coarse = None
    for number in reversed(range(len(levels))):
        level = levels[number]
        layout = Layout(level, plan.side)
        table = level.table()
        if field is None:
            table = peel(layout, table, level.known, plan.choices, generator)
            field = Field(layout, random_sources(layout, generator))
        else:
            field, table = refined(field, coarse, layout, level, table, generator)
        alternate(field, table, rim_weights(level, layout), plan.at(number, len(levels)), number == 0, plan, generator)
        coarse = as_images(table, level)
    return coarse[:, : colours.shape[1]]


def pyramid(finest: Level, plan: Plan) -> list[Level]:
    """Finest first; it ends early where halving would leave an image without a source."""
    levels = [finest]
    while len(levels) < plan.levels:
        smaller = coarser(levels[-1])
        if min(smaller.size) < plan.side or Layout(smaller, plan.side).source_count.min() < plan.side**2:
            break
        levels.append(smaller)
    return levels


def refined(
    coarse_field: Field,
    coarse: Tensor,
    layout: Layout,
    level: Level,
    table: Tensor,
    generator: torch.Generator | None,
) -> tuple[Field, Tensor]:
    """The field at twice the size, and the colours that it votes for: sharp at once, unlike enlarged ones.

    Enlarged colours stand in where no patch over a pixel has a source.
    """
    enlarged = functional.interpolate(coarse, level.size, mode="bilinear").permute(0, 2, 3, 1).flatten(0, 2)
    table[layout.hole] = enlarged[layout.hole]
    sources, usable = finer_sources(coarse_field, layout, generator)
    field = Field(layout, sources)
    field.distances[usable] = 1.0  # all alike: the coarse distances chose them
    table[layout.hole] = vote(field, table, rim_weights(level, layout))
    return field, table


def alternate(
    field: Field,
    table: Tensor,
    confidence: Tensor,
    counts: tuple[int, int],
    finest: bool,
    plan: Plan,
    generator: torch.Generator | None,
) -> None:
    """Search and vote in turn, in place; the finest level's last turn copies instead of averaging."""
    alternations, searches = counts
    descriptors = Descriptors(field.layout, table, plan.components)
    for turn in range(alternations):
        field.look_at(descriptors, table)
        field.search(searches, generator)
        copying = finest and turn == alternations - 1
        table[field.layout.hole] = copy_best(field, table) if copying else vote(field, table, confidence)


def rim_weights(level: Level, layout: Layout) -> Tensor:
    """What each target patch counts in a vote, by its centre's depth in the hole. [N]"""
    return rim_weight(depth_in_hole(level.known).flatten()[layout.targets])


def as_images(table: Tensor, level: Level) -> Tensor:
    """[B·H·W, F] -> [B, F, H, W]"""
    return table.view(len(level.known), *level.size, -1).permute(0, 3, 1, 2)
