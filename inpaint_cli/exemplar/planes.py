"""The one plane around a hole: its two vanishing points, and the homography that turns it to the viewer.

Huang et al., "Image Completion using Planar Structure Guidance", SIGGRAPH 2014, find planes by the vanishing points of
straight edges, and copy along them. Here one plane has to explain nearly all that is around the hole.
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from inpaint_cli.exemplar.segments import Segments, straight_edges

AROUND = 1.5  # how far the hole's surroundings reach, in its longer sides
LEAST_AROUND = 96  # pixels, likewise
LONGEST = 400  # pixels of the surroundings' longer side, to which larger ones are reduced
CANDIDATES = 150  # longest segments, of which each two propose where their lines meet
OFF = np.sin(np.radians(1.5))  # by which a segment may miss a vanishing point that it counts for
SAME = 1e-6  # two lines that differ by less meet nowhere in particular
ROUNDS = 5  # of fitting a vanishing point to those that count for it
COVER = 5.0  # the surroundings' longer sides that all segments take together, at least
SHARE = 0.85  # of their length that goes to the two vanishing points, at least; measured
MINOR = 0.03  # of it that goes to the second, at least
EDGE = 4  # pixels from the hole to the image's edge, at least: a view has nothing beyond it for the hole to go on from
DEEP = 18  # pixels from the hole's middle to its rim, at least: in shallower ones patches fit as they are
ASLANT = 0.05  # by how much the scale changes over the length of the hole, at least
LARGEST = 2.5  # times the scale of the hole's middle that any part of the hole may have


class Plane(NamedTuple):
    """What lies around a hole."""

    homography: np.ndarray  # from the image's pixels to the plane's as it faces the viewer: homogeneous, [3, 3]
    aslant: bool  # whether that differs from what is seen


def plane_around(colours: Tensor, known: Tensor) -> Plane | None:
    """The plane around the hole of one image, [C, H, W] in [-1, 1] and bool [H, W], if there is evidence of just one.

    Scale and place are kept at the middle of the hole.
    """
    missing = (~known).nonzero()
    if not len(missing):
        return None
    first, last = missing.amin(dim=0), missing.amax(dim=0)
    if first.min() < EDGE or (torch.tensor(known.shape, device=known.device) - last).min() <= EDGE:
        return None
    reach = max(LEAST_AROUND, int(AROUND * float((last - first).max() + 1)))
    top, left = ((first - reach).clamp(min=0)).tolist()
    bottom, right = (last + reach + 1).tolist()
    grey, whole, factor = reduced(colours[:, top:bottom, left:right], known[top:bottom, left:right])
    found = plane_of(grey, whole) if ndimage.distance_transform_edt(~whole).max() * factor > DEEP else None
    if found is None:
        return None
    shift = (0.5 - np.array((top, left))) / factor - 0.5
    onto = np.array([[1 / factor, 0, shift[0]], [0, 1 / factor, shift[1]], [0, 0, 1]])
    return Plane(np.linalg.inv(onto) @ found.homography @ onto, found.aslant)


def reduced(colours: Tensor, known: Tensor) -> tuple[np.ndarray, np.ndarray, int]:
    """Brightness in [0, 1] and what is known, at most LONGEST pixels long, and how many times smaller."""
    factor = -(-max(known.shape) // LONGEST)
    grey = functional.avg_pool2d((colours.mean(dim=0, keepdim=True) + 1) / 2, factor)[0]
    whole = functional.avg_pool2d(known[None].float(), factor)[0] > 1 - 1e-6
    return grey.cpu().numpy(), whole.cpu().numpy(), factor


def plane_of(grey: np.ndarray, known: np.ndarray) -> Plane | None:
    """The same for brightness [H, W]."""
    segments = straight_edges(grey, known)
    longest, total = max(known.shape), segments.lengths.sum()
    if total < COVER * longest or known.all():
        return None
    first, explained = vanishing_point(segments, longest)
    rest = segments.of(~explained)
    if rest.lengths.sum() < MINOR * total:
        return None
    second, also = vanishing_point(rest, longest)
    minor = rest.lengths[also].sum()
    if minor < MINOR * total or segments.lengths[explained].sum() + minor < SHARE * total:
        return None
    return turned(first, second, np.argwhere(~known))


def vanishing_point(segments: Segments, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Where most of the segments' lines meet, homogeneous [3], and which ones do, bool [n]. scale: in pixels"""
    size = np.array((scale, scale, 1.0))  # rows and columns of about 1 make the equations well conditioned
    lines = segments.lines() * size
    some = segments.of(np.arange(min(CANDIDATES, len(lines))))
    first, second = np.triu_indices(len(some.lengths), 1)
    meeting = np.cross(lines[first], lines[second])
    meeting = meeting[np.linalg.norm(meeting, axis=1) > SAME] * size
    if not len(meeting):
        return np.array((0.0, 0.0, 1.0)), np.zeros(len(lines), bool)
    score = (np.clip(1 - (misses(meeting, some) / OFF) ** 2, 0, None) * some.lengths).sum(axis=1)
    point = meeting[score.argmax()]
    for _ in range(ROUNDS):
        counted = misses(point[None], segments)[0] < OFF
        weighted = lines[counted] * segments.lengths[counted, None]
        point = np.linalg.svd(weighted, full_matrices=True)[2][-1] * size
    return point, misses(point[None], segments)[0] < OFF


def misses(points: np.ndarray, segments: Segments) -> np.ndarray:
    """Sines of the angles between segments and the way from their centres to each point, [m, 3] -> [m, n]."""
    down, across = (points[:, axis, None] - points[:, 2, None] * segments.centres[:, axis] for axis in (0, 1))
    cross = down * segments.directions[:, 1] - across * segments.directions[:, 0]
    return np.abs(cross) / np.maximum(np.hypot(down, across), 1e-12)


def turned(first: np.ndarray, second: np.ndarray, hole: np.ndarray) -> Plane | None:
    """The plane of two vanishing points, which are infinitely far below and to the right after its homography.

    hole: its pixels [n, 2]. None where the plane is too much aslant within the hole.
    """
    middle = hole.mean(axis=0)
    horizon = np.cross(first, second)
    horizon = horizon / (horizon @ (*middle, 1.0))
    scales = hole @ horizon[:2] + horizon[2]
    if scales.min() < 1 / LARGEST or scales.max() > LARGEST:
        return None
    ways = np.stack([point[:2] - point[2] * middle for point in (first, second)])
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    ways = ways[np.argsort(-np.abs(ways[:, 0]))]  # first the one that goes down
    ways *= np.sign(ways[(0, 1), (0, 1)])[:, None]
    moved = np.array([[1, 0, -middle[0]], [0, 1, -middle[1]]])
    homography = np.vstack((np.linalg.inv(ways.T) @ moved, horizon))
    homography[:2] += np.outer(middle, horizon)  # back to where it was
    return Plane(homography, bool(np.ptp(scales) > ASLANT))
