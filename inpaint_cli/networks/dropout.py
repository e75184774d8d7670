"""Dropout whose masks cost little: on a CPU, torch's draws of single Bernoulli variables took a third of a training
step, forty times as long as drawing the same number of random bits."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WORDS = {torch.bfloat16: torch.int16, torch.float16: torch.int16, torch.float32: torch.int32}


class Dropout(nn.Module):
    """As nn.Dropout, of the same distribution with `probability` rounded to 1/32768, from other random numbers."""

    def __init__(self, probability: float):
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or x.device.type != "cpu" or x.dtype not in WORDS:
            return F.dropout(x, self.probability, self.training)
        return x * keep_factors(x, self.probability)

    def extra_repr(self) -> str:
        return f"{self.probability}"


@torch.compiler.disable  # which knows no words of other widths within the same memory
def keep_factors(like: Tensor, probability: float) -> Tensor:
    """0 with `probability`, else 1 / (1 - probability), in the shape, type and memory layout of `like`.

    Each word of random bits, one shorter than it is wide, is kept where it is below a threshold: then the difference
    is negative, its sign shifted over the word is all ones, and these let the bits of the factor pass.
    """
    words = WORDS[like.dtype]
    width = torch.iinfo(words).bits
    threshold = round((1 - probability) * 2**15) * 2 ** (width - 16) - 2 ** (width - 2)
    factor = torch.tensor(1 / (1 - probability)).to(like.dtype).view(words).item()
    bits = torch.empty(-(-like.numel() * width // 64), dtype=torch.int64).random_(-(2**63), None)
    bits = bits.view(words)[: like.numel()]
    bits.bitwise_right_shift_(1).sub_(threshold).bitwise_right_shift_(width - 1).bitwise_and_(factor)
    return bits.view(like.dtype).as_strided(like.size(), _dense_strides(like))


def _dense_strides(x: Tensor) -> tuple[int, ...]:
    """Those of a fresh tensor in the layout of `x`, without gaps."""
    return torch.empty_like(x, device="meta").stride()
