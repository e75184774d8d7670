"""What a method says about images: label maps, landmarks, the maps that they are read from.

A photo of any size is seen in one window of the method's aspect, scaled to its size: around all that is missing, as
`framing.py` lays it, or the whole photo where nothing is. What lies beyond the photo's edges is missing. The answers
are scaled back to the photo.
"""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from inpaint_cli.engine.completing import Photo
from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.feeding import to_signed, to_uint8
from inpaint_cli.engine.framing import Framing, shrink
from inpaint_cli.engine.randomness import seed_default_generators
from inpaint_cli.engine.windows import Box, Window, box_of, side_around, window_around
from inpaint_cli.method import Method

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601: what a grey method sees of a colour photo


@dataclass(frozen=True)
class Annotation:
    """What was asked for, in the photo's pixels, and what it was read from."""

    box: Box  # of the photo, that the method saw
    observed: np.ndarray  # uint8 [h, w, C], at the method's size; what is missing is grey
    parsing: np.ndarray | None = None  # uint8 [H, W], 0 outside of the box
    landmarks: np.ndarray | None = None  # float64 [K, 2], x and y
    maps: np.ndarray | None = None  # float32 [N, h, w], at the network's own size


def label_maps(method: Method, images: np.ndarray, hardware: Hardware) -> np.ndarray:
    """uint8 [B, H, W, C] of the method's size, nothing missing -> the label of each pixel, int64 [B, H, W]."""
    image = to_signed(torch.from_numpy(images).to(hardware.device))
    method.eval()
    with torch.no_grad(), hardware.autocast():
        return method.annotate(image, image.new_ones(len(image), 1, *image.shape[2:]))["parsing"].long().cpu().numpy()


def annotate_photo(
    method: Method,
    pixels: np.ndarray,
    hole: np.ndarray,
    wanted: set[str],
    hardware: Hardware,
    *,
    seed: int = 0,
    invisible: np.ndarray | None = None,
    framing: Framing | None = None,
) -> Annotation:
    """Annotate one photo.

    pixels: uint8 or uint16 [H, W, C]; hole: bool [H, W] or [H, W, C], true = missing, perhaps nowhere; wanted: of
    parsing, landmarks and maps; invisible: bool [H, W], what is known but has no colour.
    """
    photo = Photo(method, pixels, hole, sources=None, invisible=invisible, reference=None)
    window = _window(photo, framing or Framing())
    observed, mask = _seen(photo, window, hardware.device)
    seed_default_generators(seed, "annotate")
    method.eval()
    with torch.no_grad(), hardware.autocast():
        said = method.annotate(observed, mask) if wanted - {"maps"} else {}
        maps = method.maps(observed, mask)[0] if "maps" in wanted else None
    return Annotation(
        window.box(photo.size),
        to_uint8(observed)[0],
        _map_of_photo(said["parsing"][0], window, photo.size) if "parsing" in wanted else None,
        _points_of_photo(said["landmarks"][0], window, method.shape[1:]) if "landmarks" in wanted else None,
        None if maps is None else maps.float().cpu().numpy(),
    )


def _window(photo: Photo, framing: Framing) -> Window:
    missing, native = np.any(photo.hole, axis=2), photo.method.shape[1:]
    box = box_of(missing) if missing.any() else Box(0, 0, *photo.size)
    return window_around(box, photo.size, native, side_around(box, photo.size, native, framing.context))


def _seen(photo: Photo, window: Window, device: torch.device) -> tuple[Tensor, Tensor]:
    """The window at the method's size and in its channels: [1, C, h, w] and mask [1, 1, h, w]."""
    observed, mask = photo.view(Box(0, 0, *photo.size), device)
    observed, mask = shrink(window.cut(observed), window.cut(mask), photo.method.shape[1:])
    own = photo.method.shape.channels
    if own < observed.shape[1]:
        observed = torch.einsum("bchw,c->bhw", observed, observed.new_tensor(LUMA))[:, None]
    return observed.expand(-1, own, -1, -1).contiguous(), mask


def _map_of_photo(seen: Tensor, window: Window, size: tuple[int, int]) -> np.ndarray:
    """Labels [h, w] of the window -> uint8 [H, W] of the photo: each pixel takes the label that covers most of it."""
    labels, inside = seen.byte().cpu().numpy(), window.box(size)
    scale = labels.shape[1] / window.width, labels.shape[0] / window.height
    top, left, bottom, right = inside.seen_from(Box(window.top, window.left, 0, 0))
    region = (left * scale[0], top * scale[1], right * scale[0], bottom * scale[1])
    best = np.zeros((inside.height, inside.width), np.uint8)
    chosen = np.zeros_like(best)
    for label in np.unique(labels):
        here = Image.fromarray(np.where(labels == label, np.uint8(255), np.uint8(0)))
        share = np.asarray(here.resize(best.shape[::-1], Image.Resampling.BILINEAR, box=region))
        chosen[share > best] = label
        np.maximum(best, share, out=best)
    whole = np.zeros(size, np.uint8)
    whole[inside.slices] = chosen
    return whole


def _points_of_photo(points: Tensor, window: Window, native: tuple[int, int]) -> np.ndarray:
    """x, y [K, 2] in the method's pixels -> in the photo's. A pixel's middle has whole coordinates."""
    scale = np.array([window.width / native[1], window.height / native[0]])
    corner = np.array([window.left, window.top])
    return (points.double().cpu().numpy() + 0.5) * scale - 0.5 + corner
