"""Checkpoints: whole or refused, the same bytes for the same training, never a pickle."""

import json

import harness
import pytest
import torch
from safetensors.torch import save_file

from inpaint_cli.engine.checkpoints import find_checkpoint, newest_valid, read_checkpoint, write_checkpoint
from inpaint_cli.errors import InputError

TENSORS = {"model/weight": torch.arange(6.0).view(2, 3), "model/count": torch.tensor(3)}
HEADER = harness.HEADER | {"step": 7}


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "step-00000007.safetensors"
    write_checkpoint(path, TENSORS, HEADER)
    return path


def test_round_trip(checkpoint):
    found = read_checkpoint(checkpoint)
    assert found.header.method == "toy" and found.header.step == 7
    assert torch.equal(found.part("model")["weight"], TENSORS["model/weight"])
    assert found.part("optimizer/painter") == {}


def test_the_same_content_gives_the_same_bytes(checkpoint, tmp_path):
    write_checkpoint(tmp_path / "again.safetensors", dict(reversed(TENSORS.items())), HEADER)
    assert (tmp_path / "again.safetensors").read_bytes() == checkpoint.read_bytes()


def test_layout_in_memory_does_not_reach_the_file(tmp_path):
    weight = torch.randn(4, 3, 2, 2)
    write_checkpoint(tmp_path / "a.safetensors", {"w": weight}, HEADER)
    write_checkpoint(tmp_path / "b.safetensors", {"w": weight.to(memory_format=torch.channels_last)}, HEADER)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize("where", [0, 9, 60, -1])
def test_one_changed_byte_is_noticed(checkpoint, where):
    content = bytearray(checkpoint.read_bytes())
    content[where] ^= 1
    checkpoint.write_bytes(content)
    with pytest.raises(InputError, match="step-00000007"):
        read_checkpoint(checkpoint)


@pytest.mark.parametrize("length", [0, 5, 100, -3])
def test_a_file_cut_short_is_refused(checkpoint, length):
    checkpoint.write_bytes(checkpoint.read_bytes()[:length])
    with pytest.raises(InputError, match="damaged"):
        read_checkpoint(checkpoint)


def test_other_files_are_refused(tmp_path):
    torch.save(TENSORS, tmp_path / "pickle.safetensors")
    save_file({"w": torch.zeros(1)}, tmp_path / "foreign.safetensors", metadata={"inpaint": json.dumps({"format": 99})})
    for name in ("pickle.safetensors", "foreign.safetensors", "absent.safetensors"):
        with pytest.raises(InputError, match=name):
            read_checkpoint(tmp_path / name)


def test_the_newest_valid_one_is_found(tmp_path):
    for step in (2, 4, 6):
        write_checkpoint(tmp_path / f"step-{step:08d}.safetensors", TENSORS, HEADER | {"step": step})
    (tmp_path / "step-00000006.safetensors").write_bytes(b"cut")
    checkpoint, problems = newest_valid(tmp_path)
    assert checkpoint.header.step == 4
    assert len(problems) == 1 and "step-00000006" in problems[0]


def test_a_run_without_checkpoints_says_so(tmp_path):
    with pytest.raises(InputError, match="no usable checkpoint"):
        find_checkpoint(tmp_path)


def test_writing_over_keeps_the_old_file_when_it_fails(checkpoint, monkeypatch):
    before = checkpoint.read_bytes()
    monkeypatch.setattr(
        "inpaint_cli.engine.checkpoints.save_file", lambda *args, **options: (_ for _ in ()).throw(OSError(28))
    )
    with pytest.raises(OSError):
        write_checkpoint(checkpoint, TENSORS, HEADER)
    assert checkpoint.read_bytes() == before
    assert list(checkpoint.parent.iterdir()) == [checkpoint]
