"""Several processes as one: joining those that a launcher started, averaging over them, noticing that one is gone."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from inpaint_cli.errors import EnvironmentFault, UsageError

Item = TypeVar("Item")

PREFIX, FAILED, SAVED = "inpaint", "failed", "saved"  # one has ended with a message of its own; all that can be, is
STORE = "INPAINT_STORE"  # HOST:PORT, where the processes of our own launcher find each other
LAUNCHER = "INPAINT_LAUNCHER"  # the number of its process
PATIENCE = timedelta(minutes=30)  # of one process for another, while one of them does what the others need not
STEP_PATIENCE = timedelta(seconds=30)  # within a step, where all do the same
LONGER = 10  # or as many times the first step's time
ROLL_CALL = 3.0  # seconds in which those that are left say so
PARENT_LOOK = 1.0  # seconds between two looks at whether the launcher is still there


class TeamLost(EnvironmentFault):
    """Another process of the team has ended, or answers no more."""

    def __init__(self, message: str, first: bool, explained: bool = False):
        super().__init__(message)
        self.first, self.explained = first, explained  # of those that are left; whoever is missing said itself why
        self.silent = explained or not first


@dataclass
class Team:
    """The processes that train together; one process alone is a team of one."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    store: dist.Store | None = None  # where they find each other
    group: Any = None  # of processes, for what happens within a step; None: as everything else
    ending: threading.Event = field(default_factory=threading.Event)  # set when all of it have agreed to end

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
        if self.size == 1 or not (tensors := list(tensors)):
            return
        flat = torch.cat([tensor.detach().reshape(-1).float() for tensor in tensors])
        with self._noticing():
            dist.all_reduce(flat, group=self.group)
        pieces = (flat / self.size).split([tensor.numel() for tensor in tensors])
        for tensor, piece in zip(tensors, pieces, strict=True):
            tensor.copy_(piece.view_as(tensor))

    def total(self, tensor: Tensor) -> Tensor:
        """The sum over the team, as a tensor of its own."""
        found = tensor.clone(memory_format=torch.contiguous_format)
        if self.size > 1:
            with self._noticing():
                dist.all_reduce(found, group=self.group)
        return found

    def __deepcopy__(self, memo: object) -> "Team":
        """Itself: a copy of a network that normalises over processes normalises over the same ones."""
        return self

    def largest(self, numbers: list[int]) -> list[int]:
        """Of each number the largest that any process has."""
        if self.size == 1:
            return numbers
        found = torch.tensor(numbers)  # on the CPU: no GPU waits for it
        with self._noticing():
            dist.all_reduce(found, dist.ReduceOp.MAX, group=self.group)
        return found.tolist()

    def gather(self, item: Item) -> list[Item]:
        """What every process hands in, by rank; plain data, the same list for all of them."""
        items = [item] * self.size
        if self.size > 1:
            with self._noticing():
                dist.all_gather_object(items, item)
        return items

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.size > 1:
            with self._noticing():
                dist.barrier()

    # ---- one that is gone ------------------------------------------------------------------------------------------

    def expect_steps_of(self, seconds: float) -> None:
        """From now on a process that is much later than the others within a step counts as lost.

        seconds: that a step takes. All processes call this together. On GPUs NCCL watches by itself.
        """
        if self.size > 1 and dist.get_backend() == "gloo":
            longest = max(self.gather(seconds))
            self.group = dist.new_group(timeout=max(STEP_PATIENCE, timedelta(seconds=LONGER * longest)))

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            if not isinstance(error, dist.DistError) and "gloo" not in str(error):
                raise
            raise self._lost() from None

    def _lost(self) -> TeamLost:
        """Which processes are missing, as far as those that are left can tell each other."""
        here, failed = {self.rank}, False
        if self.store is not None:
            with contextlib.suppress(RuntimeError):  # the store is gone, too
                here, failed = self._roll_call(self.store)
        missing = [str(rank) for rank in range(self.size) if rank not in here]
        names = " and ".join(missing) or "another"
        message = f"process {names} of {self.size} has ended or answers no more"
        return TeamLost(message, self.rank == min(here), failed)

    def _roll_call(self, store: dist.Store) -> tuple[set[int], bool]:
        store.set(f"here/{self.rank}", "")
        end, everyone = time.monotonic() + ROLL_CALL, range(self.size)
        while time.monotonic() < end and not all(store.check([f"here/{rank}"]) for rank in everyone):
            time.sleep(0.1)
        here = {rank for rank in everyone if store.check([f"here/{rank}"])}
        return here, store.check([FAILED])

    def say(self, what: str) -> None:
        """Tell the others, and the launcher, what may not need an answer: `FAILED`, `SAVED`."""
        if self.store is not None:
            with contextlib.suppress(RuntimeError):
                self.store.set(what, "")


def launched() -> bool:
    """Whether a launcher (our own or torchrun) started this process as one of several."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def launched_by_us() -> bool:
    """Whether it was `--gpus`."""
    return STORE in os.environ


def local_rank() -> int:
    """Which of this machine's processes this is: its GPU."""
    return int(os.environ.get("LOCAL_RANK", 0))


def join_team(device_type: str, patience: timedelta = PATIENCE) -> Team:
    """The team that the launcher's environment describes; NCCL for what is on GPUs, gloo for what is on the CPU.

    patience: how long one process waits for another. Each ends, as if by SIGTERM, when its launcher is gone.
    """
    if not launched():
        return Team()
    ending = end_with_parent()
    store, rank, size = _rendezvous()
    backend = "cpu:gloo,cuda:nccl" if device_type == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=patience)
    return Team(rank, size, local_rank(), dist.PrefixStore(PREFIX, store), ending=ending)


def _rendezvous() -> tuple[dist.Store, int, int]:
    """The store that all processes share, this one's rank, and how many there are."""
    if launched_by_us():
        host, _, port = os.environ[STORE].rpartition(":")
        return dist.TCPStore(host, int(port)), int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    return next(iter(dist.rendezvous("env://")))


def leave_team() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def end_with_parent() -> threading.Event:
    """Send this process SIGTERM when the one that started it is gone: it saves, and ends; at once, if it is gone now.

    Our launcher says which one it is: it may have ended while this process was still importing. Once the event that is
    returned is set, nothing is sent: a process that ends because another was asked to must not be asked once more.
    """
    parent = int(os.environ.get(LAUNCHER, os.getppid()))
    ending = threading.Event()

    def watch() -> None:
        while not ending.wait(PARENT_LOOK):
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGTERM)
                return

    if os.getppid() == parent:
        threading.Thread(target=watch, name="parent", daemon=True).start()
    else:
        os.kill(os.getpid(), signal.SIGTERM)
    return ending


def share_of(batch: int, team: Team, accumulate: int) -> int:
    """Images that one process takes at once; the batch must divide evenly, or gradients would not average exactly."""
    pieces = team.size * accumulate
    if batch % pieces:
        raise UsageError(
            f"a batch of {batch} does not divide into {team.size} processes × {accumulate} accumulated parts"
        )
    return batch // pieces
