"""Fréchet distance of two normal distributions, and the statistics it compares: computed, kept, exchanged."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigvalsh
from scipy.linalg.lapack import dpstrf

from inpaint_cli.errors import InputError
from inpaint_cli.files import open_regular, replacing

ROWS_AT_ONCE = 4096
VERSION = 1  # of how statistics are computed: raised when they change, so that kept ones are not used


class Statistics(NamedTuple):
    """Mean [D] and covariance [D, D] of features, float64."""

    mean: np.ndarray
    covariance: np.ndarray


def statistics(features: np.ndarray) -> Statistics:
    """Of features [N, D], N at least 2, divided by N - 1; in blocks of rows, so that large sets fit the memory."""
    if len(features) < 2:
        raise InputError(f"the covariance of features needs at least 2 images; there are {len(features)}")
    mean = features.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((features.shape[1],) * 2)
    for start in range(0, len(features), ROWS_AT_ONCE):
        centred = features[start : start + ROWS_AT_ONCE] - mean
        covariance += centred.T @ centred
    return Statistics(mean, covariance / (len(features) - 1))


def distance(first: Statistics, second: Statistics) -> float:
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁ Σ₂)^½), Eq. 6 of Heusel et al. 2017.

    With Σ₁ = F Fᵀ the matrix Fᵀ Σ₂ F has the eigenvalues of Σ₁ Σ₂, but is symmetric: the trace of the root is the sum
    of the roots of its eigenvalues, which are real and cost a fraction of a matrix's root. Rounding may leave some of
    them, and the distance of equal statistics, below zero by a hair: those are zero.
    """
    if first.mean.shape != second.mean.shape:
        raise InputError(
            f"statistics of {len(first.mean)} and of {len(second.mean)} features come from different networks"
        )
    factor = _factor(first.covariance)
    eigenvalues = eigvalsh(factor.T @ second.covariance @ factor, check_finite=False) if factor.size else np.zeros(1)
    root = np.sqrt(np.clip(eigenvalues, 0, None)).sum()
    apart = np.square(first.mean - second.mean).sum()
    return max(0.0, float(apart + np.trace(first.covariance) + np.trace(second.covariance) - 2 * root))


def _factor(covariance: np.ndarray) -> np.ndarray:
    """F [D, rank] with F Fᵀ = Σ: Cholesky with pivots, since fewer images than features leave Σ without full rank."""
    lower, pivots, rank, _ = dpstrf(covariance, lower=1)
    factor = np.empty((len(covariance), rank))
    factor[pivots - 1] = np.tril(lower)[:, :rank]
    return factor


def save_statistics(path: Path, stored: Statistics, overwrite: bool = True) -> None:
    """`.npz` with `mu` and `sigma`, as pytorch-fid and clean-fid read it."""
    with replacing(path, overwrite) as temporary, temporary.open("wb") as file:
        np.savez(file, mu=stored.mean, sigma=stored.covariance)


def load_statistics(path: Path) -> Statistics:
    """Read what `save_statistics`, pytorch-fid or clean-fid wrote; `InputError` when the file is something else."""
    try:
        with open_regular(path) as content, np.load(content, allow_pickle=False) as file:
            mean, covariance = (np.asarray(file[name], dtype=np.float64) for name in ("mu", "sigma"))
    except InputError:
        raise
    except Exception as error:  # readers of foreign files raise nearly every kind
        raise InputError(f"{path}: not statistics for the FID: an .npz with mu and sigma ({error})") from None
    if mean.ndim != 1 or covariance.shape != mean.shape * 2 or not len(mean):
        raise InputError(f"{path}: mu {mean.shape} and sigma {covariance.shape} are no mean and covariance")
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise InputError(f"{path}: its mu or sigma holds values that are not finite")
    if not np.allclose(covariance, covariance.T, atol=1e-6 * max(1e-30, np.abs(covariance).max())):
        raise InputError(f"{path}: its sigma is not symmetric, so that it is no covariance")
    return Statistics(mean, covariance)


def kept_statistics(folder: Path, identity: dict[str, str | int], compute: Callable[[], Statistics]) -> Statistics:
    """The statistics of what `identity` names, from `folder` (made if need be) or computed and kept there.

    identity: everything that the statistics depend on, such as the data's identity, split, number of images, mode and
    the weights' digest. A damaged file is computed again.
    """
    key = hashlib.sha256(json.dumps({**identity, "version": VERSION}, sort_keys=True).encode()).hexdigest()
    path = folder / f"{key[:32]}.npz"
    if path.is_file():
        try:
            return load_statistics(path)
        except InputError:
            pass  # damaged: computed again and replaced
    found = compute()
    folder.mkdir(parents=True, exist_ok=True)
    save_statistics(path, found)
    return found
