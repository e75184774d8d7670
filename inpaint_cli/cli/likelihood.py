"""`inpaint report likelihood` and `probabilities`: what pixel-by-pixel models say of images they did not see."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from inpaint_cli.cli import options
from inpaint_cli.cli.assembly import Loaded
from inpaint_cli.errors import InputError, UsageError

Trained = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run directory (its newest checkpoint) or a checkpoint.")
]
Data = Annotated[Path, typer.Option("--data", help="A file that `inpaint prepare` wrote.")]
Part = Annotated[str, typer.Option("--split", help="Which images: train, validation or test.")]


def likelihood(
    checkpoint: Trained,
    data: Data,
    split: Part = "test",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first N images.")] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Images in hand at once.")] = 16,
    device: options.Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """How probable images are to a pixel-by-pixel model: bits per dimension, 8 for one that knows nothing.

    The mean over images of the negative log-likelihood of the whole image, in
    bits, over the number of its values; with its 95 % interval.
    """
    import numpy as np

    from inpaint_cli.cli.progress import progress_bar

    loaded, prepared = _load(checkpoint, data, device)
    images = prepared.split(split).images[:limit]
    with progress_bar("likelihood", len(images), quiet) as advance:
        bits = np.concatenate(list(_bits(loaded.method, images, batch, advance)))
    mean, spread = float(bits.mean()), float(1.96 * bits.std(ddof=min(1, len(bits) - 1)) / len(bits) ** 0.5)
    result = {
        "system": loaded.name, "step": loaded.step, "checkpoint": loaded.digest, "bits_per_dimension": mean,
        "interval_95": [mean - spread, mean + spread], "images": len(bits), "split": split, "data": prepared.identity,
    }  # fmt: skip
    of = f"{len(bits)} images of {split}, data {prepared.identity[:16]}, checkpoint {loaded.digest[:16]}"
    line = f"{loaded.name}, step {loaded.step}: {mean:.3f} ± {spread:.3f} bits per dimension ({of})"
    typer.echo(json.dumps(result, indent=2) if as_json else line)


def probabilities(
    checkpoint: Trained,
    data: Data,
    pixel: Annotated[str, typer.Option("--pixel", metavar="X,Y", help="Which pixel, from 0 at the upper left.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The figure: an SVG file.")],
    image: Annotated[int, typer.Option("--image", min=0, help="Which image of the split, from 0.")] = 0,
    split: Part = "test",
    device: options.Device = "auto",
    overwrite: options.Overwrite = False,
) -> None:
    """Draw the 256 probabilities of each channel of a pixel, given all pixels before it: the paper's figure 8."""
    import torch

    from inpaint_cli.files import refuse_existing, replacing
    from inpaint_cli.reports.distributions import Pixel, distributions

    refuse_existing(output, overwrite)
    loaded, prepared = _load(checkpoint, data, device)
    images = prepared.split(split).images
    if image >= len(images):
        raise InputError(f"--image {image}: {data} has {len(images)} images in {split}, 0 to {len(images) - 1}")
    row, column = _place(pixel, *images.shape[1:3])
    with torch.no_grad():
        shares = loaded.method.probabilities(_tensor(images[image : image + 1], loaded.method), row, column)[0]
    title = (
        f"{loaded.name}, step {loaded.step}: pixel ({column}, {row}) of {split} image {image}, given those before it"
    )
    figure = distributions(Pixel(title, images[image], row, column, shares.cpu().numpy()))
    with replacing(output, overwrite) as temporary:
        temporary.write_text(figure, encoding="utf-8")
    typer.echo(str(output))


def _load(checkpoint: Path, data: Path, device: str) -> tuple[Loaded, Any]:
    """A pixel-by-pixel model and the data that it is asked about; `UsageError` for other methods."""
    from inpaint_cli.autoregressive.model import PixelModel
    from inpaint_cli.cli.assembly import check_shape, load_for_completion
    from inpaint_cli.data.reader import PreparedFile
    from inpaint_cli.engine.devices import choose_hardware
    from inpaint_cli.methods import method_class, method_names

    prepared = PreparedFile(data)
    loaded = load_for_completion(checkpoint, None, (), prepared.shape, choose_hardware(device, "fp32"))
    if not isinstance(loaded.method, PixelModel):
        able = [name for name in method_names() if issubclass(method_class(name), PixelModel)]
        raise UsageError(f"{checkpoint}: {loaded.name} gives no probabilities; these do: {', '.join(able)}")
    check_shape(loaded, prepared)
    if loaded.method.shape.channels != prepared.shape.channels:
        raise InputError(
            f"{data} holds images with {prepared.shape.channels} channels, the checkpoint was trained on images with "
            f"{loaded.method.shape.channels}"
        )
    return loaded, prepared


def _tensor(images: Any, method: Any) -> Any:
    """uint8 [B, H, W, C] -> float [B, C, H, W] in [-1, 1] where the method is."""
    import torch

    from inpaint_cli.engine.completing import signed

    return torch.from_numpy(signed(images)).permute(0, 3, 1, 2).to(next(method.parameters()).device)


def _bits(method: Any, images: Any, batch: int, advance: Any) -> Iterator[Any]:
    """Bits per dimension of each image, batch after batch."""
    import torch

    for start in range(0, len(images), batch):
        with torch.no_grad():
            yield method.bits(_tensor(images[start : start + batch], method)).double().cpu().numpy()
        advance(min(start + batch, len(images)))


def _place(text: str, height: int, width: int) -> tuple[int, int]:
    """`X,Y` -> (row, column)."""
    try:
        column, row = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--pixel takes X,Y, two whole numbers, not '{text}'") from None
    if not (0 <= column < width and 0 <= row < height):
        raise UsageError(
            f"--pixel {text}: these images have {width}×{height} pixels, from 0,0 to {width - 1},{height - 1}"
        )
    return row, column
