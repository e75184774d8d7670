"""Losses that several papers share. All take and return tensors; a mean is over every element."""

import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log D(x) - log(1 - D(x̃)), with D the sigmoid of the logits (Goodfellow et al. 2014)."""
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def generator_loss(fake_logits: Tensor) -> Tensor:
    """-log D(x̃): the non-saturating form."""
    return F.softplus(-fake_logits).mean()


def masked_squared_error(prediction: Tensor, target: Tensor, where: Tensor) -> Tensor:
    """Mean over all elements of (where ⊙ (prediction - target))²; `where` broadcasts."""
    return (where * (prediction - target)).square().mean()
