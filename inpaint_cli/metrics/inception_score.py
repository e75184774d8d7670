"""Inception score (Salimans et al. 2016): clear and varied classes of the completed images."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import log_softmax

from inpaint_cli.errors import InputError
from inpaint_cli.metrics.metric import NEITHER, Column, Completions, Metric, Rows

SPLITS = 10
SEED = 0  # of the shuffle: neighbours in a data set are often alike, and must not fill a split


def rows(completions: Completions) -> dict[str, np.ndarray]:
    """log p(class | image), float32 [N, classes]. Inception's features serve the FID too: computed once."""
    network = completions.networks["classifier"]
    key = f"inception {id(network)} pytorch-fid"
    outputs = completions.once(key, lambda: network.describe(completions.completed))
    return {"class_log_probabilities": log_softmax(outputs["logits"].astype(np.float64), axis=1).astype(np.float32)}


def score(log_probabilities: np.ndarray) -> float:
    """exp(E_x KL(p(y|x) ‖ p(y))): 1 when all images look alike, the number of classes at most. [N, K]"""
    log_each = log_probabilities.astype(np.float64)
    each = np.exp(log_each)
    whole = each.mean(axis=0)
    log_whole = np.log(np.maximum(whole, np.finfo(np.float64).tiny))
    return float(np.exp((each * (log_each - log_whole)).sum(axis=1).mean()))


def settle(rows: Rows, references: Mapping[str, Any]) -> dict[str, float]:
    """Mean and standard deviation over ten splits of the shuffled images."""
    log_probabilities = rows["class_log_probabilities"]
    if len(log_probabilities) < SPLITS:
        raise InputError(f"the inception score needs at least {SPLITS} images; there are {len(log_probabilities)}")
    order = np.random.default_rng(SEED).permutation(len(log_probabilities))
    scores = [score(log_probabilities[part]) for part in np.array_split(order, SPLITS)]
    return {"inception_score": float(np.mean(scores)), "inception_score_std": float(np.std(scores))}


METRIC = Metric(
    name="inception-score",
    columns=(Column("inception_score", decimals=3), Column("inception_score_std", "", NEITHER, 3)),
    definition=(
        "inception score: exp(mean KL(p(class | image) ‖ p(class))) of the completed images by the named classifier "
        "(pytorch-fid's Inception without its last bias, or one of the user's), shuffled with a fixed seed, mean of 10 "
        "splits; inception_score_std: standard deviation of the 10"
    ),
    rows=rows,
    settle=settle,
    networks=("classifier",),
    images=SPLITS,
    enough=10_000,
    alone=True,
)
