"""Device, precision and memory format: chosen once, used by training, completion and evaluation alike."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from inpaint_cli.errors import EnvironmentFault, UsageError, unknown

Network = TypeVar("Network", bound=nn.Module)
PRECISIONS = ("auto", "bf16", "fp32")
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Hardware:
    """Where tensors live and in which precision networks run. Weights and optimiser state stay float32."""

    device: torch.device
    precision: str  # bf16 or fp32

    def autocast(self) -> AbstractContextManager[object]:
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def place(self, network: Network) -> Network:
        """Move to the device; 4-d weights channels-last, which convolutions run faster in on both kinds of device."""
        return network.to(self.device).to(memory_format=torch.channels_last)

    def send(self, tensor: Tensor) -> Tensor:
        """A copy on the device, or the tensor where it is there; Python does not wait for what a GPU is still doing."""
        if self.device.type == "cuda" and tensor.device.type == "cpu":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)

    def __str__(self) -> str:
        return f"{self.device}, {self.precision}"


def choose_hardware(device: str = "auto", precision: str = "auto", local_rank: int = 0) -> Hardware:
    """`auto` takes a GPU where there is one, and bf16 where the hardware computes in it natively."""
    for kind, value, choices in (("device", device, DEVICES), ("precision", precision, PRECISIONS)):
        if value not in choices:
            raise UsageError(unknown(kind, value, choices))
    if device == "cuda" and not torch.cuda.is_available():
        raise EnvironmentFault("--device cuda: torch finds no usable NVIDIA GPU here; --device cpu works everywhere")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and local_rank >= torch.cuda.device_count():
        raise EnvironmentFault(f"process {local_rank} has no GPU: this machine has {torch.cuda.device_count()}")
    if precision == "auto":
        precision = "bf16" if has_native_bf16(device) else "fp32"
    chosen = torch.device("cuda", local_rank) if device == "cuda" else torch.device("cpu")
    if device == "cuda":
        torch.cuda.set_device(chosen)
    return Hardware(chosen, precision)


def has_native_bf16(device: str) -> bool:
    """Whether bf16 arithmetic is in the hardware; emulated, it would be slower than float32."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in checks)
