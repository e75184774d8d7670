"""Completion from coarse to fine: a field of source patches and the colours that they vote for, in turn."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property, partial

import torch
from torch import Tensor
from torch.nn import functional

from inpaint_cli.exemplar.field import Field, finer_sources, random_sources
from inpaint_cli.exemplar.layout import Descriptors, Layout
from inpaint_cli.exemplar.peeling import peel
from inpaint_cli.exemplar.pyramid import Level, coarser, depth_in_hole, finest_level, open_squares
from inpaint_cli.exemplar.seams import Seams
from inpaint_cli.exemplar.shifts import SHIFTS, fill_by_shifts
from inpaint_cli.exemplar.smooth import bend_least, smooth_fill
from inpaint_cli.exemplar.surroundings import emptied_and_even
from inpaint_cli.exemplar.voting import best_places, rim_weight, vote

SHIFTED = 1500  # missing pixels of an image, on average, at the level where they are filled by shifts; measured
MOST_SHIFTED = 6000  # where the pyramid ends before there are so few, for lack of sources: some seconds' work
REGULAR = 25_000  # missing pixels of an image, on average, up to which a plane is filled by shifts at the finest level
REGULAR_SHIFTS = 16  # that are tried there; measured
DEARER = 2.0  # times the energy of an emptied hole, that a fill by shifts may have: emptiness is cheap; measured
CLEARLY = 0.9  # of the energy of an earlier start, that a later one must go below: of near equals, the peel; measured


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
    planar: bool  # whether the holes lie in one plane that faces the viewer, so that shifts compete at the finest level

    def at(self, level: int, levels: int) -> tuple[int, int]:
        """Alternations and searches of a level, 0 = finest: in even steps from the one end to the other."""
        share = level / max(1, levels - 1)
        alternations, searches = (
            round(fine + (coarse - fine) * share) for fine, coarse in (self.alternations, self.searches)
        )
        return alternations, searches

    def hear(self, level: int, levels: int, share: float) -> None:
        """The share of a level that is done, at each turn's parts. Whoever listens may end all by raising.

        A planar plan passes the finest level twice, the second time as level -1.
        """


def complete_by_exemplars(
    colours: Tensor, known: Tensor, allowed: Tensor, plan: Plan, generator: torch.Generator | None
) -> Tensor:
    """Fill the missing pixels from patches of the same image.

    colours: [B, C, H, W]; known, allowed: bool [B, 1, H, W], allowed where pixels may be copied from. Every image needs
    a source patch of `plan.side`². Returns [B, C, H, W].
    """
    window = 2**plan.levels - 1 if plan.levels > 1 else None
    hear = partial(plan.hear, plan.levels - 1, plan.levels, 0.0)
    levels = pyramid(finest_level(colours, known, allowed, window, hear), plan)
    canvas, number = best_start(levels, plan, generator)
    canvas = descend(canvas, levels, number, 0, plan, generator)
    if plan.planar and (~known).sum() <= REGULAR * len(known):
        canvas = with_regular_shifts(canvas, len(levels))
    return canvas.colours()


def best_start(levels: list[Level], plan: Plan, generator: torch.Generator | None) -> tuple["Canvas", int]:
    """The first fill of clearly least energy for each image, and the level where it was judged, as far as it got.

    At the coarsest level few patches may be free of objects, and a wrong first fill can agree with itself: an island of
    another object in a plain wall. Starts at the level below, and smooth ones, seldom go wrong with it and cost little.
    """
    coarsest = len(levels) - 1
    if coarsest < 3:  # a shallow hole: a level that is cheap enough for several starts does not exist
        canvas = Canvas(levels[coarsest], plan, generator)
        if coarsest or canvas.thick_images.any():
            canvas.begin()
        return canvas.converge(coarsest, len(levels)), coarsest
    judged = coarsest - 1
    best: Canvas | None = None
    for fill in FILLS if plan.choices == 1 else FILLS[:1]:  # only a peel draws
        for first in range(coarsest, judged - 1, -1):
            canvas = Canvas(levels[first], plan, generator)
            fill(canvas)
            canvas = descend(canvas.converge(first, len(levels)), levels, first, judged, plan, generator)
            best = canvas if best is None else best.with_better(canvas, canvas.energy() < CLEARLY * best.energy())
    assert best is not None  # there are two starts or more
    return with_shifts(best, levels, judged, plan, generator)


def with_shifts(
    best: "Canvas", levels: list[Level], judged: int, plan: Plan, generator: torch.Generator | None
) -> tuple["Canvas", int]:
    """The same at a level that shows structure, where a fill by few shifts may take over.

    It is tried where the hole lacks what is all around it, and may then be dearer; and where the same texture is all
    around, regular structure perhaps, but has to be of clearly less energy there.
    """
    missing = [int((~level.known).sum()) / len(level.known) for level in levels[: judged + 1]]
    shown = next((number for number, count in enumerate(missing) if count <= SHIFTED), judged)
    if missing[shown] > MOST_SHIFTED:
        return best, judged
    best = descend(best, levels, judged, shown, plan, generator)
    emptied, even = emptied_and_even(best.colours(), best.level.known)
    wanted = emptied | even
    if wanted.any():
        shifted = best.anew()
        shifted.begin_by_shifts(wanted)
        shifted.converge(shown, len(levels))
        enough = torch.where(emptied, DEARER, CLEARLY) * best.energy()
        best = best.with_better(shifted, wanted & (shifted.energy() < enough))
    return best, shown


def with_regular_shifts(best: "Canvas", levels: int) -> "Canvas":
    """The same at the finest level, where few shifts, of a façade or of courses, take over if they fit better.

    At coarser ones the energy does not tell which is straight.
    """
    shifted = best.anew()
    shifted.begin_by_shifts(torch.ones(len(best.level.known), dtype=torch.bool), REGULAR_SHIFTS)
    shifted.converge(0, levels, again=True)
    return best.with_better(shifted, shifted.energy() < CLEARLY * best.energy())


def descend(
    canvas: "Canvas", levels: list[Level], start: int, end: int, plan: Plan, generator: torch.Generator | None
) -> "Canvas":
    """From the level `start`, converged, to the level `end`."""
    for number in range(start - 1, end - 1, -1):
        coarse, canvas = canvas, Canvas(levels[number], plan, generator)
        plan.hear(number, len(levels), 0.0)
        canvas.refine(coarse)
        plan.hear(number, len(levels), 0.0)
        canvas.converge(number, len(levels))
    return canvas


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

    @cached_property
    def descriptors(self) -> Descriptors:
        """They come from known pixels alone, which are never painted over."""
        return Descriptors(self.layout, self.table, self.plan.components)

    def anew(self) -> "Canvas":
        """The same level with nothing painted yet, for another start."""
        other = copy(self)
        other.table, other.field = self.level.table(), Field(self.layout, random_sources(self.layout, self.generator))
        return other

    def begin(self) -> None:
        """The coarsest level's first fill: from the rim inwards."""
        self.table = peel(self.layout, self.table, self.level.known, self.plan.choices, self.generator)

    def begin_by_shifts(self, wanted: Tensor, most: int = SHIFTS) -> None:
        """The first fill of a level that shows structure, of the images `wanted`, bool [B]: few shifts copy it whole.

        Where it draws, half of the shifts are there to choose from.
        """
        share = 1.0 if self.plan.choices == 1 else 0.5
        given = self.level, self.layout, self.descriptors, wanted
        missing, copied = fill_by_shifts(*given, most, share, self.generator)
        if (missing == copied).any():  # where no shift leads to a source
            self.begin_smoothly()
        self.table[missing] = self.table[copied]

    def begin_smoothly(self) -> None:
        """The other first fill: without detail, so that nothing which is not at the rim gets in."""
        self.paint(smooth_fill(self.images(), self.level.known))

    def converge(self, number: int, levels: int, again: bool = False) -> "Canvas":
        """All turns of the level `number`, 0 = finest; again: not for the first time."""
        if number == 0:
            self.smooth_thin_parts()
        hear = partial(self.plan.hear, -1 if again else number, levels)
        self.alternate(*self.plan.at(number, levels), number == 0, hear)
        return self

    def energy(self) -> Tensor:
        """Mean squared distance of each image's patches to their sources. [B]"""
        self.field.look_at(self.descriptors, self.table)
        image = self.layout.image_of(self.layout.targets)
        total = self.table.new_zeros(len(self.level.known)).index_add_(0, image, self.field.distances)
        return total / torch.bincount(image, minlength=len(total)).clamp(min=1)

    def with_better(self, other: "Canvas", better: Tensor) -> "Canvas":
        """Take over from another start those images that it completes better, bool [B]."""
        targets = better[self.layout.image_of(self.layout.targets)]
        pixels = better[self.layout.image_of(self.layout.hole_and_rim)][:, None]
        self.field.sources = torch.where(targets, other.field.sources, self.field.sources)
        self.field.distances = torch.where(targets, other.field.distances, self.field.distances)
        self.put(torch.where(pixels, other.table[other.layout.hole_and_rim], self.table[self.layout.hole_and_rim]))
        return self

    def refine(self, coarse: "Canvas") -> None:
        """Take over the field of half the size, and the colours that it votes for: sharp at once, unlike enlarged ones.

        Enlarged colours stand in where no patch over a pixel has a source.
        """
        channels = self.table.shape[1]
        self.paint(functional.interpolate(coarse.images()[:, :channels], self.level.size, mode="bilinear"))
        self.field.sources, usable = finer_sources(coarse.field, self.layout, self.generator)
        self.field.distances[usable] = 1.0  # all alike: the coarse distances chose them
        self.put(self.votes())

    def alternate(self, alternations: int, searches: int, last: bool, hear: Callable[[float], object]) -> None:
        """Search and vote in turn; the last turn of the finest level copies into thick holes instead of averaging."""
        for turn in range(alternations):
            here = partial(hear, turn / alternations)
            self.field.look_at(self.descriptors, self.table)
            self.field.search(searches, self.generator, here)
            here()
            votes, copied = self.votes(), None
            if last and turn == alternations - 1:
                copied = torch.where(self.thick, best_places(self.field, self.layout.hole_and_rim), -1)
                votes = torch.where(self.thick[:, None], self.table[copied], votes)
            here()
            self.put(self.seams.settle(votes, self.table, copied))

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

    def colours(self) -> Tensor:
        """[B, C, H, W]"""
        return self.images()[:, : self.level.colours.shape[1]]

    def images(self) -> Tensor:
        """[B, F, H, W]"""
        return self.table.view(len(self.level.known), *self.level.size, -1).permute(0, 3, 1, 2)


FILLS = (Canvas.begin, Canvas.begin_smoothly)  # all compete for the first sample; further ones only peel, and draw
