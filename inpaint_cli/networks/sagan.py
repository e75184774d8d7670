"""Networks after Zhang, Goodfellow, Metaxas, Odena, "Self-Attention Generative Adversarial Networks", 2018, for images
whose sides are halved to 32 pixels: an image-to-image generator, one from a latent, a discriminator and an encoder.

A residual block is batch norm, ReLU, a spectrally normalised 3×3 convolution, twice, beside a shortcut. Attention sees
the maps of 32×32, upsampling is a pixel shuffle (Shi et al. 2016).
"""

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_cli.errors import InputError
from inpaint_cli.networks.spectral import SpectralConv, SpectralLinear, conv3

COARSE = 32  # pixels of the side where attention is
BOTTOM = 4  # pixels of the side where a latent begins and a discriminator ends


def halvings_to_coarse(method: str, height: int, width: int) -> int:
    """How often images are halved to 32×32; `InputError` where they cannot be."""
    levels = (height // COARSE).bit_length() - 1
    if height != width or levels < 0 or COARSE << levels != height:
        raise InputError(
            f"{method} halves square images to {COARSE}×{COARSE}, and these are {width}×{height}: prepare them at "
            "32, 64, 128 or 256 pixels"
        )
    return levels


class Norm(nn.Module):
    """Batch norm, whose scale and shift may depend on z (de Vries et al. 2017): [B, C, H, W], [B, Z] -> as x."""

    def __init__(self, channels: int, z_size: int = 0):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=not z_size)
        self.of_z = nn.Linear(z_size, 2 * channels) if z_size else None
        if self.of_z is not None:
            nn.init.zeros_(self.of_z.bias)

    def forward(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        normalised: Tensor = self.norm(x)
        if self.of_z is None or z is None:
            return normalised
        scale, shift = self.of_z(z)[:, :, None, None].chunk(2, dim=1)
        return normalised * (1 + scale) + shift


class Attention(nn.Module):
    """Self-attention: each place adds what it looks up at all others, [B, C, H, W] -> [B, C, H, W].

    Keys and values are the largest of 2×2 places, as in BigGAN (Brock et al. 2018): a quarter of the products. SAGAN
    adds nothing at first; here a tenth, so that all layers learn from the first step.
    """

    def __init__(self, channels: int):
        super().__init__()
        keys, values = max(channels // 8, 1), max(channels // 2, 1)
        self.query, self.key = SpectralConv(channels, keys, 1, bias=False), SpectralConv(channels, keys, 1, bias=False)
        self.value, self.out = (
            SpectralConv(channels, values, 1, bias=False),
            SpectralConv(values, channels, 1, bias=False),
        )
        self.share = nn.Parameter(torch.tensor(0.1))

    def forward(self, x: Tensor) -> Tensor:
        query = self.query(x).flatten(2).transpose(1, 2)  # [B, HW, K]
        key = F.max_pool2d(self.key(x), 2).flatten(2)  # [B, K, HW/4]
        value = F.max_pool2d(self.value(x), 2).flatten(2).transpose(1, 2)  # [B, HW/4, V]
        seen = torch.softmax(query @ key, dim=-1) @ value
        return x + self.share * self.out(seen.transpose(1, 2).unflatten(2, x.shape[2:]))


class Block(nn.Module):
    """F(x, z) + x with `inputs` -> `outputs` channels; scale 2 doubles the size by a pixel shuffle, -2 halves it.

    norms: without them it is a discriminator's block.
    """

    def __init__(self, inputs: int, outputs: int, scale: int = 1, z_size: int = 0, norms: bool = True):
        super().__init__()
        grown = outputs * (4 if scale == 2 else 1)
        self.norms = nn.ModuleList(Norm(c, z_size) for c in (inputs, outputs)) if norms else None
        self.first, self.second = conv3(inputs, grown), conv3(outputs, outputs)
        self.shortcut = SpectralConv(inputs, outputs, 1) if inputs != outputs or scale != 1 else nn.Identity()
        self.scale = scale

    def forward(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        own = self.first(F.relu(self._norm(0, x, z)))
        own = F.pixel_shuffle(own, 2) if self.scale == 2 else own
        own = self.second(F.relu(self._norm(1, own, z)))
        rest = self.shortcut(x)
        if self.scale == 2:
            rest = F.interpolate(rest, scale_factor=2, mode="nearest")
        total = own + rest
        return F.avg_pool2d(total, 2) if self.scale == -2 else total

    def _norm(self, number: int, x: Tensor, z: Tensor | None) -> Tensor:
        return x if self.norms is None else self.norms[number](x, z)


class ToImage(nn.Module):
    """Norm, ReLU, 3×3, tanh: [B, C, H, W] -> an image in [-1, 1]."""

    def __init__(self, inputs: int, channels: int, z_size: int = 0):
        super().__init__()
        self.norm, self.conv = Norm(inputs, z_size), conv3(inputs, channels)

    def forward(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        return torch.tanh(self.conv(F.relu(self.norm(x, z))).float())  # bf16 has too few bits for 256 levels


def narrowed(width: int, levels: int) -> list[int]:
    """Channels from 32×32 pixels up to full size: halved with each doubling, a quarter of `width` at least."""
    return [max(width >> level, width // 4, 1) for level in range(levels + 1)]


class ImageGenerator(nn.Module):
    """G, image to image: halved to 32×32, six residual blocks, attention after the fourth, up again. -> [B, C, H, W]

    z_size: of the z that enters, 0 for none; planes: as constant channels beside the image, else by batch norm.
    """

    BLOCKS, BEFORE_ATTENTION = 6, 4

    def __init__(self, channels: int, levels: int, width: int, z_size: int = 0, planes: bool = False):
        super().__init__()
        self.planes = planes and z_size > 0
        inputs, z_size = (channels + z_size, 0) if self.planes else (channels, z_size)
        sizes = narrowed(width, levels)
        ends = [inputs, *sizes[-2::-1]] if levels else [inputs]
        halving: list[nn.Module] = [
            nn.Sequential(nn.PixelUnshuffle(2), conv3(4 * i, o)) for i, o in itertools.pairwise(ends)
        ]
        self.down = nn.Sequential(*(halving or [conv3(inputs, width)]))
        self.blocks = nn.ModuleList(Block(width, width, 1, z_size) for _ in range(self.BLOCKS))
        self.attention = Attention(width)
        self.up = nn.ModuleList(Block(i, o, 2, z_size) for i, o in itertools.pairwise(sizes))
        self.to_image = ToImage(sizes[-1], channels, z_size)

    def maps(self, image: Tensor, z: Tensor | None = None) -> Tensor:
        """The maps of 32×32 after all blocks, [B, width, 32, 32]."""
        if self.planes and z is not None:
            image = torch.cat([image, z[:, :, None, None].expand(-1, -1, *image.shape[2:])], dim=1)
        x = self.down(image)
        for number, block in enumerate(self.blocks, start=1):
            x = block(x, z)
            if number == self.BEFORE_ATTENTION:
                x = self.attention(x)
        return x

    def forward(self, image: Tensor, z: Tensor | None = None) -> Tensor:
        x = self.maps(image, z)
        for block in self.up:
            x = block(x, z)
        return self.to_image(x, z)


class LatentGenerator(nn.Module):
    """SAGAN's generator: from 4×4 up, attention at 32×32, z [B, Z] -> [B, C, H, W]; z conditions every batch norm."""

    def __init__(self, channels: int, levels: int, width: int, z_size: int):
        super().__init__()
        coarse = (COARSE // BOTTOM).bit_length() - 1
        self.project = SpectralLinear(z_size, width * BOTTOM**2)
        self.coarse = nn.ModuleList(Block(width, width, 2, z_size) for _ in range(coarse))
        self.attention = Attention(width)
        sizes = narrowed(width, levels)
        self.up = nn.ModuleList(Block(i, o, 2, z_size) for i, o in itertools.pairwise(sizes))
        self.to_image = ToImage(sizes[-1], channels, z_size)

    def forward(self, z: Tensor) -> Tensor:
        x = self.project(z).unflatten(1, (-1, BOTTOM, BOTTOM)).contiguous(memory_format=torch.channels_last)
        for block in self.coarse:
            x = block(x, z)
        x = self.attention(x)
        for block in self.up:
            x = block(x, z)
        return self.to_image(x, z)


class Discriminator(nn.Module):
    """D: residual blocks, attention at 32×32, down to 4×4, sum pooling, a linear score. [B, C, H, W] -> [B]

    width: channels at 32×32, doubled with each halving up to eight times. norms: batch norm, which SAGAN's has not;
    bias: of the score, which differences of scores do not know.
    """

    WIDEST = 8

    def __init__(self, channels: int, levels: int, width: int, norms: bool = False, bias: bool = True):
        super().__init__()
        fine = narrowed(width, levels)[::-1]
        coarse = (COARSE // BOTTOM).bit_length() - 1
        sizes = [min(width << level, self.WIDEST * width) for level in range(coarse + 1)]
        self.stem = conv3(channels, fine[0])
        self.fine = nn.Sequential(*(Block(i, o, -2, norms=norms) for i, o in itertools.pairwise(fine)))
        self.attention = Attention(width)
        self.coarse = nn.Sequential(*(Block(i, o, -2, norms=norms) for i, o in itertools.pairwise(sizes)))
        self.last = Block(sizes[-1], sizes[-1], norms=norms)
        self.score = SpectralLinear(sizes[-1], 1, bias)

    def forward(self, image: Tensor) -> Tensor:
        x = self.last(self.coarse(self.attention(self.fine(self.stem(image)))))
        with torch.autocast(image.device.type, enabled=False):  # sums of bf16 would round scores alike
            return self.score(F.relu(x.float()).sum(dim=(2, 3))).squeeze(1)


class Encoder(nn.Module):
    """E: a residual network with batch norm and two linear layers, [B, C, H, W] -> mean and log-variance, [B, Z] each.

    spread: without it there is no log-variance, where nothing draws from it.
    """

    def __init__(self, channels: int, levels: int, width: int, z_size: int, spread: bool):
        super().__init__()
        steps = (COARSE // BOTTOM).bit_length() - 1
        stems = [nn.PixelUnshuffle(1 << levels)] if levels else []
        self.stem = nn.Sequential(*stems, conv3(channels << 2 * levels, width))
        self.blocks = nn.Sequential(*(Block(width, width, -2) for _ in range(steps)))
        self.norm = Norm(width)
        self.mean = nn.Linear(width, z_size)
        self.log_variance = nn.Linear(width, z_size) if spread else None

    def features(self, image: Tensor) -> Tensor:
        """[B, width]"""
        return F.relu(self.norm(self.blocks(self.stem(image)))).mean(dim=(2, 3))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        features = self.features(image)
        spread = None if self.log_variance is None else self.log_variance(features).float()
        return self.mean(features).float(), spread
