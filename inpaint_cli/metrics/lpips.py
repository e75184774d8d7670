"""Learned perceptual image patch similarity (Zhang et al. 2018)."""

import numpy as np

from inpaint_cli.metrics.metric import LOWER, Column, Completions, Metric


def rows(completions: Completions) -> dict[str, np.ndarray]:
    outputs = completions.networks["lpips"].describe(completions.original, completions.completed)
    return {"lpips": outputs["distance"].astype(np.float64)}


METRIC = Metric(
    name="lpips",
    columns=(Column("lpips", "", LOWER),),
    definition=(
        "LPIPS: Zhang et al. 2018, version 0.1, on torchvision's AlexNet, at the images' own size, grey images as "
        "three equal channels, per image, then averaged over images"
    ),
    rows=rows,
    averages=("lpips",),
    networks=("lpips",),
    smallest_side=32,  # smaller ones leave AlexNet's last stages nothing
)
