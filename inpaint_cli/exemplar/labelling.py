"""Which shift each missing pixel takes: least seams, by α-expansion.

Boykov, Veksler and Zabih, "Fast Approximate Energy Minimization via Graph Cuts", PAMI 23(11), 2001. The energy of He
and Sun 2012, with distances that are not squared, as in Kwatra et al., "Graphcut Textures", SIGGRAPH 2003: those are a
metric, so that every expansion is a minimum cut. With |u|, the root mean square over the channels,

    E(s) = Σ_p C_p(s(p)) + Σ_pq |u(p + s(p)) - u(p + s(q))| + |u(q + s(p)) - u(q + s(q))|    over neighbours p, q

where C_p compares known pixels q near the rim with what the shift would put there, |u(q + s) - u(q)|.
"""

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

RIM = 2  # pixels: how near to a missing pixel known ones have a say; not in a paper
RIM_WEIGHT = 2.0  # of a known pixel's difference, beside 1 in a seam: it has no counterpart inside the hole
SWEEPS = 2  # through all shifts: further ones change little
NOWHERE = 1e4  # costs a shift that leads to no source
GRAIN = 1000.0  # capacities are whole numbers
LARGEST = 2**28  # of them, so that those of a pixel add up to 32 bits


class Labelling:
    """One image's missing pixels, each with one of the shifts."""

    def __init__(self, image: np.ndarray, known: np.ndarray, allowed: np.ndarray, shifts: np.ndarray):
        """image: [H, W, C]; known, allowed: bool [H, W]; shifts: whole numbers [K, 2]"""
        self.image, self.known, self.allowed = image, known, allowed
        self.shifts = np.concatenate((shifts, np.zeros((1, 2), shifts.dtype)))  # the last leads nowhere
        self.pixels = np.argwhere(~known)  # [V, 2]
        self.places = np.arange(len(self.pixels))
        self.colours, self.usable = self.shifted(self.pixels)  # [K + 1, V, C], [K + 1, V]
        self.costs = np.where(self.usable, self.rim_costs(), NOWHERE)  # [K + 1, V]
        self.first, self.second = self.neighbours()  # [E]
        self.labels = self.costs.argmin(axis=0)  # [V]

    def shifted(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What each shift puts at the pixels, and whether it may be copied. [V, 2] -> [K + 1, V, C], bool [K + 1, V]"""
        height, width = self.known.shape
        where = pixels + self.shifts[:, None]
        inside = ((where >= 0) & (where < (height, width))).all(axis=2)
        row, column = where[..., 0].clip(0, height - 1), where[..., 1].clip(0, width - 1)
        return self.image[row, column], inside & self.allowed[row, column]

    def rim_costs(self) -> np.ndarray:
        """How far each shift is from the known pixels near each missing one. [K + 1, V]"""
        height, width = self.known.shape
        costs = np.zeros(self.usable.shape)
        for step in np.ndindex(2 * RIM + 1, 2 * RIM + 1):
            beside = self.pixels + step - RIM
            row, column = beside[:, 0].clip(0, height - 1), beside[:, 1].clip(0, width - 1)
            there = (beside == np.stack((row, column), axis=1)).all(axis=1) & self.known[row, column]
            if there.any():
                colours, usable = self.shifted(beside[there])
                wrong = length(colours - self.image[row[there], column[there]])
                costs[:, there] += RIM_WEIGHT * np.where(usable, wrong, 0.0)
        return costs

    def neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of missing pixels beside and above each other, by their place in the list. [E], [E]"""
        number = np.full(self.known.shape, -1)
        number[tuple(self.pixels.T)] = self.places
        across, down = (number[:, :-1], number[:, 1:]), (number[:-1], number[1:])
        first, second = (np.concatenate((across[side].ravel(), down[side].ravel())) for side in (0, 1))
        both = (first >= 0) & (second >= 0)
        return first[both], second[both]

    def seams(self, one: np.ndarray | int, other: np.ndarray | int) -> np.ndarray:
        """What it costs that the first pixel of each pair has the shift `one`, the second the shift `other`. [E]"""
        at_first = length(self.colours[one, self.first] - self.colours[other, self.first])
        return at_first + length(self.colours[one, self.second] - self.colours[other, self.second])

    def solve(self) -> np.ndarray:
        """The pixels to copy, the missing ones themselves where no shift leads to a source. [V, 2]"""
        for _ in range(SWEEPS):
            for shift in range(len(self.shifts) - 1):
                if self.usable[shift].any():
                    self.expand(shift)
        found = np.where(self.usable[self.labels, self.places, None], self.shifts[self.labels], 0)
        return self.pixels + found

    def expand(self, shift: int) -> None:
        """The best labelling in which any pixels change to `shift`: x = 1 where they do, E as a sum over x."""
        one, other = self.labels[self.first], self.labels[self.second]
        stay, second_changes, first_changes = self.seams(one, other), self.seams(one, shift), self.seams(shift, other)
        gain = self.costs[self.labels, self.places] - self.costs[shift]
        count = len(self.places)
        gain += np.bincount(self.first, stay - first_changes, count) + np.bincount(self.second, first_changes, count)
        change = minimum_cut(gain, self.first, self.second, (second_changes + first_changes - stay).clip(0))
        self.labels = np.where(change, shift, self.labels)


def length(difference: np.ndarray) -> np.ndarray:
    """[..., C] -> [...], the root mean square"""
    return np.sqrt(np.square(difference).mean(axis=-1))


def minimum_cut(gain: np.ndarray, first: np.ndarray, second: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """The x that minimises Σ_p -gain_p x_p + Σ_pq apart_pq (1 - x_p) x_q over the pairs. bool [V]

    Half of what a pair can carry flows in advance, both ways alike then: so the cut is found in half the time.
    """
    count = len(gain)
    source, sink, nodes = np.full(count, count), np.full(count, count + 1), np.arange(count)
    gain, apart = (np.rint(values * GRAIN).clip(-LARGEST, LARGEST) for values in (gain, apart))
    half = apart // 2
    gain = gain + np.bincount(first, half, count) - np.bincount(second, half, count)
    capacities = np.concatenate((gain.clip(0), (-gain).clip(0), apart - half, half)).astype(np.int32)
    ends = np.concatenate((source, nodes, second, first)), np.concatenate((nodes, sink, first, second))
    graph = csr_matrix((capacities, ends), shape=(count + 2, count + 2))
    graph.eliminate_zeros()
    left = graph - maximum_flow(graph, count, count + 1).flow
    left.eliminate_zeros()
    changes = np.zeros(count + 2, bool)
    changes[breadth_first_order(left, count, return_predecessors=False)] = True  # what the source still reaches
    return changes[:count]
