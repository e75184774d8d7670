"""What happens to training images, on the device and vectorised over the batch; landmarks and label maps move along.

What is drawn and what is done with it are apart, so that the engine can draw for the global batch and every process
apply its share.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

LANDMARK_PAIRS = ((0, 1), (3, 4))  # eyes, corners of the mouth: each is the other's in a mirror
PARSING_PAIRS = ((2, 3), (4, 5))  # eyebrows, eyes in Helen's labels
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
TO_YIQ = (LUMA, (0.595716, -0.274453, -0.321263), (0.211456, -0.522591, 0.311135))  # hue is an angle in (I, Q)
FROM_YIQ = tuple(map(tuple, torch.tensor(TO_YIQ, dtype=torch.float64).inverse().tolist()))


class Augmentation(Protocol):
    """One random change of images."""

    @property
    def takes_bytes(self) -> bool:
        """Whether pixels change places alone, so that images may be uint8 still: a quarter of the memory to move."""

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """What chance decides for each of `count` images, [count, K], on the generator's device."""

    def apply(self, image: Tensor, labels: Mapping[str, Tensor], draws: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """image [B, C, H, W] in [-1, 1] and its labels, first axis B, changed as `draws` [B, K] say."""


@lru_cache(maxsize=64)
def _constant(values: Sequence[float] | Sequence[Sequence[float]], device: torch.device) -> Tensor:
    """Sent to the device once: at each time Python would wait until a GPU has done all else."""
    return torch.tensor(values, device=device)


def _uniform(count: int, generator: torch.Generator) -> Tensor:
    """[count] in [-1, 1)"""
    return torch.rand(count, generator=generator, device=generator.device) * 2 - 1


@dataclass(frozen=True)
class Geometric:
    """Random shift, scale, rotation about the middle, and mirroring; what comes in from outside is a reflection.

    shift: share of the side, either way, by whole pixels where nothing is scaled or rotated; scale: 0.1 is a factor of
    1/1.1 to 1.1; rotation: degrees, either way; flip: probability. Landmarks move with their pixels, left and right
    points and parts swap in a mirror.
    """

    shift: float = 0.0
    scale: float = 0.0
    rotation: float = 0.0
    flip: float = 0.0

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """[count, 5]: shift in x and y as shares of the side, factor, angle in radians, mirror as 1 or -1."""
        mirrored = torch.rand(count, generator=generator, device=generator.device) < self.flip
        if self.only_mirrors:
            still = _constant(((0.0, 0.0, 1.0, 0.0),), generator.device).expand(count, -1)
            return torch.cat([still, 1.0 - 2.0 * mirrored[:, None].float()], dim=1)
        return torch.stack(
            [
                self.shift * _uniform(count, generator),
                self.shift * _uniform(count, generator),
                torch.exp(math.log1p(self.scale) * _uniform(count, generator)),
                math.radians(self.rotation) * _uniform(count, generator),
                1.0 - 2.0 * mirrored.float(),
            ],
            dim=1,
        )

    @property
    def only_mirrors(self) -> bool:
        """Then pixels change places and nothing is interpolated, which is quicker, and exact."""
        return self.shift == self.scale == self.rotation == 0

    @property
    def takes_bytes(self) -> bool:
        return self.only_mirrors

    def apply(self, image: Tensor, labels: Mapping[str, Tensor], draws: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        mirrored = draws[:, 4] < 0
        if self.only_mirrors:
            return _mirror(image, mirrored), _mirror_labels(labels, image.shape[-1], mirrored)
        moved = {**labels}
        height, width = image.shape[-2:]
        size = _constant((float(width), float(height)), image.device)
        moves, shift = _moves(draws), draws[:, :2] * size
        if self.scale == self.rotation == 0:
            shift = shift.round()  # so that nothing is interpolated, which would blur what is learned
        if "landmarks" in moved:
            moved["landmarks"] = _move_points(moved["landmarks"], moves, shift, size, mirrored)
        grid = _sources(moves, shift, size, image)
        if "parsing" in moved:
            moved["parsing"] = _move_map(moved["parsing"], grid, mirrored)
        # Outside of the image its reflection is seen, in which labels go on as pixels do.
        return F.grid_sample(image, grid, padding_mode="reflection", align_corners=False), moved


def _moves(draws: Tensor) -> Tensor:
    """Factor · rotation · mirror, from pixels about the middle to pixels about the middle, [B, 2, 2]."""
    factor, angle, mirror = draws[:, 2], draws[:, 3], draws[:, 4]
    cosine, sine = factor * angle.cos(), factor * angle.sin()
    return torch.stack([mirror * cosine, -sine, mirror * sine, cosine], dim=1).view(-1, 2, 2)


def _sources(moves: Tensor, shift: Tensor, size: Tensor, image: Tensor) -> Tensor:
    """Where each pixel comes from, [B, H, W, 2] in grid_sample's coordinates, which end at ±1 half a pixel outside."""
    back = moves.mT / moves.square().sum(1, keepdim=True)  # its columns are orthogonal and equally long
    half = size / 2
    linear = (back * half[None, None, :] / half[None, :, None])[..., None, None]  # [B, 2, 2, 1, 1]
    offset = (-(back @ shift[:, :, None]) / half[None, :, None])[..., None]  # [B, 2, 1, 1]
    y, x = (_middles(count, image.device) for count in image.shape[-2:])
    return (linear[:, :, 0] * x + (linear[:, :, 1] * y[:, None] + offset)).permute(0, 2, 3, 1)


def _middles(count: int, device: torch.device) -> Tensor:
    """Of `count` pixels between -1 and 1, [count]"""
    return (torch.arange(count, device=device) * 2 + 1) / count - 1


def _move_points(points: Tensor, moves: Tensor, shift: Tensor, size: Tensor, mirrored: Tensor) -> Tensor:
    """[B, K, 2] of x, y; a pixel's middle has whole coordinates."""
    middle = (size - 1) / 2
    return _swap_points((points - middle) @ moves.transpose(1, 2) + shift[:, None] + middle, mirrored)


def _swap_points(points: Tensor, mirrored: Tensor) -> Tensor:
    """[B, K, 2]: a left point that is mirrored is a right one."""
    swapped = points[:, _swapped(points.shape[1], LANDMARK_PAIRS, points.device)]
    return torch.where(mirrored[:, None, None], swapped, points)


def _move_map(labels: Tensor, grid: Tensor, mirrored: Tensor) -> Tensor:
    """[B, H, W] whole numbers: each pixel takes the nearest label."""
    nearest = F.grid_sample(labels[:, None].float(), grid, "nearest", "reflection", align_corners=False)[:, 0]
    return _swap_parts(nearest.round().to(labels.dtype), mirrored)


def _mirror_labels(labels: Mapping[str, Tensor], width: int, mirrored: Tensor) -> dict[str, Tensor]:
    """Landmarks and label maps of images that are mirrored, or not."""
    moved = {**labels}
    if "landmarks" in moved:
        x, y = moved["landmarks"].unbind(-1)
        x = torch.where(mirrored[:, None], width - 1 - x, x)
        moved["landmarks"] = _swap_points(torch.stack((x, y), dim=-1), mirrored)
    if "parsing" in moved:
        moved["parsing"] = _swap_parts(_mirror(moved["parsing"], mirrored), mirrored)
    return moved


def _mirror(rows: Tensor, mirrored: Tensor) -> Tensor:
    """[B, ..., W]: those that are mirrored, left to right."""
    flipped, which = rows.flip(-1), mirrored.view(-1, *[1] * (rows.dim() - 1)).to(rows.dtype)
    if rows.is_floating_point():
        return rows.lerp(flipped, which)  # exact at either end, and quicker than `where`
    return flipped.sub_(rows).mul_(which).add_(rows)  # so are whole numbers, which wrap around both ways


def _swap_parts(labels: Tensor, mirrored: Tensor) -> Tensor:
    """[B, H, W] of numbers: a left part that is mirrored is a right one."""
    partners = _swapped(256, PARSING_PAIRS, labels.device).to(labels.dtype)
    others = partners.index_select(0, labels.flatten().int()).view_as(labels)  # quicker than partners[labels]
    return torch.where(mirrored[:, None, None], others, labels)


@lru_cache(maxsize=64)
def _swapped(count: int, pairs: tuple[tuple[int, int], ...], device: torch.device) -> Tensor:
    """0 … count - 1 with the partners of each pair exchanged."""
    order = list(range(count))
    for one, other in pairs:
        order[one], order[other] = other, one
    return torch.tensor(order, device=device)


@dataclass(frozen=True)
class Photometric:
    """Random hue, saturation, contrast and blur; labels stay as they are. Grey images have no hue and saturation.

    hue: share of a full turn, either way; saturation, contrast: 0.2 is a factor of 0.8 to 1.2; blur: the largest
    standard deviation of a Gaussian, in pixels.
    """

    hue: float = 0.0
    saturation: float = 0.0
    contrast: float = 0.0
    blur: float = 0.0
    takes_bytes: ClassVar[bool] = False

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """[count, 4]: angle of hue in radians, factors of saturation and contrast, standard deviation in pixels."""
        columns = [
            2 * math.pi * self.hue * _uniform(count, generator),
            1 + self.saturation * _uniform(count, generator),
            1 + self.contrast * _uniform(count, generator),
            self.blur * _uniform(count, generator).abs(),
        ]
        return torch.stack(columns, dim=1)

    def apply(self, image: Tensor, labels: Mapping[str, Tensor], draws: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        if image.shape[1] == 3:
            image = _turn_colours(image, draws[:, 0], draws[:, 1])
        image = _contrast(image, draws[:, 2])
        return (_blur(image, draws[:, 3], self.blur) if self.blur else image).clamp(-1, 1), {**labels}


def _turn_colours(image: Tensor, angle: Tensor, saturation: Tensor) -> Tensor:
    """Turn and stretch each image's colours about grey, in YIQ."""
    to_yiq, from_yiq = _constant(TO_YIQ, image.device), _constant(FROM_YIQ, image.device)
    turn = torch.zeros(len(angle), 3, 3, device=image.device)
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = saturation * angle.cos()
    turn[:, 2, 1] = saturation * angle.sin()
    turn[:, 1, 2] = -turn[:, 2, 1]
    return torch.einsum("bij,bjhw->bihw", from_yiq @ turn @ to_yiq, image)


def _contrast(image: Tensor, factor: Tensor) -> Tensor:
    """Stretch each image about its mean brightness."""
    luma = _constant(LUMA if image.shape[1] == 3 else (1.0,) * image.shape[1], image.device)
    mean = image.mean(dim=(2, 3)) @ (luma / luma.sum())
    return mean[:, None, None, None].lerp(image, factor[:, None, None, None])


def _blur(image: Tensor, sigma: Tensor, largest: float) -> Tensor:
    """A Gaussian of each image's own standard deviation [B], cut at three of the largest that could be drawn."""
    count, channels, height, width = image.shape
    reach = max(1, math.ceil(3 * largest))
    offsets = torch.arange(-reach, reach + 1, device=image.device)
    weights = torch.exp(-0.5 * (offsets / sigma.clamp_min(1e-3)[:, None]) ** 2)  # [B, 2 · reach + 1]
    weights = (weights / weights.sum(1, keepdim=True)).repeat_interleave(channels, dim=0)
    flat = F.pad(image, (reach,) * 4, mode="replicate").reshape(
        1, count * channels, *(n + 2 * reach for n in (height, width))
    )
    flat = F.conv2d(flat, weights[:, None, :, None], groups=count * channels)
    flat = F.conv2d(flat, weights[:, None, None, :], groups=count * channels)
    return flat.view(count, channels, height, width)
