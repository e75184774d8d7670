"""Several machines: two of torch's launchers, as on two nodes, that meet on the loopback."""

import os
import socket
import subprocess
import sys
from functools import partial

import pytest
from conftest import REPOSITORY, inpaint_process, learned, train_arguments

from inpaint_cli.records.checkpoints import step_name


def launchers(nodes, processes, arguments):
    """Run `inpaint ARGUMENTS` as `torchrun` does on each of so many nodes; every launcher must end well."""
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
        ended = [process.communicate(timeout=500)[1] for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0] * nodes, "\n".join(ended)


def alone(arguments):
    done = inpaint_process(*arguments, OMP_NUM_THREADS="1")
    assert done.exit_code == 0, done.stderr


@pytest.mark.slow
def test_two_machines_of_one_process_train_what_one_of_two_trains(prepared, tmp_path):
    for nodes, processes in ((1, 2), (2, 1)):
        launchers(nodes, processes, [*train_arguments(prepared, tmp_path / str(nodes)), "--steps", 3])
    one, two = ((tmp_path / nodes / "checkpoints" / step_name(3)).read_bytes() for nodes in ("1", "2"))
    assert one == two
    assert learned(tmp_path / "1") == learned(tmp_path / "2")


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_shares_of_what_is_evaluated_and_completed_come_to_the_same(prepared, trained, tmp_path):
    """On two machines of one process each, and on one of two, as in one process."""
    shared = ["--data", prepared, "--checkpoint", trained, "--masks", "block:8", "--split", "train", "--device", "cpu"]
    for nodes, processes in ((0, 1), (1, 2), (2, 1)):
        run = partial(launchers, nodes, processes) if nodes else alone
        run(["evaluate", *shared, "-o", tmp_path / f"{nodes}.json", "--csv", tmp_path / f"{nodes}.csv", "-q"])
        run(["complete", *shared, "-o", tmp_path / f"{nodes}.h5", "--batch", 4, "-q"])
    for kind in ("json", "csv", "h5"):
        one, *others = ((tmp_path / f"{nodes}.{kind}").read_bytes() for nodes in (0, 1, 2))
        assert others == [one, one]
