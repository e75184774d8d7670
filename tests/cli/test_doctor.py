"""`inpaint doctor`: facts of this machine, common mistakes, and an answer even where everything is broken."""

import hashlib
import json
import os
import sys
from dataclasses import replace

import pytest
import torch
from conftest import inpaint, inpaint_process

import inpaint_cli
from inpaint_cli import weight_files
from inpaint_cli.jobs import doctor as job
from inpaint_cli.jobs.doctor import Device, Diagnosis, doctor


@pytest.fixture(autouse=True)
def plain_shell(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "TORCHELASTIC_RUN_ID"):
        monkeypatch.delenv(name, raising=False)


def test_it_says_what_a_report_needs():
    found = json.loads(inpaint_process("doctor", "--json").stdout)
    assert found["versions"]["inpaint"] == inpaint_cli.__version__ and "torch" in found["versions"]
    cpu = found["devices"][0]
    assert cpu["name"] == "cpu" and cpu["precision"] in ("bf16", "fp32") and 0 < cpu["free"] <= cpu["total"]
    assert found["threads"] >= 1 and found["processors"] >= 1 and all(free > 0 for free in found["disk"].values())
    assert {each["name"] for each in found["weights"]} == {*weight_files.SOURCES} and found["untold"] == []
    assert {each["name"] for each in found["models"]} == {each.name for each in inpaint_cli.models()}


@pytest.mark.parametrize("load", [0.0, 1000.0])
def test_the_text_has_every_fact_and_the_library_gives_the_same(monkeypatch, load):
    monkeypatch.setattr(os, "getloadavg", lambda: (load, load, load))
    found, result = inpaint_cli.doctor(), inpaint("doctor")
    assert isinstance(found, Diagnosis) and result.exit_code == 0
    facts = [found.system, *found.versions, *found.disk, *(each.path for each in found.weights), *found.mistakes]
    facts.append(f"on {found.processors} processors, {'none' if load else os.cpu_count()} idle")
    assert all(fact in result.stdout for fact in facts)
    assert ("nothing looks wrong" in result.stdout) is not bool(found.mistakes)


def test_nothing_asks_the_network_or_writes(monkeypatch, tmp_path):
    def refuse(*arguments, **more):
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.chdir(tmp_path)
    assert doctor().untold == [] and list(tmp_path.iterdir()) == []


# ---- it never fails -------------------------------------------------------------------------------


def test_a_broken_library_is_said_and_ends_nothing(monkeypatch):
    for module in ("torch", "inpaint_cli.weight_files", "inpaint_cli.engine.devices"):
        monkeypatch.setitem(sys.modules, module, None)  # as if its import failed
    result = inpaint("doctor")
    assert result.exit_code == 0 and "unknown   threads: ModuleNotFoundError" in result.stdout
    assert "unknown   weights: " in result.stdout and "versions  inpaint " in result.stdout


def test_a_working_directory_that_is_gone_ends_nothing(monkeypatch, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert any(text.startswith("disk: FileNotFoundError") for text in doctor().untold)


# ---- mistakes -------------------------------------------------------------------------------------


def test_variables_of_a_launcher_that_is_gone(monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert any("WORLD_SIZE=4 are set" in text for text in doctor().mistakes)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "one")
    assert not any("WORLD_SIZE" in text for text in doctor().mistakes)


def test_threads_that_do_not_suit(monkeypatch):
    def said(threads, processors, idle=16):
        return list(job._threads_that_do_not_suit(Diagnosis(threads=threads, processors=processors, idle=idle)))

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert "set OMP_NUM_THREADS=2" in said(16, 2)[0] and "uses 1 of 16" in said(1, 16)[0] and said(1, 2) == []
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert said(1, 16) == [] and said(1, 2, idle=-3.0) == [] and said(2, 2, idle=1.8) == []
    for idle, free in ((5.4, 5), (0.9, 1), (-3.0, 1)):
        (text,) = said(8, 16, idle)
        assert f"set OMP_NUM_THREADS={free} before a training" in text


def test_a_driver_without_a_gpu_that_torch_sees(monkeypatch, tmp_path):
    cpu, gpu = Device("cpu", "", "fp32", 1, 1), Device("cuda:0", "", "bf16", 1, 1)
    assert list(job._unused_gpu(Diagnosis(devices=[cpu, gpu]))) == []
    (tmp_path / "version").write_text("1")
    monkeypatch.setattr(job, "DRIVER", tmp_path / "version")
    assert list(job._unused_gpu(Diagnosis(devices=[cpu, gpu]))) == []
    (text,) = job._unused_gpu(Diagnosis(devices=[cpu]))
    assert "sees no GPU" in text


def test_little_disk_and_memory():
    found = Diagnosis(disk={"/full": 10, "/empty": 10 * job.GIB}, devices=[Device("cpu", "", "fp32", 10, 20)])
    texts = list(job._room(found))
    assert [text.split(":")[0] for text in texts] == ["/full", "cpu"]


def test_a_file_of_weights_that_was_cut_short(monkeypatch, tmp_path):
    path = tmp_path / "vgg.pth"
    digest = hashlib.sha256(b"whole").hexdigest()[:8]
    source = replace(
        weight_files.SOURCES["vgg16"], file="vgg.pth", digest_start=digest, place=lambda file: tmp_path / file
    )
    monkeypatch.setitem(weight_files.SOURCES, "vgg16", source)
    for content, state in ((None, "missing"), (b"who", "damaged"), (b"whole", "found")):
        if content:
            path.write_bytes(content)
        found = doctor()
        assert found.weights[0].state == state and found.weights[0].path == str(path)
        assert any(str(path) in text for text in found.mistakes) is (state == "damaged")
    assert job._state(path, digest, until=0) == "found, not compared with its digest"


def test_a_damaged_model_is_named(monkeypatch, tmp_path):
    (tmp_path / "faces.safetensors").write_bytes(b"no model")
    monkeypatch.setattr("inpaint_cli.jobs.shipped.FOLDER", tmp_path)
    found = doctor()
    assert found.models[0].state == "damaged" and any("faces.safetensors" in text for text in found.mistakes)


def test_a_program_of_another_environment(monkeypatch, tmp_path):
    program = tmp_path / "inpaint"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert any(f"`inpaint` is {program}" in text for text in doctor().mistakes)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_every_gpu_is_listed():
    devices = [each for each in doctor().devices if each.name != "cpu"]
    assert [each.name for each in devices] == [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    assert all(0 < each.free <= each.total for each in devices)
