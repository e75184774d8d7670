"""A first fill by few shifts: the dominant offsets between similar patches of the known part.

He and Sun, "Statistics of Patch Offsets for Image Completion", ECCV 2012: the offsets from known patches to their most
similar ones gather at few places, along which regular structure goes on. Every missing pixel takes one of these shifts,
with least seams (exemplar/labelling.py). Whole regions are copied as they are, so that their texture, empty or full, is
that of their source, where the best fit for every single patch would be the emptiest.
"""

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from inpaint_cli.exemplar.labelling import Labelling
from inpaint_cli.exemplar.layout import Descriptors, Layout
from inpaint_cli.exemplar.pyramid import Level

SHIFTS = 60  # K in He and Sun 2012, section 4
NEAREST = 15  # τ there: a shift is at least a 15th of the image's longer side
REACH = 512  # pixels of the level: longer shifts are not counted
BLUR = 2**0.5  # σ there, of the histogram of offsets
PAIRS = 16_000_000  # of known patches that are compared: all of them with as many of them as that allows
AT_A_TIME = 1_000_000  # as in exemplar/field.py


def fill_by_shifts(
    level: Level,
    layout: Layout,
    descriptors: Descriptors,
    wanted: Tensor,
    most: int = SHIFTS,
    share: float = 1.0,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """The missing pixels of the images `wanted`, bool [B], and those that they copy, themselves where no shift leads.

    most: how many of the dominant shifts are taken for an image; share: of them, that are drawn. [V], [V]
    """
    missing, copied = [level.known.new_zeros(0, dtype=torch.long)], [level.known.new_zeros(0, dtype=torch.long)]
    for image in wanted.nonzero()[:, 0].tolist():
        known, allowed = (part[image, 0].cpu().numpy() for part in (level.known, level.allowed))
        shifts = dominant_shifts(layout, descriptors, image)[:most]
        if share < 1:
            drawn = torch.rand(len(shifts), generator=generator, device=level.known.device) < share
            shifts = shifts[drawn.cpu().numpy()]
        labelling = Labelling(level.colours[image].permute(1, 2, 0).cpu().numpy(), known, allowed, shifts)
        for pixels, numbers in ((labelling.pixels, missing), (labelling.solve(), copied)):
            number = pixels[:, 0] * layout.width + pixels[:, 1] + image * layout.area
            numbers.append(torch.from_numpy(number).to(level.known.device))
    return torch.cat(missing), torch.cat(copied)


def dominant_shifts(layout: Layout, descriptors: Descriptors, image: int) -> np.ndarray:
    """The most frequent offsets from a source patch to its nearest that is not beside it. [K, 2], rows and columns"""
    least, reach = max(layout.height, layout.width) / NEAREST, np.minimum((layout.height, layout.width), REACH)
    offsets = nearest_offsets(layout, descriptors, image, least)
    offsets = offsets[(np.abs(offsets) <= reach).all(axis=1)]
    counts = np.zeros(2 * reach + 1)
    np.add.at(counts, tuple((offsets + reach).T), 1)
    counts = ndimage.gaussian_filter(counts + counts[::-1, ::-1], BLUR, mode="constant")
    peaks = np.argwhere((counts == ndimage.maximum_filter(counts, 5)) & (counts > 0))
    order = np.argsort(-counts[tuple(peaks.T)], kind="stable")
    shifts = peaks[order] - reach
    return shifts[np.abs(shifts).max(axis=1) >= least][:SHIFTS]


def nearest_offsets(layout: Layout, descriptors: Descriptors, image: int, least: float) -> np.ndarray:
    """From some of the source patches to the nearest other one, at least `least` rows or columns away. [n, 2]"""
    first, count = int(layout.first_source[image]), int(layout.source_count[image])
    offered = descriptors.sources[first : first + count]
    inside = layout.sources[first : first + count] % layout.area
    row, column = (inside // layout.width).float(), (inside % layout.width).float()  # compared faster than integers
    square, found = offered.square().sum(dim=1), []
    chosen = torch.arange(0, count, max(1, count * count // PAIRS), device=inside.device)
    for part in chosen.split(max(1, AT_A_TIME // count)):
        distances = torch.addmm(square, offered[part], offered.T, alpha=-2.0)
        beside = ((row[part, None] - row).abs() < least) & ((column[part, None] - column).abs() < least)
        nearest = distances.masked_fill_(beside, torch.inf).argmin(dim=1)
        found.append(torch.stack((row[nearest] - row[part], column[nearest] - column[part]), dim=1))
    return torch.cat(found).long().cpu().numpy()
