"""Several machines: two of torch's launchers, as on two nodes, that meet on the loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial

import pytest
from conftest import REPOSITORY, inpaint_process, learned, train_arguments
from ranks import ranks

from inpaint_cli.engine.checkpoints import find_checkpoint
from inpaint_cli.records.checkpoints import step_name


@contextmanager
def launchers(nodes, processes, arguments):
    """`inpaint ARGUMENTS` as `torchrun` runs it on each of so many nodes: the launchers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "torch.distributed.run", "--nnodes", nodes, "--nproc-per-node", processes,
        "--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{port}", "--rdzv-id", port, "-m", "inpaint_cli",
        *arguments,
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen([*map(str, command)], cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(nodes)
    ]
    try:
        yield started
    finally:
        for process in started:
            process.kill()


def said(started):
    """By each launcher and its processes, when all have ended."""
    return [process.communicate(timeout=500)[1] for process in started]


def launched(nodes, processes, arguments):
    """Every launcher must end well."""
    with launchers(nodes, processes, arguments) as started:
        lines = said(started)
    assert [process.returncode for process in started] == [0] * nodes, "\n".join(lines)


def alone(arguments):
    done = inpaint_process(*arguments, OMP_NUM_THREADS="1")
    assert done.exit_code == 0, done.stderr


@pytest.mark.slow
def test_two_machines_of_one_process_train_what_one_of_two_trains(prepared, tmp_path):
    for nodes, processes in ((1, 2), (2, 1)):
        launched(nodes, processes, [*train_arguments(prepared, tmp_path / str(nodes)), "--steps", 3])
    one, two = ((tmp_path / nodes / "checkpoints" / step_name(3)).read_bytes() for nodes in ("1", "2"))
    assert one == two
    assert learned(tmp_path / "1") == learned(tmp_path / "2")


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("lost", [0, 1])
def test_a_process_of_one_machine_that_is_killed_ends_all_saved_within_a_minute(prepared, tmp_path, lost):
    run = tmp_path / "run"
    arguments = [*train_arguments(prepared, run), "--steps", 100_000, "--checkpoint-every", 100_000]
    with launchers(2, 1, [*arguments, "--sample-every", 100_000]) as started:
        metrics = run / "metrics.jsonl"
        while not metrics.exists() or metrics.read_text().count("\n") < 5:
            assert all(launcher.poll() is None for launcher in started)
            time.sleep(0.05)
        processes = {rank: pid for launcher in started for rank, pid in ranks(launcher.pid).items()}
        os.kill(processes[lost], signal.SIGKILL)
        begun, done = time.monotonic(), metrics.read_text().count("\n")
        lines = "".join(said(started)).splitlines()
        assert time.monotonic() - begun < 60
    ours = [line for line in lines if line.startswith("inpaint: ")]
    assert len(ours) == 1 and f"process {lost} of 2 has ended or answers no more; the last checkpoint is" in ours[0]
    assert ours[0].endswith("To go on: on every machine, the command that began it, with --resume")
    assert all(launcher.returncode for launcher in started) and find_checkpoint(run).header.step >= done - 1


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_shares_of_what_is_evaluated_and_completed_come_to_the_same(prepared, trained, tmp_path):
    """On two machines of one process each, and on one of two, as in one process."""
    shared = ["--data", prepared, "--checkpoint", trained, "--masks", "block:8", "--split", "train", "--device", "cpu"]
    for nodes, processes in ((0, 1), (1, 2), (2, 1)):
        run = partial(launched, nodes, processes) if nodes else alone
        run(["evaluate", *shared, "-o", tmp_path / f"{nodes}.json", "--csv", tmp_path / f"{nodes}.csv", "-q"])
        run(["complete", *shared, "-o", tmp_path / f"{nodes}.h5", "--batch", 4, "-q"])
    for kind in ("json", "csv", "h5"):
        one, *others = ((tmp_path / f"{nodes}.{kind}").read_bytes() for nodes in (0, 1, 2))
        assert others == [one, one]
