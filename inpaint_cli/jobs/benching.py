"""How fast a method trains here, where its steps spend their time, and what this machine could do."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.data.recipes import load_recipe
from inpaint_cli.engine.arithmetic import Arithmetic, counted, machine_rates
from inpaint_cli.engine.compiling import compile_networks
from inpaint_cli.engine.devices import Hardware, choose_hardware
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.randomness import seed_default_generators
from inpaint_cli.engine.splits import Split
from inpaint_cli.engine.stopwatch import PARTS, PeakMemory, Stopwatch, WatchedLearner, WatchedStream, wait_for
from inpaint_cli.engine.training import take_step
from inpaint_cli.errors import (
    TOO_FEW_AT_ONCE,
    EnvironmentFault,
    InputError,
    UsageError,
    is_out_of_memory,
    is_too_few_at_once,
    out_of_memory,
)
from inpaint_cli.imaging.limits import available_memory
from inpaint_cli.jobs.audience import Audience, Progress, heard_by
from inpaint_cli.jobs.loading import check_masks
from inpaint_cli.jobs.mask_files import masks_of
from inpaint_cli.jobs.refusals import refuse_untimed
from inpaint_cli.masks import MaskProcess, parse_masks
from inpaint_cli.method import ImageShape, Method
from inpaint_cli.methods import method_class
from inpaint_cli.settings import AnySettings, Assignments, assigned, make_settings, settings_values
from inpaint_cli.weight_files import TRAINED_HELPERS
from inpaint_cli.weights import load_helper

SECONDS, LEAST_STEPS = 5.0, 3  # that are timed
ROUNDS = 5  # in which the steps of a GPU are timed once more, without looking at their parts, in half of the time
SYNTHETIC_IMAGES = 512
MOST_BATCH = 4096  # no larger batch is spoken of
SHARE_OF_MEMORY = 0.9  # of what is free: a batch that takes it all ends other programs
NEARLY_DONE = 0.999  # of the training: by then every stage has begun


@dataclass(frozen=True)
class Benched:
    """What was measured of one method's training steps."""

    method: str
    settings: dict[str, Any]
    data: str  # the prepared file, or that there was none
    shape: ImageShape
    masks: str
    batch: int
    device: str
    precision: str
    threads: int
    steps: int  # that were timed
    images_per_second: float  # over all of them
    step_seconds: float  # of the middle one
    quietest_step_seconds: float
    shares: dict[str, float]  # of the time: data, forward, backward, update
    reading: float  # the share of the time that is spent on reading rows, a part of data
    peak_memory: int  # bytes
    operations: dict[str, float]  # floating-point ones of a step: matrix, convolution
    machine: dict[str, float]  # what the machine does of them in a second, by itself
    share_of_machine: float  # of the quietest step: what its arithmetic takes at the machine's rates
    largest_batch: int  # estimated from what each image adds to the memory; nothing so large is tried
    is_largest_bounded: bool  # by `MOST_BATCH`, not by memory


def bench(
    method: str,
    data: Path | str | None = None,
    *,
    masks: str | None = None,
    batch: int | None = None,
    settings: Assignments = (),
    precision: str = "auto",
    device: str = "auto",
    compile: bool = False,
    progress: Progress = None,
) -> Benched:
    """Time training steps of a method as they are when every stage has begun; nothing is written.

    compile: networks through torch.compile; the first steps, in which it works, are not timed.
    data: a prepared file; None makes up images in the shape of the method's paper. Frozen networks have random weights,
    which cost the same. Raises what `train` raises of its arguments.
    """
    audience, hardware, chosen = heard_by(progress), choose_hardware(device, precision), method_class(method)
    refuse_untimed(method)
    assert chosen.defaults is not None
    process = masks_of(masks or chosen.defaults.masks, audience)
    check_masks(method, chosen, process)
    prepared = PreparedFile(data) if data is not None else None
    shape = ImageShape(*prepared.shape) if prepared else _paper_shape(chosen)
    process.check(shape)
    values = make_settings(chosen.Settings, assigned(settings))
    seed_default_generators(0, "initial weights")
    built = _built(chosen, values, shape, process, hardware)
    split = prepared.split("train") if prepared else made_up(built, shape)
    if prepared:
        built.check_labels({name: column.shape[1:] for name, column in split.labels.items()})
    if compile:
        compile_networks(built)
    track = Track(built, split, process, hardware)
    with _naming_the_batch(batch or chosen.defaults.batch):
        measured = track.measured(batch or chosen.defaults.batch, audience)
    return Benched(
        method, settings_values(values), str(data) if data is not None else "made up", shape, process.spec,
        batch or chosen.defaults.batch, str(hardware.device), hardware.precision, torch.get_num_threads(), **measured,
    )  # fmt: skip


@contextmanager
def _naming_the_batch(batch: int) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        if not is_too_few_at_once(error):
            raise
        raise UsageError(f"{TOO_FEW_AT_ONCE}: give a larger --batch than {batch}") from None
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise EnvironmentFault(f"{out_of_memory(error)} with --batch {batch}: a smaller one helps") from None


# ---- what is timed ---------------------------------------------------------------------------------------------------


def _paper_shape(chosen: type[Method]) -> ImageShape:
    """Of the images that the paper trains on."""
    assert chosen.defaults is not None
    recipe, _ = load_recipe(chosen.defaults.recipe)
    return ImageShape(1 if recipe.mode == "gray" else 3, recipe.size, recipe.size)


def _built(
    chosen: type[Method], values: AnySettings, shape: ImageShape, masks: MaskProcess, hardware: Hardware
) -> Method:
    """The method and the frozen networks that it looks through, on the hardware."""
    built = chosen(values, shape, masks)
    for name in built.needed_helpers():
        if name in TRAINED_HELPERS:
            kind = method_class(name)
            helper: torch.nn.Module = kind(kind.Settings(), shape, parse_masks("none")).eval().requires_grad_(False)
        else:
            helper, _ = load_helper(name, "random")
        built.helpers[name] = hardware.place(helper)
    return hardware.place(built).train()


@dataclass
class MadeUp:
    """Images and labels of noise."""

    images: np.ndarray
    labels: dict[str, np.ndarray]
    name: str = "train"
    masks: None = None
    observed: bool = False

    @property
    def names(self) -> list[str]:
        return [f"{row}.png" for row in range(len(self))]

    def __len__(self) -> int:
        return len(self.images)


def made_up(method: Method, shape: ImageShape, count: int = SYNTHETIC_IMAGES) -> Split:
    """Images of a shape, with label maps, landmarks and classes where the method does not train without."""
    draws = np.random.default_rng(0)
    images = draws.integers(0, 256, (count, shape.height, shape.width, shape.channels), dtype=np.uint8)
    try:
        method.check_labels({})
        return MadeUp(images, {})
    except InputError:
        known = method.label_counts.get("parsing", 2)
        labels: dict[str, np.ndarray] = {
            "landmarks": draws.uniform(0, min(shape.height, shape.width), (count, 5, 2)).astype(np.float32),
            "parsing": draws.integers(0, known, (count, shape.height, shape.width), dtype=np.uint8),
        }
        method.check_labels({name: column.shape[1:] for name, column in labels.items()})
        return MadeUp(images, labels)


class Track:
    """One method on one data set, to be timed with batches of several sizes."""

    def __init__(self, method: Method, split: Split, masks: MaskProcess, hardware: Hardware):
        self.method, self.split, self.masks, self.hardware = method, split, masks, hardware
        self.watch, self.memory = Stopwatch(hardware.device), PeakMemory(hardware.device)
        self.plan = Plan(steps=1_000_000, batch=1)
        self.learner = WatchedLearner(method, hardware, Team(), self.plan, self.watch)
        self.learner.step = int(NEARLY_DONE * self.plan.steps)

    def stream(self, batch: int) -> WatchedStream:
        plan = replace(self.plan, batch=batch)
        stream = WatchedStream(self.split, self.masks, self.method, plan, self.hardware, Team())
        return stream.watched_by(self.watch)

    def peak(self, stream: WatchedStream) -> int:
        """Bytes that a step takes at most."""
        self.memory.reset()
        take_step(self.learner, stream)
        return self.memory.read()

    def measured(self, batch: int, audience: Audience) -> dict[str, Any]:
        """The figures of `Benched` that are measured. The first steps warm up."""
        other = batch // 2 if batch > 3 else 2 * batch  # batch normalisation needs two images
        stream = self.stream(batch)
        with torch.compiler.set_stance("force_eager"):  # in what is compiled nothing can be counted
            operations = counted(lambda: take_step(self.learner, stream))
        peaks = {size: self.peak(self.stream(size)) for size in sorted((other, batch))}
        rates = machine_rates(self.hardware)
        twice = self.hardware.device.type == "cuda"  # which no part's end stops while it trains
        seconds, shares = self.timed(stream, audience, SECONDS / 2 if twice else SECONDS)
        if twice:
            seconds = self.unwatched(stream, max(1, len(seconds) // ROUNDS))
        largest, bounded = largest_batch(peaks, self.memory.held() + free_memory(self.hardware.device))
        return {
            "steps": len(seconds),
            "images_per_second": batch * len(seconds) / sum(seconds),
            "step_seconds": median(seconds),
            "quietest_step_seconds": min(seconds),
            "shares": {"data": shares["data"] + shares["reading"], **{part: shares[part] for part in PARTS[2:]}},
            "reading": shares["reading"],
            "peak_memory": peaks[batch],
            "operations": Arithmetic(*operations)._asdict(),
            "machine": rates._asdict(),
            "share_of_machine": operations.seconds_at(rates) / min(seconds),
            "largest_batch": largest,
            "is_largest_bounded": bounded,
        }

    def timed(self, stream: WatchedStream, audience: Audience, least: float) -> tuple[list[float], dict[str, float]]:
        """Seconds of each step, and what share of all of them each part takes, in `least` seconds or a little more."""
        seconds: list[float] = []
        sums = dict.fromkeys(PARTS, 0.0)
        began = time.perf_counter()
        with audience.progress("timing") as advance:
            while len(seconds) < LEAST_STEPS or time.perf_counter() - began < least:
                self.watch.start()
                take_step(self.learner, stream)
                self.watch.switch("update")
                seconds.append(sum(self.watch.seconds.values()))
                sums = {part: sums[part] + self.watch.seconds[part] for part in PARTS}
                advance(len(seconds))
        return seconds, {part: value / sum(sums.values()) for part, value in sums.items()}

    def unwatched(self, stream: WatchedStream, steps: int) -> list[float]:
        """Seconds of each step, as means over `steps` between which nothing waits: Python runs ahead of a GPU."""
        seconds: list[float] = []
        self.watch.waits = False
        for _ in range(ROUNDS):
            wait_for(self.hardware.device)
            began = time.perf_counter()
            for _ in range(steps):
                take_step(self.learner, stream)
            wait_for(self.hardware.device)
            seconds += [(time.perf_counter() - began) / steps] * steps
        self.watch.waits = True
        return seconds


def free_memory(device: torch.device) -> int:
    """Bytes that could still be taken."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else available_memory()


def largest_batch(peaks: dict[int, int], room: int) -> tuple[int, bool]:
    """The batch whose peak fills `SHARE_OF_MEMORY` of the room, and whether `MOST_BATCH` bounds it.

    peaks: bytes by batch of two sizes; memory grows by the same amount with each image.
    """
    (small, low), (large, high) = sorted(peaks.items())
    growth = max((high - low) / (large - small), 0.0)
    fits = math.inf if growth == 0 else large + (SHARE_OF_MEMORY * room - high) / growth
    return (MOST_BATCH, True) if fits >= MOST_BATCH else (max(int(fits), 1), False)
