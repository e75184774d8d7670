"""How much arithmetic a step is, and how much this machine does in a second, measured there and then."""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.stopwatch import wait_for

MATRIX = {"cpu": 2048, "cuda": 8192}  # rows and columns of the product that is measured: a GPU is idle with less
IMAGES = {"cpu": 16, "cuda": 256}  # of the convolution
CHANNELS, SIDE, KERNEL = 128, 32, 3
ROUNDS, ROUND_SECONDS = 5, 0.1  # the quietest counts


class Arithmetic(NamedTuple):
    """Floating-point operations, a multiplication and an addition being two: a count, or a rate in a second."""

    matrix: float
    convolution: float

    @property
    def total(self) -> float:
        return self.matrix + self.convolution

    def seconds_at(self, rates: "Arithmetic") -> float:
        """What this much takes where each kind runs at its rate."""
        return self.matrix / rates.matrix + self.convolution / rates.convolution


def counted(work: Callable[[], object]) -> Arithmetic:
    """What `work` computes in matrix products and convolutions, gradients included."""
    with _Counter() as counter:
        work()
    return Arithmetic(counter.matrix, counter.convolution)


class _Counter(TorchDispatchMode):
    """torch's own formulas, without its mode's modules, which the gradients of a gradient penalty cannot pass."""

    matrix = convolution = 0.0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result, operation = func(*args, **(kwargs or {})), func._overloadpacket
        if operation in flop_registry:
            count = flop_registry[operation](*args, **(kwargs or {}), out_val=result)
            if "conv" in str(operation):
                self.convolution += count
            else:
                self.matrix += count
        return result


def machine_rates(hardware: Hardware) -> Arithmetic:
    """Of a large product, and of a convolution of a common size with its gradients, in the hardware's precision.

    Measured once in a process, for as many threads as it computes with.
    """
    return _measured(hardware, torch.get_num_threads())


@lru_cache
def _measured(hardware: Hardware, threads: int) -> Arithmetic:
    kind = torch.bfloat16 if hardware.precision == "bf16" else torch.float32
    rows, images = MATRIX[hardware.device.type], IMAGES[hardware.device.type]
    matrix = torch.rand(rows, rows, device=hardware.device, dtype=kind)
    layer = hardware.place(torch.nn.Conv2d(CHANNELS, CHANNELS, KERNEL, padding=1, dtype=kind))
    image = torch.rand(images, CHANNELS, SIDE, SIDE, device=hardware.device, dtype=kind)
    image = image.to(memory_format=torch.channels_last).requires_grad_()
    ways = [lambda: matrix @ matrix, lambda: layer(image).sum().backward()]
    return Arithmetic(*(counted(way).total / _quietest(way, hardware.device) for way in ways))


def _quietest(work: Callable[[], object], device: torch.device) -> float:
    """Seconds of one call."""
    work()
    once = _seconds(work, 1, device)
    calls = max(1, int(ROUND_SECONDS / once))
    return min(once, *(_seconds(work, calls, device) for _ in range(ROUNDS)))


def _seconds(work: Callable[[], object], calls: int, device: torch.device) -> float:
    wait_for(device)
    began = time.perf_counter()
    for _ in range(calls):
        work()
    wait_for(device)
    return (time.perf_counter() - began) / calls
