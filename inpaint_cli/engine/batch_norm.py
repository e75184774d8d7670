"""Batch norm over all processes of a team: two that see half a batch each normalise as one that sees all of it.

torch's own synchronised batch norm is for GPUs alone, and has no second derivative, which gradient penalties take.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from inpaint_cli.engine.processes import Team


def synchronise(network: nn.Module, team: Team) -> None:
    """Make every batch norm of the network one of the team, in place; weights, statistics and names stay."""
    for norm in network.modules():
        if isinstance(norm, _BatchNorm):
            norm.__class__ = TeamBatchNorm  # in place, since methods refer to their networks in several ways
            vars(norm)["team"] = team


class TeamBatchNorm(_BatchNorm):
    """In training by the mean and variance of what all processes see; in evaluation as any batch norm."""

    team: Team

    def _check_input_dim(self, input: Tensor) -> None:
        """[B, C, ...]: whatever the batch norm before it took."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        mean, variance = _statistics(input, self.team)
        self._remember(mean.detach(), variance.detach(), input.numel() // self.num_features * self.team.size)
        scale = (variance + self.eps).rsqrt()
        scale = scale if self.weight is None else scale * self.weight
        shift = -mean * scale if self.bias is None else self.bias - mean * scale
        channels = (1, -1, *(1 for _ in input.shape[2:]))
        return torch.addcmul(shift.view(channels), input, scale.view(channels)).to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Running statistics, as torch's batch norm keeps them: the variance is the unbiased one of `count` values."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        share = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance * count / (count - 1), share)


@torch.compiler.disable  # which knows no sum over processes
def _statistics(input: Tensor, team: Team) -> tuple[Tensor, Tensor]:
    """Mean and variance over the team, [C] each; every process sees as many values."""
    others = [axis for axis in range(input.dim()) if axis != 1]
    own = torch.stack(torch.var_mean(input.float(), others, correction=0))  # [2, C]
    place = torch.zeros(team.size, 1, 1, device=own.device)
    place[team.rank] = 1
    variances, means = _Total.apply(place * own, team).unbind(1)  # [processes, C] each
    mean = means.mean(0)
    return mean, (variances + (means - mean).square()).mean(0)


class _Total(torch.autograd.Function):
    """The sum over the team, which every process goes on with: its gradient is the sum of all their gradients."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, team: Team) -> Tensor:
        ctx.team = team
        return team.total(own)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Total.apply(gradient, ctx.team), None
