"""`make benchmark-gpu`, as far as it can be tried without a GPU: what it refuses, its order, its table."""

import gpu
import pytest
import torch

import inpaint_cli
from inpaint_cli.engine import arithmetic
from inpaint_cli.errors import EnvironmentFault
from inpaint_cli.jobs import benching


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_without_a_gpu_nothing_is_measured_or_written(capsys):
    before = gpu.RESULTS.read_bytes()
    assert gpu.main() == 4 and "no usable NVIDIA GPU" in capsys.readouterr().err
    assert gpu.RESULTS.read_bytes() == before


def test_the_table_has_what_bench_finds_and_why_there_is_nothing(monkeypatch):
    monkeypatch.setattr(benching, "SECONDS", 0.0)
    monkeypatch.setattr(arithmetic, "ROUND_SECONDS", 0.01)
    monkeypatch.setitem(arithmetic.MATRIX, "cpu", 256)
    found = inpaint_cli.bench("deep-l2", batch=2, settings={"width": 8}, device="cpu", precision="fp32")
    asked = []

    def bench(name, compile=False):
        asked.append((name, compile))
        return "out of memory" if name == "mde" else "no time left" if compile else found

    lines = list(gpu.table(["deep-l2", "mde"], bench, "a card"))
    assert asked == [("deep-l2", False), ("mde", False), ("deep-l2", True), ("mde", True)]
    share = f"{100 * found.share_of_machine:.0f} % (fp32)"
    assert (
        lines[-2].startswith(f"| `deep-l2` | {found.images_per_second:.0f} | {share} |") and "no time left" in lines[-2]
    )
    assert lines[-1] == "| `mde` | out of memory |  |  |  | out of memory |"
    assert {line.count("|") for line in lines[3:]} == {7}


def test_no_method_is_begun_without_time_for_it_and_a_fault_ends_one_row_alone(monkeypatch, capsys):
    def failing(name, **options):
        raise {"mde": EnvironmentFault, "tv": RuntimeError}[name]("out of memory\nand more")

    monkeypatch.setattr(inpaint_cli, "bench", failing, raising=False)
    monkeypatch.setattr(gpu.time, "monotonic", lambda: 100.0)
    assert gpu.measured("mde", 100.0 + gpu.LONGEST + 1) == "out of memory"
    assert gpu.measured("tv", 100.0 + gpu.LONGEST + 1) == "RuntimeError: out of memory"
    assert gpu.measured("mde", 100.0 + gpu.LONGEST - 1) == "no time left"
    assert capsys.readouterr().err.splitlines() == [
        "mde: out of memory",
        "tv: RuntimeError: out of memory",
        "mde: no time left",
    ]
