"""Device and precision: chosen, named, refused where absent."""

import pytest
import torch
from torch import nn

from inpaint_cli.engine.devices import choose_hardware, has_native_bf16
from inpaint_cli.errors import EnvironmentFault, UsageError


def test_the_nearest_choice_is_named():
    with pytest.raises(UsageError, match="did you mean 'cuda'"):
        choose_hardware("cude")
    with pytest.raises(UsageError, match="did you mean 'bf16'"):
        choose_hardware("cpu", "bf17")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_an_absent_gpu_is_an_environment_fault():
    with pytest.raises(EnvironmentFault, match="--device cpu"):
        choose_hardware("cuda")


def test_auto_takes_bf16_only_where_it_is_native():
    assert choose_hardware("cpu").precision == ("bf16" if has_native_bf16("cpu") else "fp32")


def test_bf16_computes_in_bf16_with_float32_weights():
    hardware = choose_hardware("cpu", "bf16")
    layer = hardware.place(nn.Conv2d(2, 2, 3))
    with hardware.autocast():
        assert layer(torch.zeros(1, 2, 5, 5)).dtype == torch.bfloat16
    assert layer.weight.dtype == torch.float32
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)


def test_fp32_stays_float32():
    hardware = choose_hardware("cpu", "fp32")
    with hardware.autocast():
        assert nn.Conv2d(2, 2, 3)(torch.zeros(1, 2, 5, 5)).dtype == torch.float32


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_split_that_fits_lives_on_the_gpu():
    import numpy as np

    from inpaint_cli.engine.feeding import DeviceRows, HostRows, rows_of

    hardware = choose_hardware("cuda")
    arrays = {"image": np.arange(60, dtype=np.uint8).reshape(5, 2, 2, 3)}
    resident = rows_of(arrays, hardware)
    assert isinstance(resident, DeviceRows)
    indices = np.array([3, 0])
    assert torch.equal(
        resident.take(indices, indices)["image"], HostRows(arrays, hardware).take(indices, indices)["image"]
    )
