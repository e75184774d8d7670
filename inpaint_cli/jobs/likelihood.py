"""What pixel-by-pixel models say of images that they did not see: likelihoods, and the distributions of a pixel."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from inpaint_cli.autoregressive.model import PixelModel
from inpaint_cli.autoregressive.tables import bits_of_tables
from inpaint_cli.columns import Column
from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.engine.completing import signed
from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.files import refuse_existing, refuse_inputs, replacing
from inpaint_cli.jobs.audience import Advance, Progress, heard_by
from inpaint_cli.jobs.loading import Loaded, check_shape, load_for_completion
from inpaint_cli.methods import method_class, method_names
from inpaint_cli.reports.distributions import Pixel, distributions

COUNTED = 10_000  # images of the training split, for the tables


class Likelihood(NamedTuple):
    """How probable the images of a split are to a model: the mean over images, in bits over the number of values."""

    system: str
    step: int | None
    checkpoint: str | None  # digest
    bits_per_dimension: float
    interval_95: tuple[float, float]
    images: int
    split: str
    data: str  # identity
    tables: dict[str, float]  # the same by lookup tables of the training split: what a model has to go below


def likelihood(
    checkpoint: Path,
    data: Path,
    *,
    split: str = "test",
    limit: int | None = None,
    batch: int = 16,
    device: str = "auto",
    progress: Progress = None,
) -> Likelihood:
    """Bits per dimension of the negative log-likelihood of whole images; 8 for a model that knows nothing."""
    loaded, model, prepared = _load(checkpoint, data, device)
    images = prepared.split(split).images
    count = min(len(images), limit or len(images))
    with heard_by(progress).progress("likelihood", count) as advance:
        bits = np.concatenate(list(_bits(model, images, count, batch, advance)))
    mean, spread = float(bits.mean()), float(1.96 * bits.std(ddof=min(1, len(bits) - 1)) / len(bits) ** 0.5)
    interval = (mean - spread, mean + spread)
    tables = bits_of_tables(np.asarray(prepared.split("train").images[:COUNTED]), np.asarray(images[:count]))
    return Likelihood(
        loaded.name, loaded.step, loaded.digest, mean, interval, len(bits), split, prepared.identity, tables
    )


def draw_probabilities(
    checkpoint: Path,
    data: Path,
    pixel: tuple[int, int],
    output: Path,
    *,
    image: int = 0,
    split: str = "test",
    device: str = "auto",
    overwrite: bool = False,
) -> None:
    """Draw the 256 probabilities of each channel of a pixel (x, y), given all before it: the deep paper's figure 8."""
    refuse_inputs([output], [data, checkpoint])
    refuse_existing(output, overwrite)
    loaded, model, prepared = _load(checkpoint, data, device)
    images = prepared.split(split).images
    if image >= len(images):
        raise InputError(f"--image {image}: {data} has {len(images)} images in {split}, 0 to {len(images) - 1}")
    column, row = _inside(pixel, *images.shape[1:3])
    with torch.no_grad():
        shares = model.probabilities(_tensor(images[image : image + 1], model), row, column)[0]
    title = (
        f"{loaded.name}, step {loaded.step}: pixel ({column}, {row}) of {split} image {image}, given those before it"
    )
    figure = distributions(Pixel(title, images[image], row, column, shares.cpu().numpy()))
    with replacing(output, overwrite) as temporary:
        temporary.write_text(figure, encoding="utf-8")


def _load(checkpoint: Path, data: Path, device: str) -> tuple[Loaded, PixelModel, PreparedFile]:
    """A pixel-by-pixel model and the data that it is asked about; `UsageError` for other methods."""
    prepared = PreparedFile(data)
    loaded = load_for_completion(checkpoint, None, (), choose_hardware(device, "fp32"))
    if not isinstance(loaded.method, PixelModel):
        able = [name for name in method_names() if issubclass(method_class(name), PixelModel)]
        raise UsageError(f"{checkpoint}: {loaded.name} gives no probabilities; these do: {', '.join(able)}")
    check_shape(loaded, prepared)
    if loaded.method.shape.channels != prepared.shape.channels:
        raise InputError(
            f"{data} holds images with {prepared.shape.channels} channels, the checkpoint was trained on images with "
            f"{loaded.method.shape.channels}"
        )
    return loaded, loaded.method, prepared


def _tensor(images: np.ndarray, model: PixelModel) -> Tensor:
    """uint8 [B, H, W, C] -> float [B, C, H, W] in [-1, 1] where the model is."""
    return torch.from_numpy(signed(images)).permute(0, 3, 1, 2).to(next(model.parameters()).device)


def _bits(model: PixelModel, images: Column, count: int, batch: int, advance: Advance) -> Iterator[np.ndarray]:
    """Bits per dimension of each of the first `count` images, batch after batch."""
    for start in range(0, count, batch):
        stop = min(start + batch, count)
        with torch.no_grad():
            yield model.bits(_tensor(images[start:stop], model)).double().cpu().numpy()
        advance(stop)


def _inside(pixel: tuple[int, int], height: int, width: int) -> tuple[int, int]:
    """The pixel (x, y), where the images have it."""
    column, row = pixel
    if not (0 <= column < width and 0 <= row < height):
        raise UsageError(
            f"--pixel {column},{row}: these images have {width}×{height} pixels, from 0,0 to {width - 1},{height - 1}"
        )
    return pixel
