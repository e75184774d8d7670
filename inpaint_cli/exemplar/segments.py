"""Straight edges of the known part of an image.

Pixels at which the brightness changes most are joined with those neighbours whose gradient points about the same way,
as regions grow in Grompone von Gioi et al., "LSD: a Line Segment Detector", Image Processing On Line 2, 2012; a group
that is long and thin is a segment.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

BLUR = 1.0  # pixels, before gradients are taken
REACH = 4  # pixels: how far from unknown ones, and from the image's edge, gradients are taken
STRONG = 0.7  # of the gradients, that are smaller than an edge's; not in a paper, as all here
FAINTEST = 0.01  # of the whole range of brightness, by pixel: no smaller gradient is an edge's
ALIKE = np.cos(np.radians(22.5))  # LSD's tolerance between a pixel's gradient and its region's
SHORTEST = 12.0  # pixels
THICKEST = 0.6  # pixels², variance across a segment
STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))  # to half of a pixel's eight neighbours


class Segments(NamedTuple):
    """Longest first."""

    centres: np.ndarray  # row, column [n, 2]
    directions: np.ndarray  # of length 1, [n, 2]
    lengths: np.ndarray  # pixels [n]

    def of(self, which: np.ndarray) -> "Segments":
        return Segments(self.centres[which], self.directions[which], self.lengths[which])

    def lines(self) -> np.ndarray:
        """Each one's line, l · (row, column, 1) = 0. [n, 3]"""
        normals = np.stack((-self.directions[:, 1], self.directions[:, 0]), axis=1)
        return np.column_stack((normals, -(normals * self.centres).sum(axis=1)))


def straight_edges(grey: np.ndarray, known: np.ndarray) -> Segments:
    """Of one image: brightness in [0, 1], [H, W]; known: bool [H, W]."""
    gradient = np.stack(np.gradient(ndimage.gaussian_filter(grey, BLUR)))
    size = np.hypot(*gradient)
    whole = ndimage.binary_erosion(known, iterations=REACH)
    strong = np.quantile(size[whole], STRONG) if whole.any() else np.inf
    edge = whole & (size > max(FAINTEST, strong))
    pixels, normals = np.argwhere(edge), (gradient[:, edge] / size[edge]).T
    before, after = (
        ndimage.map_coordinates(size, (pixels + side * normals).T, order=1, mode="nearest") for side in (-1, 1)
    )
    ridge = (size[edge] > before) & (size[edge] >= after)
    return gathered(pixels[ridge], normals[ridge], size[edge][ridge], known.shape)


def gathered(pixels: np.ndarray, normals: np.ndarray, weights: np.ndarray, shape: tuple[int, ...]) -> Segments:
    """Groups of pixels [n, 2] beside each other whose normals [n, 2] are alike; each pixel's weight [n]."""
    count, group = connected_components(alike_neighbours(pixels, normals, shape), directed=False)
    total = np.bincount(group, weights, count)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(group, weights * values, count) / total

    centres = np.stack([mean(pixels[:, axis]) for axis in (0, 1)], axis=1)
    down, across = (pixels - centres[group]).T
    rows, columns, both = mean(down**2), mean(across**2), mean(down * across)
    spread, middle = np.hypot((rows - columns) / 2, both), (rows + columns) / 2
    lengths = np.sqrt(12 * (middle + spread))  # of an even distribution
    long_and_thin = np.flatnonzero((lengths > SHORTEST) & (middle - spread < THICKEST))
    angle = np.arctan2(2 * both, rows - columns) / 2
    found = Segments(centres, np.stack((np.cos(angle), np.sin(angle)), axis=1), lengths)
    return found.of(long_and_thin[np.argsort(-lengths[long_and_thin], kind="stable")])


def alike_neighbours(pixels: np.ndarray, normals: np.ndarray, shape: tuple[int, ...]) -> coo_matrix:
    """Which pixels are joined, as a matrix [n, n]. None of them is at the image's edge."""
    number = np.full(shape, -1)
    number[tuple(pixels.T)] = np.arange(len(pixels))
    pairs = []
    for step in STEPS:
        other = number[tuple((pixels + step).T)]
        first = np.flatnonzero(other >= 0)
        alike = (normals[first] * normals[other[first]]).sum(axis=1) > ALIKE
        pairs.append((first[alike], other[first][alike]))
    first, second = np.concatenate(pairs, axis=1)
    return coo_matrix((np.ones(len(first)), (first, second)), shape=(len(pixels), len(pixels)))
