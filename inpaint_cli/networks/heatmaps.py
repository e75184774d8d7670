"""Labels as maps that a network can aim at: a Gaussian at each landmark, and the point read back from a map's peak; a
binary map for each part of a face; and a squared error in which small parts count.

Pfister, Charles, Zisserman: Flowing ConvNets for Human Pose Estimation in Videos, ICCV 2015; Payer, Štern, Bischof,
Urschler: Regressing Heatmaps for Multiple Landmark Localization Using CNNs, MICCAI 2016.
"""

import torch
from torch import Tensor

FLOOR = 1e-4  # of a map's values: below, their logarithms say nothing
LEAST = 1e-3  # share of a map that its foreground or background counts as, at least: an empty map weighs no more


def heatmaps(points: Tensor, height: int, width: int, sigma: float) -> Tensor:
    """[B, K, 2] of x, y in pixels, whose middles are whole numbers -> [B, K, H, W] in [0, 1], 1 at the point.

    A point outside of the image leaves what of its Gaussian lies inside.
    """
    x = torch.arange(width, device=points.device, dtype=torch.float32)
    y = torch.arange(height, device=points.device, dtype=torch.float32)
    across = torch.exp(-((x - points[..., :1]) ** 2) / (2 * sigma**2))  # [B, K, W]
    down = torch.exp(-((y - points[..., 1:]) ** 2) / (2 * sigma**2))
    return down[..., :, None] * across[..., None, :]


def peaks(maps: Tensor) -> Tensor:
    """Each map's highest point with sub-pixel precision: [B, K, H, W] in [0, 1] -> [B, K, 2] of x, y.

    A Gaussian's logarithm is a parabola: the one through the highest pixel and its neighbours has its top at the point.
    """
    height, width = maps.shape[-2:]
    logs = maps.float().clamp_min(FLOOR).log()
    highest = maps.flatten(2).argmax(dim=2)  # [B, K]
    x, y = highest % width, highest // width

    def level(right: int, below: int) -> Tensor:
        place = (y + below).clamp(0, height - 1) * width + (x + right).clamp(0, width - 1)
        return logs.flatten(2).gather(2, place[..., None])[..., 0]

    here = level(0, 0)
    offsets = [_top(level(-1, 0), here, level(1, 0)), _top(level(0, -1), here, level(0, 1))]
    return torch.stack([x, y], dim=-1) + torch.stack(offsets, dim=-1)


def _top(before: Tensor, here: Tensor, after: Tensor) -> Tensor:
    """Where the parabola through values at -1, 0 and 1 has its top; never beyond half a pixel."""
    bend = before - 2 * here + after
    offset = (before - after) / (2 * bend)
    return torch.where(bend < 0, offset, 0.0).clamp(-0.5, 0.5)


def balanced_squared_error(maps: Tensor, target: Tensor, balance: float) -> Tensor:
    """Mean over elements of w ⊙ (maps - target)², with the weights of `balancing_weights`; 0 is the plain mean."""
    return (balancing_weights(target, balance) * (maps - target).square()).mean()


def balancing_weights(target: Tensor, balance: float) -> Tensor:
    """w = y (2s)^-b + (1 - y) (2 - 2s)^-b, with y in [0, 1] the target, s its mean over one map and b the balance.

    At b = 1 the foreground of a map weighs as much as its background, however small it is; at 0 all elements weigh 1.
    A function of each map alone: [B, K, H, W] -> [B, K, H, W].
    """
    share = target.mean(dim=(2, 3), keepdim=True).clamp(LEAST, 1 - LEAST)
    return torch.lerp((2 - 2 * share) ** -balance, (2 * share) ** -balance, target)


def label_maps(parsing: Tensor, labels: int) -> Tensor:
    """One binary map for each label: [B, H, W] -> float {0, 1}, [B, labels, H, W]."""
    return (parsing[:, None] == torch.arange(labels, device=parsing.device)[:, None, None]).float()
