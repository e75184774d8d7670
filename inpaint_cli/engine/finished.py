"""Completions that are there already, made by whatever program, beside their originals."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol as Interface

import numpy as np
import torch

from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.evaluating import Describe, Evaluated, blended, evaluate_groups, masks_of_rows
from inpaint_cli.engine.feeding import to_signed, to_uint8
from inpaint_cli.engine.figures import Described, Protocol
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.splits import Split
from inpaint_cli.masks import MaskProcess
from inpaint_cli.metrics import Completions

Holes = Callable[[Sequence[int], tuple[int, ...]], np.ndarray]  # places, one image's shape -> bool [N, H, W, C]


class Pictures(Interface):
    """Images by their places, of whatever sizes."""

    def read(self, places: range) -> tuple[dict[int, np.ndarray], dict[int, str]]:
        """Those that can be read, uint8 [H, W, C], and why others cannot."""


class SplitPictures:
    """The images of a split."""

    def __init__(self, split: Split):
        self.split = split

    def read(self, places: range) -> tuple[dict[int, np.ndarray], dict[int, str]]:
        return dict(zip(places, np.array(self.split.images[places.start : places.stop]), strict=True)), {}


def holes_of(split: Split, masks: MaskProcess, seed: int, device: torch.device) -> Holes:
    """What is missing of a split's images when they are evaluated; masks: the process for this split."""

    def holes(places: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
        height, width, channels = shape
        known = masks_of_rows(split, places, masks, (channels, height, width), device, seed)
        return np.broadcast_to(known.permute(0, 2, 3, 1).cpu().numpy() == 0, (len(places), *shape)).copy()

    return holes


def evaluate_finished(
    completed: Pictures,
    originals: Pictures,
    holes: Holes,
    hardware: Hardware,
    protocol: Protocol,
    team: Team,
    progress: Callable[[int], None] = lambda done: None,
) -> Evaluated:
    """As `evaluate`, of what others made of the same originals; images of one size are measured together."""
    describe: Describe = partial(_group, completed, originals, holes, hardware, protocol)
    return evaluate_groups(describe, protocol, team, progress)


def _group(
    completed: Pictures, originals: Pictures, holes: Holes, hardware: Hardware, protocol: Protocol, places: range
) -> Iterator[Described | dict[int, str]]:
    found, unread = completed.read(places)
    before, without = originals.read(places)
    if unread or without:
        yield {**unread, **without}
    shapes: dict[tuple[int, ...], list[int]] = {}
    for place in sorted(found.keys() & before.keys()):
        shapes.setdefault(before[place].shape, []).append(place)
    for shape, own in shapes.items():
        painted, original = (np.stack([images[place] for place in own]) for images in (found, before))
        hole = holes(own, shape)
        whole = composed(painted, original, hole, protocol.compose, hardware.device)
        as_painted = None if protocol.compose == "output" else painted
        yield Described(
            np.array(own), Completions(original, whole, hole, networks=protocol.networks, painted=as_painted)
        )


def composed(
    painted: np.ndarray, original: np.ndarray, hole: np.ndarray, compose: str, device: torch.device
) -> np.ndarray:
    """Whole pictures as `compose` says: uint8 [N, H, W, C] -> the same, with the known pixels as they were."""
    if compose == "output":
        return painted
    if compose == "known":
        return np.where(hole, painted, original)
    known = torch.from_numpy(~hole).permute(0, 3, 1, 2).to(device).float()
    images = [to_signed(torch.from_numpy(np.ascontiguousarray(each)).to(device)) for each in (painted, original)]
    return to_uint8(blended(images[0], torch.where(known > 0, images[1], 0.0), known, whole=True))
