"""Fréchet inception distance (Heusel et al. 2017) between completed and original images."""

from collections.abc import Mapping

import numpy as np

from inpaint_cli.errors import InputError
from inpaint_cli.metrics.frechet import Statistics, distance, statistics
from inpaint_cli.metrics.metric import LOWER, Column, Completions, Metric, Rows

MODES = {  # --fid-mode -> the metric and what it says of resizing
    "pytorch-fid": ("fid", "pytorch-fid's preprocessing: bilinear to 299×299 without antialiasing"),
    "clean": ("fid-clean", "clean-fid's preprocessing: antialiased bicubic to 299×299 without rounding"),
}


def features(completions: Completions, mode: str) -> dict[str, np.ndarray]:
    """Of the completed images: `features` [N, 2048] and `logits` [N, 1008], float32."""
    network = completions.networks["inception"]
    return completions.once(f"inception {id(network)} {mode}", lambda: network.describe(completions.completed, mode))


def reference_statistics(metric: Metric, rows: Rows) -> Statistics:
    """The statistics that `settle` compares with, from the metric's rows of the original images themselves.

    Those are rows like any others: of `Completions` whose completed images are the originals.
    """
    return statistics(rows[_row(metric.name)])


def _row(name: str) -> str:
    return f"{name}_features".replace("-", "_")


def _metric(mode: str) -> Metric:
    name, preprocessing = MODES[mode]
    column = name.replace("-", "_")

    def rows(completions: Completions) -> dict[str, np.ndarray]:
        return {_row(name): features(completions, mode)["features"]}

    def settle(rows: Rows, references: Mapping[str, Statistics]) -> dict[str, float]:
        if name not in references:
            raise ValueError(f"{name} needs the statistics of the original images")
        if len(rows[_row(name)]) < 2:
            raise InputError(f"{name} needs at least 2 images; there are {len(rows[_row(name)])}")
        return {column: distance(statistics(rows[_row(name)]), references[name])}

    return Metric(
        name=name,
        columns=(Column(column, "", LOWER, 3),),
        definition=(
            f"FID: Fréchet distance between the Inception features (2048, pytorch-fid's network and weights) of the "
            f"completed and of the original images, from eigenvalues; {preprocessing}; grey images as three equal "
            "channels"
        ),
        rows=rows,
        settle=settle,
        networks=("inception",),
        images=2,
        enough=10_000,
        alone=True,
        reference=True,
    )


METRIC, CLEAN = (_metric(mode) for mode in MODES)
