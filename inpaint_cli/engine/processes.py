"""One process per GPU (or several on the CPU): launching, joining, averaging."""

import logging
import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from inpaint_cli.errors import EnvironmentFault, UsageError

Item = TypeVar("Item")


@dataclass(frozen=True)
class Team:
    """The processes that train together; one process alone is a team of one."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def average_gradients(self, parameters: list[torch.nn.Parameter]) -> None:
        """Mean of the gradients over the team, in one flattened all-reduce."""
        if self.size > 1:
            self.average([p.grad for p in parameters if p.grad is not None])

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its mean over the team; float32 inside, one all-reduce for all of them."""
        tensors = list(tensors)
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([tensor.detach().reshape(-1).float() for tensor in tensors])
        dist.all_reduce(flat)
        pieces = (flat / self.size).split([tensor.numel() for tensor in tensors])
        for tensor, piece in zip(tensors, pieces, strict=True):
            tensor.copy_(piece.view_as(tensor))

    def largest(self, numbers: list[int]) -> list[int]:
        """Of each number the largest that any process has."""
        if self.size == 1:
            return numbers
        found = torch.tensor(numbers)  # on the CPU: no GPU waits for it
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return found.tolist()

    def gather(self, item: Item) -> list[Item]:
        """What every process hands in, by rank; plain data, the same list for all of them."""
        items = [item] * self.size
        if self.size > 1:
            dist.all_gather_object(items, item)
        return items

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.size > 1:
            dist.barrier()


def launched() -> bool:
    """Whether a launcher (our own or torchrun) started this process as one of several."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def local_rank() -> int:
    """Which of this machine's processes this is: its GPU."""
    return int(os.environ.get("LOCAL_RANK", 0))


def join_team(device_type: str, patience: timedelta | None = None) -> Team:
    """The team that the launcher's environment describes; NCCL for what is on GPUs, gloo for what is on the CPU.

    patience: how long one process waits for another; None: torch's own limit, meant for training's short steps.
    """
    if not launched():
        return Team()
    dist.init_process_group("cpu:gloo,cuda:nccl" if device_type == "cuda" else "gloo", timeout=patience)
    return Team(dist.get_rank(), dist.get_world_size(), local_rank())


def leave_team() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def launch(processes: int, device: str, arguments: list[str]) -> int:
    """Run `inpaint ARGUMENTS` in `processes` processes through torch's launcher; return the exit code of the whole.

    The first failed process decides the code, so that a user sees what one process would have answered.
    """
    os.environ.setdefault("LOGLEVEL", "CRITICAL")  # of the launcher: exit codes and messages are ours
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    if device != "cpu" and torch.cuda.device_count() < processes:
        raise EnvironmentFault(
            f"--gpus {processes}: this machine has {torch.cuda.device_count()} GPUs; "
            f"--device cpu runs {processes} CPU processes"
        )
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)
    config = LaunchConfig(
        run_id="inpaint",
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
    )
    try:
        elastic_launch(config, sys.executable)("-m", "inpaint_cli", *arguments)
    except ChildFailedError as failure:
        return _exit_code(failure.get_first_failure()[1].exitcode)
    except SignalException as failure:
        return 128 + int(failure.sigval)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _exit_code(code: int) -> int:
    """A process ended by signal n has exit code -n in Python and 128 + n in a shell."""
    return 128 - code if code < 0 else code


def share_of(batch: int, team: Team, accumulate: int) -> int:
    """Images that one process takes at once; the batch must divide evenly, or gradients would not average exactly."""
    pieces = team.size * accumulate
    if batch % pieces:
        raise UsageError(
            f"a batch of {batch} does not divide into {team.size} processes × {accumulate} accumulated parts"
        )
    return batch // pieces
