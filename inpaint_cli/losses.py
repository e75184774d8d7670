"""Losses that several papers share. All take and return tensors; a mean is over every element."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor, weights: Tensor | None = None) -> Tensor:
    """-log D(x) - log(1 - D(x̃)), with D the sigmoid of the logits (Goodfellow et al. 2014).

    weights: how much each logit counts in the means, shaped as they are.
    """
    return _mean(F.softplus(-real_logits), weights) + _mean(F.softplus(fake_logits), weights)


def generator_loss(fake_logits: Tensor, weights: Tensor | None = None) -> Tensor:
    """-log D(x̃): the non-saturating form."""
    return _mean(F.softplus(-fake_logits), weights)


def _mean(values: Tensor, weights: Tensor | None) -> Tensor:
    return values.mean() if weights is None else (weights * values).sum() / weights.sum().clamp_min(1e-6)


def masked_squared_error(prediction: Tensor, target: Tensor, where: Tensor) -> Tensor:
    """Mean over all elements of (where ⊙ (prediction - target))²; `where` broadcasts."""
    return (where * (prediction - target)).square().mean()


def wasserstein_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """E[D(x̃)] - E[D(x)], which a critic descends (Arjovsky et al. 2017); -1 times it estimates the distance."""
    return fake_scores.mean() - real_scores.mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """E[(‖∇D(x̂)‖₂ - 1)²] at x̂ uniform on the lines between pairs, in float32 (Gulrajani et al. 2017).

    critic: [B, C, H, W] -> scores [B], each of its own image alone.
    """
    as_written = torch.compiler.set_stance("force_eager")  # compiled networks have no second derivative
    with torch.autocast(real.device.type, enabled=False), as_written:
        share = torch.rand(len(real), 1, 1, 1, device=real.device)
        between = torch.lerp(fake.detach().float(), real.float(), share).requires_grad_()
        (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        return (gradient.flatten(1).norm(dim=1) - 1).square().mean()
