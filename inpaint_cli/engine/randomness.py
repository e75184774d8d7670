"""Randomness without state: every draw is a function of (seed, stream, position), so a resumed run draws what an
uninterrupted one draws."""

import hashlib

import torch


def derive_seed(seed: int, stream: str, *position: int) -> int:
    """A 63-bit seed for one draw: a hash, so that neighbouring steps and streams are unrelated."""
    text = ":".join(map(str, (seed, stream, *position)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator_for(device: torch.device | str, seed: int, stream: str, *position: int) -> torch.Generator:
    return torch.Generator(device).manual_seed(derive_seed(seed, stream, *position))


def seed_default_generators(seed: int, stream: str, *position: int) -> None:
    """Seed what networks draw from by themselves (dropout, latent noise), on the CPU and on every GPU.

    `torch.manual_seed` would note for each kind of device that is not there where it was called from, in every turn.
    """
    number = derive_seed(seed, stream, *position)
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(number)


class SampleOrder:
    """An endless sequence of sample indices: one permutation of the data after the other."""

    def __init__(self, count: int, seed: int):
        self.count, self.seed = count, seed
        self._epoch, self._permutation = -1, torch.arange(0)

    def indices(self, start: int, length: int) -> torch.Tensor:
        """Indices at positions start … start + length - 1 of the sequence, int64 [length]."""
        parts = []
        while length > 0:
            epoch, offset = divmod(start, self.count)
            part = self._permuted(epoch)[offset : offset + length]
            parts.append(part)
            start, length = start + len(part), length - len(part)
        return torch.cat(parts)

    def _permuted(self, epoch: int) -> torch.Tensor:
        if epoch != self._epoch:
            generator = generator_for("cpu", self.seed, "order", epoch)
            self._epoch, self._permutation = epoch, torch.randperm(self.count, generator=generator)
        return self._permutation
