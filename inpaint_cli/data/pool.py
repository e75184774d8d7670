"""Worker processes that keep order and hold a bounded number of tasks, so that memory does not grow with the set."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import TypeVar, TypeVarTuple

from inpaint_cli.errors import EnvironmentFault

TASKS_PER_WORKER = 4  # waiting or done, not yet taken

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


def default_workers() -> int:
    """As many processes as cores, four at most."""
    return min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def map_in_order(
    function: Callable[[*Arguments], Result], tasks: Iterable[tuple[*Arguments]], workers: int
) -> Iterator[tuple[tuple[*Arguments], Result]]:
    """Yield each task with `function(*task)`, in the order of the tasks. One worker means this process."""
    if workers == 1:
        yield from ((task, function(*task)) for task in tasks)
        return
    # Not fork: this process has threads. Workers import little, so starting them anew costs a fraction of a second.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker)
    try:
        waiting: deque[tuple[tuple[*Arguments], Future[Result]]] = deque()
        for task in tasks:
            waiting.append((task, pool.submit(function, *task)))
            if len(waiting) >= workers * TASKS_PER_WORKER:
                yield _next(waiting)
        while waiting:
            yield _next(waiting)
    except BrokenProcessPool:
        raise EnvironmentFault(
            "a worker process was killed, most likely for want of memory; try fewer --workers, or --workers 1"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _next(waiting: deque[tuple[tuple[*Arguments], Future[Result]]]) -> tuple[tuple[*Arguments], Result]:
    task, future = waiting.popleft()
    return task, future.result()


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the main process decides
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None  # this runs in workers alone
    parent.join()
    os._exit(1)
