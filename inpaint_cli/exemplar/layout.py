"""Which patches a level has: targets touch the hole, sources are known throughout; and short descriptors of them."""

import torch
from torch import Tensor
from torch.nn import functional

from inpaint_cli.exemplar.pyramid import Level, dilate

CHUNK = 16384  # patches that are gathered at a time: bounds the memory whatever the image's size
BASIS_SAMPLE = 4096  # source patches from which the principal components come


class Layout:
    """The lists of one level for patches of `side`² pixels; every patch lies inside its image."""

    def __init__(self, level: Level, side: int):
        batch, (height, width) = len(level.known), level.size
        device = level.known.device
        self.side, self.radius = side, side // 2
        self.height, self.width, self.area = height, width, height * width
        reach = torch.arange(side, device=device) - self.radius
        self.offsets = (reach[:, None] * width + reach).flatten()  # [P]
        missing = ~level.known
        self.hole_and_rim = with_neighbours(missing).flatten().nonzero()[:, 0]  # [V]
        self.targets = self._centres(dilate(missing, self.radius))  # [N]
        self.sources = self._centres(~dilate(~level.allowed, self.radius))  # [S]
        self.target_row = _rows(self.targets, batch * self.area)
        self.source_row = _rows(self.sources, batch * self.area)
        image = torch.arange(batch, device=device)
        bounds = torch.searchsorted(self.sources, torch.cat((image, image[-1:] + 1)) * self.area)
        self.first_source, self.source_count = bounds[:-1], bounds.diff()  # [B]

    def _centres(self, where: Tensor) -> Tensor:
        """Numbers of the pixels in `where` whose patch lies inside the image."""
        inside = torch.zeros_like(where)
        r = self.radius
        inside[..., r : self.height - self.side + r + 1, r : self.width - self.side + r + 1] = True
        return (where & inside).flatten().nonzero()[:, 0]

    def image_of(self, pixels: Tensor) -> Tensor:
        return pixels // self.area

    def patches(self, table: Tensor, centres: Tensor) -> Tensor:
        """[B·H·W, F], [n] -> [n, P·F]"""
        return table[centres[:, None] + self.offsets].flatten(1)


def source_count(allowed: Tensor, side: int) -> int:
    """How many patches of one image are allowed throughout. bool [1, 1, H, W]"""
    r = side // 2
    return int((~dilate(~allowed, r))[..., r : allowed.shape[-2] - r, r : allowed.shape[-1] - r].sum())


def with_neighbours(where: Tensor) -> Tensor:
    """And the four pixels next to each true one. bool [B, 1, H, W]"""
    across, down = (functional.max_pool2d(where.float(), (k, 4 - k), 1, (k // 2, (4 - k) // 2)) for k in (1, 3))
    return (across + down) > 0


def _rows(pixels: Tensor, count: int) -> Tensor:
    """Where each pixel stands in the list, -1 where it does not. int32 [count]"""
    rows = torch.full((count,), -1, dtype=torch.int32, device=pixels.device)
    rows[pixels] = torch.arange(len(pixels), dtype=torch.int32, device=pixels.device)
    return rows


class Descriptors:
    """Patches as their first principal components among the sources: distances at a tenth of the cost."""

    def __init__(self, layout: Layout, table: Tensor, components: int):
        self.layout = layout
        sample = layout.sources[:: max(1, len(layout.sources) // BASIS_SAMPLE)]
        patches = layout.patches(table, sample)
        self.mean = patches.mean(dim=0)
        centred = patches - self.mean
        _, vectors = torch.linalg.eigh(centred.T @ centred)  # in ascending order
        self.basis = vectors[:, -components:].contiguous()  # [P·F, D]
        self.sources = self.of(table, layout.sources)  # [S, D]

    def of(self, table: Tensor, centres: Tensor) -> Tensor:
        """[n] -> [n, D], per root of the patch's pixels: a squared distance is one per pixel."""
        scale = self.layout.side
        parts = [(self.layout.patches(table, part) - self.mean) @ self.basis / scale for part in centres.split(CHUNK)]
        return torch.cat(parts) if parts else centres.new_zeros((0, self.basis.shape[1]), dtype=table.dtype)
