"""Poisson's equation on the missing pixels of an image, solved for many planes at once.

A = -Δ with five points: Dirichlet at known neighbours of the hole, Neumann at the image's borders. How A h = r is
solved depends on the part of the hole:

- a filled rectangle: a division in a basis of sines and cosines;
- any other: A is factorised, once for a mask, whatever the number of planes and calls (the masks used last are kept);
- a very large one, and any on a GPU: conjugate gradients for all planes at once, preconditioned by a multigrid V-cycle
  with bilinear interpolation and Galerkin coarse operators (Briggs, Henson, McCormick, "A Multigrid Tutorial", SIAM
  2000; O. Tatebe, "The Multigrid Preconditioned Conjugate Gradient Method", 1993).

All of it computes in float64.
"""

import math
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from scipy import ndimage, sparse
from scipy.sparse.linalg import splu
from torch import Tensor

TOLERANCE = 1e-9  # of the residual, relative to the right side, where a solver iterates
STEPS = ((0, 1), (0, -1), (1, 0), (-1, 0))  # rows and columns to the four neighbours
RECTANGLE_PIXELS = 64  # smaller rectangles are left to the factorisation, which takes any number of them at once
RECTANGLE_SIDE = 512  # beyond, dense transforms cost more than conjugate gradients
FACTORISED_PIXELS = 100_000  # beyond, conjugate gradients are faster than one factorisation, and need less memory
CACHE_BYTES = 256 * 2**20


def distinct_masks(mask: Tensor, shape: tuple[int, ...]) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Each hole that occurs (bool [H, W], true = missing), with the planes b·C + c of [B, C, H, W] that have it."""
    missing = (mask <= 0).cpu().numpy().reshape(-1, *shape[-2:])
    numbers = np.arange(len(missing)).reshape(*mask.shape[:2], 1, 1)
    owners = np.broadcast_to(numbers, (*shape[:2], 1, 1)).ravel()
    groups: dict[bytes, list[int]] = {}
    for number, plane_mask in enumerate(missing):
        groups.setdefault(plane_mask.tobytes(), []).append(number)
    for members in groups.values():
        hole = missing[members[0]]
        if hole.any():
            yield hole, torch.from_numpy(np.flatnonzero(np.isin(owners, members))).to(mask.device)


class Solver(Protocol):
    """h of A h = r, to a tolerance that a solver may surpass: [planes, n] -> [planes, n]."""

    bytes: int  # of memory that it holds, about

    def __call__(self, right: Tensor, tolerance: float) -> Tensor: ...


class Part(NamedTuple):
    """Some of a hole's pixels, none of them a neighbour of the rest."""

    members: Tensor  # positions among the hole's pixels
    solve: Solver


class Hole:
    """The missing pixels of one mask, and A factorised on them."""

    def __init__(self, missing: np.ndarray, device: torch.device):
        """missing: bool [H, W], true = missing; not everywhere."""
        self.size, self.device = size_of(missing), device
        flat = np.flatnonzero(missing)
        self.pixels = torch.from_numpy(flat).to(device)  # [n], positions in the flattened image
        rows, columns = np.divmod(flat, missing.shape[1])
        rim = [np.flatnonzero(~missing[_clip(rows + down, columns + right, self.size)]) for down, right in STEPS]
        known = [flat[k] + down * self.size[1] + right for k, (down, right) in zip(rim, STEPS, strict=True)]
        self.rim = torch.from_numpy(np.concatenate(rim)).to(device)  # [e], missing pixels with a known neighbour
        self.known = torch.from_numpy(np.concatenate(known)).to(device)  # [e], that neighbour
        self.parts = list(parts_of(missing, rows, columns, device))

    def jumps_at_the_rim(self, source: Tensor, target: Tensor, planes: Tensor) -> Tensor:
        """r = Σ over known neighbours of target - source. [planes, H·W], twice -> [selected planes, n]"""
        where = planes[:, None], self.known
        jumps = target[where].double() - source[where].double()
        return jumps.new_zeros(len(planes), len(self.pixels)).index_add_(1, self.rim, jumps)

    def jumps_against(self, gradient: Tensor, pasted: Tensor, planes: Tensor) -> Tensor:
        """r = div(∇pasted - gradient). [planes, 2, H·W], [planes, H·W] -> [selected planes, n]"""
        width, rows = self.size[1], self.pixels // self.size[1]
        columns, chosen = self.pixels % width, planes[:, None]
        total = torch.zeros(len(planes), len(self.pixels), dtype=torch.float64, device=self.device)
        for down, right in STEPS:
            inside = is_inside(rows + down, columns + right, self.size)
            here = self.pixels[inside]
            there, sign = here + down * width + right, down + right
            jump = pasted[chosen, there].double() - pasted[chosen, here].double()
            total[:, inside] += jump - sign * gradient[chosen, abs(down), torch.minimum(here, there)].double()
        return total

    def solve(self, right: Tensor, tolerance: float = TOLERANCE) -> Tensor:
        """h of A h = r. [planes, n] -> [planes, n], float64. A larger tolerance is for who improves on h anyway."""
        solution = torch.empty_like(right)
        for part in self.parts:
            solution[:, part.members] = part.solve(right[:, part.members], tolerance)
        return solution

    def bytes(self) -> int:
        """The memory that it holds, about."""
        return 8 * (len(self.pixels) + 2 * len(self.rim)) + sum(part.solve.bytes for part in self.parts)


def size_of(missing: np.ndarray) -> tuple[int, int]:
    """Height and width."""
    height, width = missing.shape
    return height, width


Places = TypeVar("Places", np.ndarray, Tensor)


def is_inside(rows: Places, columns: Places, size: tuple[int, int]) -> Places:
    """Whether positions (both arrays, or both tensors) lie inside the image."""
    return (rows >= 0) & (rows < size[0]) & (columns >= 0) & (columns < size[1])


def _clip(rows: np.ndarray, columns: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Positions beyond the image moved to its border: from a missing pixel one step outside, that is itself."""
    return rows.clip(0, size[0] - 1), columns.clip(0, size[1] - 1)


def parts_of(missing: np.ndarray, rows: np.ndarray, columns: np.ndarray, device: torch.device) -> Iterator[Part]:
    """Rectangles of some size each by itself, all else as one sparse system."""
    labels, _ = ndimage.label(missing)
    rest = np.ones(len(rows), dtype=bool)
    numbers = labels[rows, columns]
    areas = np.bincount(numbers)
    for number, (down, right) in enumerate(ndimage.find_objects(labels), start=1):
        height, width = down.stop - down.start, right.stop - right.start
        if areas[number] < max(RECTANGLE_PIXELS, height * width) or max(height, width) > RECTANGLE_SIDE:
            continue
        known = (down.start > 0, down.stop < missing.shape[0]), (right.start > 0, right.stop < missing.shape[1])
        members = numbers == number
        rest &= ~members
        yield Part(torch.from_numpy(np.flatnonzero(members)).to(device), Rectangle((height, width), known, device))
    if rest.any():
        yield Part(
            torch.from_numpy(np.flatnonzero(rest)).to(device), solver(missing, rows[rest], columns[rest], device)
        )


def solver(missing: np.ndarray, rows: np.ndarray, columns: np.ndarray, device: torch.device) -> Solver:
    """The sparse system of these pixels, made ready to be solved."""
    matrix = negative_laplacian(size_of(missing), rows, columns)
    if device.type == "cpu" and len(matrix.indptr) <= FACTORISED_PIXELS:
        return Factorisation(matrix)
    return ConjugateGradients(matrix, rows, columns, size_of(missing), device)


def negative_laplacian(size: tuple[int, int], rows: np.ndarray, columns: np.ndarray) -> sparse.csc_array:
    """A on the given pixels of an image: Dirichlet at all other pixels, Neumann at the image's borders."""
    number = np.full(size, -1, dtype=np.int32)
    number[rows, columns] = np.arange(len(rows), dtype=np.int32)
    degree, pairs = np.zeros(len(rows)), []
    for down, right in STEPS:
        inside = is_inside(rows + down, columns + right, size)
        neighbour = np.where(inside, number[_clip(rows + down, columns + right, size)], -1)
        degree += inside
        pairs.append(np.stack([np.flatnonzero(neighbour >= 0), neighbour[neighbour >= 0]]).astype(np.int32))
    first, second = np.concatenate(pairs, axis=1)
    neighbours = sparse.coo_array((np.full(len(first), -1.0), (first, second)), (len(rows), len(rows)))
    return (neighbours + sparse.diags_array(degree)).tocsc()


class HoleCache:
    """The holes used last, as many as fit into CACHE_BYTES."""

    def __init__(self) -> None:
        self.holes: OrderedDict[tuple[bytes, tuple[int, int], torch.device], Hole] = OrderedDict()

    def get(self, missing: np.ndarray, device: torch.device) -> Hole:
        key = (sha256(np.packbits(missing).tobytes()).digest(), size_of(missing), device)
        hole = self.holes.pop(key, None) or Hole(missing, device)
        self.holes[key] = hole
        while sum(kept.bytes() for kept in self.holes.values()) > CACHE_BYTES:
            self.holes.popitem(last=False)
        return hole


HOLES = HoleCache()


# -- solvers of A h = r: [planes, n] -> [planes, n]


class Rectangle:
    """A filled rectangle: A is diagonal in a basis of sines and cosines."""

    def __init__(self, size: tuple[int, int], known: tuple[tuple[bool, bool], tuple[bool, bool]], device: torch.device):
        """size: height and width; known: whether pixels lie above and below it, and left and right of it."""
        (self.rows, down), (self.columns, across) = (
            eigenbasis(length, *ends, device) for length, ends in zip(size, known, strict=True)
        )
        self.scale = 1.0 / (down[:, None] + across)
        self.bytes = 8 * (self.rows.numel() + self.columns.numel() + self.scale.numel())

    def __call__(self, right: Tensor, tolerance: float) -> Tensor:
        images = right.view(len(right), *self.scale.shape)
        spectrum = (self.rows.T @ images @ self.columns) * self.scale
        return (self.rows @ spectrum @ self.columns.T).flatten(1)


@lru_cache(maxsize=64)
def eigenbasis(length: int, low: bool, high: bool, device: torch.device) -> tuple[Tensor, Tensor]:
    """Orthonormal eigenvectors (one per column) and eigenvalues of -∂² on `length` pixels.

    low, high: whether a known pixel lies before the first and after the last one (Dirichlet), or nothing (Neumann).
    """
    if high and not low:
        basis, values = eigenbasis(length, high, low, device)
        return basis.flip(0), values
    pixel = torch.arange(length, dtype=torch.float64, device=device)[:, None]
    if low and high:
        frequency = (pixel.T + 1) * math.pi / (length + 1)
        basis = torch.sin(frequency * (pixel + 1))
    elif low:
        frequency = (pixel.T + 0.5) * math.pi / (length + 0.5)
        basis = torch.sin(frequency * (pixel + 1))
    else:
        frequency = pixel.T * math.pi / length
        basis = torch.cos(frequency * (pixel + 0.5))
    return basis / basis.norm(dim=0), 2.0 - 2.0 * torch.cos(frequency[0])


class Factorisation:
    """A sparse LU; the minimum degree ordering of a symmetric matrix fills in least of those that SciPy offers."""

    def __init__(self, matrix: sparse.csc_array):
        options = {"diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
        self.factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", **options)
        self.bytes = 12 * self.factors.nnz

    def __call__(self, right: Tensor, tolerance: float) -> Tensor:
        return torch.from_numpy(self.factors.solve(right.contiguous().numpy().T).T)


ITERATIONS = 500  # 10 to 20 are usual
COARSEST = 400  # pixels that a dense matrix solves
DAMPING = 0.8  # of Jacobi sweeps: smooths best for the five-point Laplacian in two dimensions
SWEEPS = 2  # before and after each coarser level


class ConjugateGradients:
    """Conjugate gradients for all planes at once, preconditioned by a V-cycle; on any device."""

    def __init__(
        self, matrix: sparse.sparray, rows: np.ndarray, columns: np.ndarray, size: tuple[int, int], device: torch.device
    ):
        self.levels: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []  # A, damping / diagonal, interpolation, transpose
        self.bytes = 0
        while len(rows) > COARSEST:
            interpolation, rows, columns = interpolation_to(rows, columns, size)
            size = halved(size)
            weight = torch.from_numpy(DAMPING / matrix.diagonal()).to(device)[:, None]
            operators = (matrix, interpolation, interpolation.T)
            self.bytes += 16 * sum(operator.nnz for operator in operators)
            a, down, up = (_on_device(operator, device) for operator in operators)
            self.levels.append((a, weight, down, up))
            matrix = interpolation.T @ matrix @ interpolation
        self.coarsest = torch.from_numpy(np.linalg.inv(matrix.toarray())).to(device)
        self.matrix = self.levels[0][0] if self.levels else torch.from_numpy(matrix.toarray()).to(device)

    def __call__(self, right: Tensor, tolerance: float) -> Tensor:
        residual = right.T.contiguous()  # [n, planes]
        solution = torch.zeros_like(residual)
        enough = tolerance * residual.norm(dim=0)
        direction = preconditioned = self.cycle(residual)
        energy = (residual * preconditioned).sum(dim=0)
        for _ in range(ITERATIONS):
            moving = residual.norm(dim=0) > enough  # a plane at rest stays, so that no other can move it
            if not moving.any():
                break
            image = self.matrix @ direction
            step = torch.where(moving, energy / (direction * image).sum(dim=0), 0.0)
            solution += step * direction
            residual -= step * image
            preconditioned = self.cycle(residual)
            before, energy = energy, (residual * preconditioned).sum(dim=0)
            direction = preconditioned + torch.where(moving, energy / before, 0.0) * direction
        return solution.T

    def cycle(self, right: Tensor, level: int = 0) -> Tensor:
        """About A⁻¹ right: Jacobi sweeps, the correction of the coarser level, the same sweeps again."""
        if level == len(self.levels):
            return self.coarsest @ right
        matrix, weight, interpolation, transpose = self.levels[level]
        solution = weight * right
        for _ in range(SWEEPS - 1):
            solution += weight * (right - matrix @ solution)
        solution += interpolation @ self.cycle(transpose @ (right - matrix @ solution), level + 1)
        for _ in range(SWEEPS):
            solution += weight * (right - matrix @ solution)
        return solution


def halved(size: tuple[int, int]) -> tuple[int, int]:
    """The size in cells of 2×2 pixels."""
    return (size[0] + 1) // 2, (size[1] + 1) // 2


def interpolation_to(
    rows: np.ndarray, columns: np.ndarray, size: tuple[int, int]
) -> tuple[sparse.csr_array, np.ndarray, np.ndarray]:
    """Bilinear interpolation from the cells of 2×2 pixels that hold a missing one. -> [n, cells], the cells' places

    At the rim the weights of cells that hold none are left out, so that what is interpolated falls to 0 there; at the
    image's border they fall to the cell itself.
    """
    coarse = halved(size)
    number = np.full(coarse, -1, dtype=np.int32)
    number[rows // 2, columns // 2] = 0
    cells = np.nonzero(number == 0)
    number[cells] = np.arange(len(cells[0]), dtype=np.int32)
    pixels, entries = np.arange(len(rows), dtype=np.int32), []
    for down, far_row in ((0, 0.75), (2 * (rows % 2) - 1, 0.25)):
        for right, far_column in ((0, 0.75), (2 * (columns % 2) - 1, 0.25)):
            cell = number[_clip(rows // 2 + down, columns // 2 + right, coarse)]
            there = cell >= 0
            entries.append((np.full(there.sum(), far_row * far_column), pixels[there], cell[there]))
    weight, pixel, cell = (np.concatenate(column) for column in zip(*entries, strict=True))
    interpolation = sparse.coo_array((weight, (pixel, cell)), (len(rows), len(cells[0])))
    return interpolation.tocsr(), *cells


def _on_device(matrix: sparse.sparray, device: torch.device) -> Tensor:
    matrix = matrix.tocsr()
    with warnings.catch_warnings():  # torch announces that its sparse tensors are in beta state
        warnings.simplefilter("ignore", UserWarning)
        starts, columns, values = (torch.from_numpy(array) for array in (matrix.indptr, matrix.indices, matrix.data))
        return torch.sparse_csr_tensor(starts, columns, values, matrix.shape, check_invariants=False).to(device)
