"""Batches for training: every process draws the same global batch and takes its share, so that results do not depend on
how many processes there are."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from inpaint_cli.columns import Column
from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.observing import OwnMasks, other_rows, own_process
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team, share_of
from inpaint_cli.engine.randomness import SampleOrder, generator_for
from inpaint_cli.engine.splits import Split
from inpaint_cli.errors import InputError
from inpaint_cli.masks import MaskProcess
from inpaint_cli.method import Batch, Method

BYTES_AT_ONCE = 64 << 20  # of rows, where all of them are looked at
SHARE_OF_GPU = 0.5  # of the free GPU memory: a split that needs more stays on the host


def refuse_unknown_labels(split: Split, counts: Mapping[str, int]) -> None:
    """`InputError` where the split's label maps hold numbers that the method does not know.

    Looked at here, once and on the CPU: a batch's maximum would make a GPU wait for Python at each step.
    """
    for name, count in counts.items():
        column = split.labels[name]
        rows = max(1, BYTES_AT_ONCE * len(column) // max(column.nbytes, 1))
        highest = max(int(column[start : start + rows].max()) for start in range(0, len(column), rows))
        if highest >= count:
            raise InputError(
                f"the data's {name} maps hold the label {highest}, and this model knows 0 to {count - 1}: prepare them "
                f"with a table of labels, or train with --set labels={highest + 1}"
            )


def spread(count: int, most: int) -> np.ndarray:
    """Up to `most` indices, evenly spread over 0 … count - 1: examples that show more than the first rows would."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(int)


def to_signed(pixels: Tensor) -> Tensor:
    """uint8 [B, H, W, C] -> float32 in [-1, 1], [B, C, H, W], a channels-last view."""
    return pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def _as_signed(image: Tensor) -> Tensor:
    """[B, C, H, W], which is uint8 until a change makes it float."""
    return image if image.is_floating_point() else to_signed(image.permute(0, 2, 3, 1))


def to_uint8(image: Tensor) -> np.ndarray:
    """Float in [-1, 1], [..., C, H, W] -> uint8 [..., H, W, C], rounded."""
    return ((image.float() + 1) * 127.5).round().clamp(0, 255).byte().movedim(-3, -1).cpu().numpy()


class Rows(Protocol):
    """Where a batch's rows come from."""

    def take(self, indices: np.ndarray, following: np.ndarray) -> dict[str, Tensor]:
        """The rows at `indices` by column, on the device; those at `following` are usually asked for next."""


class HostRows:
    """Rows of columns, read by a thread one request ahead. What was read stays in the system's file cache."""

    def __init__(self, columns: Mapping[str, Column], hardware: Hardware):
        self.columns, self.device = columns, hardware.device
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._ahead: tuple[bytes, Future[dict[str, Tensor]]] | None = None

    def take(self, indices: np.ndarray, following: np.ndarray) -> dict[str, Tensor]:
        """The rows at `indices`; meanwhile the rows at `following` are read for the next call."""
        key = indices.tobytes()
        host = self._ahead[1].result() if self._ahead and self._ahead[0] == key else self._read(indices)
        self._ahead = (following.tobytes(), self._reader.submit(self._read, following))
        return {name: tensor.to(self.device, non_blocking=True) for name, tensor in host.items()}

    def _read(self, indices: np.ndarray) -> dict[str, Tensor]:
        rows = {name: torch.from_numpy(column[indices]) for name, column in self.columns.items()}
        return {name: row.pin_memory() for name, row in rows.items()} if self.device.type == "cuda" else rows


class DeviceRows:
    """The whole split on the GPU: taking rows is one kernel."""

    def __init__(self, columns: Mapping[str, Column], hardware: Hardware):
        self.hardware = hardware
        self.tensors = {name: self._on_device(column) for name, column in columns.items()}

    def _on_device(self, column: Column) -> Tensor:
        """All rows, some at a time: the host need not hold them together."""
        rows = max(1, BYTES_AT_ONCE * len(column) // max(column.nbytes, 1))
        held = torch.empty(column.shape, dtype=torch.from_numpy(column[:1]).dtype, device=self.hardware.device)
        for start in range(0, len(column), rows):
            held[start : start + rows] = torch.from_numpy(column[start : start + rows])
        return held

    def take(self, indices: np.ndarray, following: np.ndarray) -> dict[str, Tensor]:
        rows = self.hardware.send(torch.from_numpy(indices))
        return {name: tensor[rows] for name, tensor in self.tensors.items()}


def rows_of(columns: Mapping[str, Column], hardware: Hardware) -> Rows:
    """Cached on the GPU where the split fits; on the CPU the system's file cache is the cache."""
    if hardware.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(hardware.device)
        if sum(column.nbytes for column in columns.values()) < SHARE_OF_GPU * free:
            return DeviceRows(columns, hardware)
    return HostRows(columns, hardware)


class BatchStream:
    """Batch of any (step, repetition, part), the same whenever it is asked for."""

    def __init__(self, split: Split, masks: MaskProcess, method: Method, plan: Plan, hardware: Hardware, team: Team):
        if not len(split):
            raise InputError(f"the split '{split.name}' has no images to train on")
        refuse_unknown_labels(split, method.label_counts)
        self.split, self.masks, self.shape = split, masks.of(split), method.shape
        self.batch, self.accumulate, self.seed = plan.batch, plan.accumulate, plan.seed
        self.repetitions = max(turn.times for turn in method.turns())
        self.hardware, self.team = hardware, team
        self.share = share_of(self.batch, team, self.accumulate)
        self.order = SampleOrder(len(split), self.seed)
        self.rows = rows_of({"image": split.images, **split.labels}, hardware)
        self.augmentation, self.steps = method.augmentation, plan.steps
        self.masked_once, self.observations = method.masked_once, method.learns_from_observations
        process = own_process(split, masks) if self.masked_once else None
        self.own = OwnMasks(process, method.shape, len(split), plan.seed) if process else None

    def get(self, step: int, repetition: int = 0, part: int = 0) -> Batch:
        """This process's share of one global batch, augmented with its masks; of observations nothing else is in it."""
        indices = self._indices(step, repetition, part)
        rows = self.rows.take(indices, self._indices(*self._after(step, repetition, part)))
        image, rows = self._augmented(rows.pop("image"), rows, part, step, repetition)
        position, points = (step, repetition), rows.get("landmarks")
        if self.own is not None:
            mask = self.hardware.send(self.own.of(indices, points))
        else:
            mask = self._masks(part, points, "masks", *position, rows=self._global_indices(*position))
        decoys, noises = (iter(range(1, 1 << 30)) for _ in range(2))
        return Batch(
            image=torch.where(mask > 0, image, 0.0) if self.observations else image,
            mask=mask,
            labels={} if self.observations else rows,
            draw_mask=lambda: self._fresh(part, points, *position, next(decoys)),
            draw_others=None if self.observations else lambda: self._others(indices),
            draw_noise=lambda values: self._noise(part, values, *position, next(noises)),
            progress=step / self.steps,
        )

    def _augmented(
        self, pixels: Tensor, labels: dict[str, Tensor], part: int, *position: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """uint8 [B, H, W, C] -> float in [-1, 1], [B, C, H, W], and the labels, as every change leaves them."""
        image = pixels.permute(0, 3, 1, 2)
        for change, draws in zip(self.augmentation, self._draws(*position), strict=True):
            image = image if change.takes_bytes else _as_signed(image)
            image, labels = change.apply(image, labels, draws[self._share(part)])
        return _as_signed(image), labels

    def _others(self, indices: np.ndarray) -> Tensor:
        """Complete images of other rows: those that lie half the data away."""
        others = (indices + len(self.split) // 2) % len(self.split)
        return to_signed(self.hardware.send(torch.from_numpy(self.split.images[others])))

    def _noise(self, part: int, values: int, *position: int) -> Tensor:
        """Normal values of the global batch, cut to this share: [share, values]."""
        generator = generator_for(self.hardware.device, self.seed, "noise", *position)
        return torch.randn(self.batch, values, generator=generator, device=self.hardware.device)[self._share(part)]

    def _fresh(self, part: int, landmarks: Tensor | None, *position: int) -> Tensor:
        """Masks that know nothing of the images' own: where those belong to images, other images' masks."""
        if not self.masked_once:
            return self._masks(part, landmarks, "decoys", *position)
        generator = generator_for("cpu", self.seed, "whose masks", *position)
        others = other_rows(self._global_indices(*position[:2]), len(self.split), generator)
        return self._masks(part, landmarks, "decoys", *position, rows=others, moved=False)

    def _draws(self, step: int, repetition: int) -> list[Tensor]:
        """What chance decides for each image of the global batch, by augmentation."""
        return [
            change.draw(
                self.batch, generator_for(self.hardware.device, self.seed, "augmentation", step, repetition, number)
            )
            for number, change in enumerate(self.augmentation)
        ]

    def _after(self, step: int, repetition: int, part: int) -> tuple[int, int, int]:
        """The batch that is usually asked for next."""
        if part + 1 < self.accumulate:
            return step, repetition, part + 1
        if repetition + 1 < self.repetitions:
            return step, repetition + 1, 0
        return step + 1, 0, 0

    def _global_indices(self, step: int, repetition: int) -> np.ndarray:
        start = (step * self.repetitions + repetition) * self.batch
        return self.order.indices(start, self.batch).numpy()

    def _share(self, part: int) -> slice:
        start = (self.team.rank * self.accumulate + part) * self.share
        return slice(start, start + self.share)

    def _indices(self, step: int, repetition: int, part: int) -> np.ndarray:
        return self._global_indices(step, repetition)[self._share(part)]

    def _masks(
        self,
        part: int,
        landmarks: Tensor | None,
        stream: str,
        *position: int,
        rows: np.ndarray | None = None,
        moved: bool = True,
    ) -> Tensor:
        """Masks of the global batch, cut to this share: [share, 1 or C, H, W].

        landmarks: the share's, [share, 5, 2]; rows: of the global batch, where its images' own masks are wanted.
        """
        generator, share = generator_for(self.hardware.device, self.seed, stream, *position), self._share(part)
        if landmarks is not None:  # those of the other shares place masks that are not looked at
            own, landmarks = landmarks, landmarks.new_zeros(self.batch, *landmarks.shape[1:])
            landmarks[share] = own
        drawn = self.masks.draw(
            self.batch, self.shape, generator=generator, landmarks=landmarks, rows=rows, moved=moved
        )
        return drawn[share]


class StepBatches:
    """The batches of one step. A whole batch is kept, since turns share what they computed from it; accumulated parts
    are drawn again in each turn, so that none has to stay in memory."""

    def __init__(self, stream: BatchStream, step: int):
        self.stream, self.step = stream, step
        self._first: Batch | None = None

    def parts(self, repetition: int) -> Iterator[Batch]:
        """What one turn sees at its `repetition`: one batch, or its accumulated parts."""
        if self.stream.accumulate > 1:
            yield from (self.stream.get(self.step, repetition, part) for part in range(self.stream.accumulate))
        elif repetition > 0:
            yield self.stream.get(self.step, repetition)
        else:
            self._first = self._first or self.stream.get(self.step)
            yield self._first
