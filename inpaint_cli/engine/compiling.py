"""`--compile`: networks run as torch.compile makes them, with the weights and the random draws that they have anyway.

Networks, and not whole losses: two turns of a step share what one network computed (`Batch.once`), and what is compiled
as one has one backward, after which nothing of it is left for the other turn. The frozen networks that losses look
through are compiled, too. Where second derivatives are taken, and in completions, networks run as they are written.
"""

import logging
from collections.abc import Iterator

import torch
from torch import nn

from inpaint_cli.errors import EnvironmentFault
from inpaint_cli.method import Method

OPTIONS = {"fallback_random": True}  # dropout draws what it draws without compilation
WAYS = 8  # in which one network is called: sizes of batches, with and without gradients; torch's own limit


def compile_networks(method: Method) -> None:
    """Compile each network of the method when it is first called; names and places of its weights stay.

    Raises `EnvironmentFault` where this machine cannot compile.
    """
    _refuse_what_cannot_compile(next(method.parameters()).device)
    torch._logging.set_logs(dynamo=logging.ERROR)  # where it leaves Python to Python is not the user's to know
    networks = [*_called(method), *method.helpers.values()]
    # torch counts the ways of all networks together, and runs what comes after its limit as it is written.
    torch._dynamo.config.recompile_limit += WAYS * len(networks)
    for network in networks:
        network.compile(options=OPTIONS)


def _called(parent: nn.Module) -> Iterator[nn.Module]:
    """The networks that a method calls; lists and dicts of networks are none themselves."""
    for network in parent.children():
        if isinstance(network, nn.ModuleList | nn.ModuleDict):
            yield from _called(network)
        else:
            yield network


def _refuse_what_cannot_compile(device: torch.device) -> None:
    """By compiling something small: what is needed differs by device and by version of torch."""
    try:
        torch.compile(torch.sin)(torch.zeros(8, device=device))
    except Exception as error:  # of the compiler's own many kinds
        reason = (str(error) or type(error).__name__).strip().splitlines()[0]
        raise EnvironmentFault(
            f"--compile: torch.compile does not work here ({reason}); it needs a C++ compiler such as g++. "
            "Install one, or leave --compile out: it is off by default"
        ) from None
