"""`patch`: exemplar completion, every missing pixel copied from a known place that fits.

The non-local method of the semantic paper's figure 2(b), in the spirit of Wexler, Shechtman and Irani, "Space-Time
Completion of Video", PAMI 29(3), 2007; Barnes et al., "PatchMatch", SIGGRAPH 2009; Fedorov, Facciolo and Arias,
"Variational Framework for Non-Local Inpainting", Image Processing On Line 5, 2015; and above all Newson, Almansa,
Gousseau and Pérez, "Non-Local Patch-Based Image Inpainting", Image Processing On Line 7, 2017.

The completion u and the field s of sources, one known patch for each patch t that touches the hole, minimise

    Σ_t d²(t, s(t)),  d² = mean over the patch of |u - u_s|² + λ |T - T_s|²                                 (energy)

where T is the texture: local means of |∂x u| and |∂y u|. From coarse to fine, two steps alternate:

    s(t) = argmin_s d²(t, s)                     exhaustive, or propagation and random search        exemplar/field.py
    u(p) = Σ_t w_t u(s(t) + p - t) / Σ_t w_t     over the patches t that hold p                      exemplar/voting.py
    w_t = γ^-depth(t) exp(-d² / 2σ²)

At every turn the votes keep their gradients and are moved to meet the known pixels at the rim, by Poisson editing
(exemplar/seams.py). Where the hole is deep enough for four levels, each of the two coarsest is filled once from the rim
inwards (exemplar/peeling.py) and once smoothly; of these starts the one of least energy goes on. Where that leaves the
hole emptier than every side of its surroundings, or where the same texture is all around (exemplar/surroundings.py), a
further start competes at the level of some hundred missing pixels: regions copied whole by the dominant offsets of
similar patches (exemplar/shifts.py, after He and Sun, ECCV 2012). It keeps scattered marks, and regular rows straight.

Where nearly all straight edges around a deep hole run towards two vanishing points, it lies in one plane. If that is
seen aslant, it is turned to the viewer, completed so, and turned back, so that courses and rows go on in perspective
(exemplar/planes.py, exemplar/facing.py, after Huang et al., SIGGRAPH 2014); and shifts compete at the finest level.

In thick parts of the hole the finest level's last vote copies the pixel of the nearest patch instead of averaging, and
faint jumps between copies from different places are levelled, too. Thin parts start from the least bending at the
finest level, and stay averages. Where hardly any patch is known, there are no patches to copy and the least bending is
all: min_u Σ (Δu)² (exemplar/smooth.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass as plain_dataclass
from dataclasses import fields
from functools import partial

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from inpaint_cli.exemplar.completion import Plan, complete_by_exemplars
from inpaint_cli.exemplar.facing import parts_of
from inpaint_cli.exemplar.layout import source_count
from inpaint_cli.exemplar.pyramid import depth_in_hole
from inpaint_cli.exemplar.smooth import smooth_fill
from inpaint_cli.method import Method

SIDES = (7, 5, 3)  # pixels; the first that leaves enough source patches
ENOUGH = 64  # source patches in an image


@dataclass(frozen=True)
class Settings:
    """What is unset is chosen from the hole."""

    patch: int | None = Field(
        None,
        ge=3,
        le=31,
        description="side of a patch (one more if even), less where little is known; unset: 7; measured",
    )
    levels: int | None = Field(
        None,
        ge=1,
        le=12,
        description="sizes, each half the one before; unset: until `depth` patch radii reach the middle",
    )
    depth: float = Field(1.5, gt=0, description="the hole's depth at the coarsest level, in patch radii; measured")
    alternations: int = Field(4, ge=1, description="of search and vote at the finest level; measured")
    coarse_alternations: int = Field(10, ge=1, description="at the coarsest level, many, as in Newson et al. 2017")
    searches: int = Field(
        2, ge=1, description="PatchMatch iterations in an alternation at the finest level; not in a paper"
    )
    coarse_searches: int = Field(4, ge=1, description="at the coarsest level; Barnes et al. 2009 take 4 to 5")
    components: int = Field(24, ge=1, description="principal components of a patch that are compared; measured")
    thin: int = Field(
        4,
        ge=0,
        description="parts of a hole at most twice as wide start smoothly and are averaged to the end; not in a paper",
    )
    thin_spread: float = Field(
        0.5, gt=0, description="σ² in thin parts, in mean distances of a pixel's patches; measured"
    )
    thick_spread: float = Field(0.05, gt=0, description="σ² elsewhere: larger ones blur stochastic texture; measured")
    variety: int = Field(5, ge=1, description="fits among which further samples draw their first fill; not in a paper")


class Patch(Method):
    """Exemplar completion: nothing to train; samples differ by the first fill that they draw."""

    settings: Settings
    Settings = Settings
    title = "Exemplar completion by patches (after Newson et al. 2017)"
    paper = "semantic"
    any_size = True
    per_channel = True
    takes_sources = True

    def margin(self, height: int, width: int) -> int:
        """As much again as the part itself, at least 96 and at most 512 pixels."""
        return min(max(96, height, width), 512)

    def complete(
        self,
        observed: Tensor,
        mask: Tensor,
        *,
        samples: int = 1,
        generator: torch.Generator | None = None,
        sources: Tensor | None = None,
    ) -> Tensor:
        """[B, C, H, W] and a mask of 1 or C channels -> [B, samples, C, H, W]; hidden pixels are never looked at.

        sources: [B, 1, H, W], 1 where pixels may be copied from; by default everywhere. A pixel of which a channel is
        missing is no source, and its known channels stay.
        """
        with torch.autocast(observed.device.type, enabled=False):
            known = (mask > 0).expand(len(observed), -1, -1, -1)  # [B, 1 or C, H, W]
            colours = torch.where(known, observed, 0.0).float()
            whole = known.all(dim=1, keepdim=True)
            allowed = whole if sources is None else whole & (sources > 0)
            parts = parts_of(colours, whole)
            completions = []
            for sample in range(samples):
                turn = Turn(sample, samples, self.settings.variety if sample else 1, generator)
                completed = torch.empty_like(colours)
                for rows, planar, view in parts:
                    seen = colours[rows], known[rows], whole[rows], allowed[rows]
                    fill = partial(self.filled, turn, planar)
                    completed[rows] = fill(*seen) if view is None else view.complete(*seen, fill)
                completions.append(torch.where(known, observed, completed.clamp_(-1, 1).to(observed.dtype)))
        return torch.stack(completions, dim=1)

    def filled(
        self, turn: "Turn", planar: bool, colours: Tensor, known: Tensor, whole: Tensor, allowed: Tensor
    ) -> Tensor:
        """[B, C, H, W] -> the same, completed; images that are completed alike go together."""
        completed = torch.empty_like(colours)
        for plan, rows in self.plans(whole, allowed, turn.choices, planar).items():
            seen = colours[rows], known[rows], whole[rows], allowed[rows]
            completed[rows] = by_plan(told(plan, self.tell, turn), *seen, turn.generator)
        return completed

    def plans(
        self, known: Tensor, allowed: Tensor, choices: int, planar: bool
    ) -> Mapping[Plan | None, list[int] | slice]:
        """The images of a batch by how they are completed. A slice where all agree: nothing is copied to pick them."""
        plans: dict[Plan | None, list[int]] = {}
        for row in range(len(known)):
            plan = self.plan(known[row : row + 1], allowed[row : row + 1], choices, planar)
            plans.setdefault(plan, []).append(row)
        if len(plans) == 1:
            return {plan: slice(None) for plan in plans}
        return plans

    def plan(self, known: Tensor, allowed: Tensor, choices: int, planar: bool) -> Plan | None:
        """How one image is completed, [1, 1, H, W] each; None where it offers too few patches to copy."""
        settings = self.settings
        side = self.patch_side(allowed)
        if side is None:
            return None
        depth, levels = float(depth_in_hole(known).max()), 1
        while depth > settings.depth * (side // 2) and min(known.shape[-2:]) > 3 * side * 2**levels:
            depth, levels = depth / 2, levels + 1
        return Plan(
            side=side,
            levels=settings.levels or levels,
            alternations=(settings.alternations, settings.coarse_alternations),
            searches=(settings.searches, settings.coarse_searches),
            components=settings.components,
            thin=settings.thin,
            spreads=(settings.thin_spread, settings.thick_spread),
            choices=choices,
            planar=planar,
        )

    def patch_side(self, allowed: Tensor) -> int | None:
        """The largest side, up to the one that is set, that leaves enough sources. allowed: [1, 1, H, W]"""
        largest = self.settings.patch or SIDES[0]
        for side in dict.fromkeys((largest | 1, *SIDES)):
            if side <= min(largest | 1, *allowed.shape[-2:]) and source_count(allowed, side) >= ENOUGH:
                return side
        return None


@plain_dataclass(frozen=True)
class Turn:
    """One of several samples."""

    sample: int
    samples: int
    choices: int  # best fits among which its first fill draws
    generator: torch.Generator | None


@plain_dataclass(frozen=True)
class ToldPlan(Plan):
    """A plan that tells how far its completion is, at each turn."""

    tell: Callable[[float], object]

    def hear(self, level: int, levels: int, share: float) -> None:
        """A level has a quarter of the pixels of the one below it; -1 is the finest one, passed again."""
        work = [self.at(number, levels)[0] / 4**number for number in range(levels)]
        if self.planar:
            work, level = [work[0], *work], level + 1
        self.tell(1 - (sum(work[: level + 1]) - share * work[level]) / sum(work))


def told(plan: Plan | None, tell: Callable[[float], object], turn: Turn) -> Plan | None:
    """The plan of one of several samples, which tells what of all of them is done."""
    if plan is None:
        return None
    values = {entry.name: getattr(plan, entry.name) for entry in fields(plan)}
    return ToldPlan(**values, tell=lambda share: tell((turn.sample + share) / turn.samples))


def by_plan(
    plan: Plan | None,
    colours: Tensor,
    known: Tensor,
    whole: Tensor,
    allowed: Tensor,
    generator: torch.Generator | None,
) -> Tensor:
    """[B, C, H, W] -> the same, completed; `known` may tell channels apart, `whole` and `allowed` do not."""
    if plan is None:
        return smooth_fill(colours, known)
    if known.shape[1] > 1:
        colours = torch.where(whole, colours, 0.0)
    return complete_by_exemplars(colours, whole, allowed, plan, generator)


METHOD = Patch
