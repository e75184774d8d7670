"""Dropout by words of random bits: the same distribution as torch's."""

import pytest
import torch

from inpaint_cli.networks.dropout import Dropout, keep_factors

TYPES = [torch.bfloat16, torch.float32]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 0.9])
def test_keeps_its_share_and_scales_it(dtype, probability):
    torch.manual_seed(0)
    factors = keep_factors(torch.empty(400, 500, dtype=dtype), probability)
    dropped = (factors == 0).double().mean().item()
    assert dropped == pytest.approx(probability, abs=4 * (probability * (1 - probability) / 200_000) ** 0.5 + 1e-5)
    kept = factors[factors != 0]
    assert kept.min() == kept.max() == torch.tensor(1 / (1 - probability)).to(dtype)


@pytest.mark.parametrize("dtype", TYPES)
def test_neighbouring_values_are_dropped_independently(dtype):
    """Words of one 64-bit draw are neighbours in memory."""
    torch.manual_seed(0)
    kept = (keep_factors(torch.empty(100_000, 4, dtype=dtype), 0.3) != 0).double()
    correlation = torch.corrcoef(kept.T) - torch.eye(4)
    assert correlation.abs().max() < 0.015
    assert (kept.mean(dim=0) - 0.7).abs().max() < 0.01


@pytest.mark.parametrize("shape", [(3,), (5, 7), (2, 3, 5, 7)])
@pytest.mark.parametrize("dtype", TYPES)
def test_any_number_of_values(shape, dtype):
    assert keep_factors(torch.ones(shape, dtype=dtype), 0.5).shape == shape


def test_keeps_the_memory_layout():
    x = torch.randn(2, 8, 6, 4).to(memory_format=torch.channels_last)
    assert keep_factors(x, 0.5).stride() == x.stride()
    assert Dropout(0.5)(x).is_contiguous(memory_format=torch.channels_last)
    gaps = torch.randn(2, 8, 6, 4)[:, ::2]
    assert Dropout(0.5)(gaps).shape == gaps.shape


@pytest.mark.parametrize("dtype", TYPES)
def test_the_gradient_passes_where_values_do(dtype):
    x = torch.ones(50, 40, dtype=dtype, requires_grad=True)
    y = Dropout(0.5)(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(gradient, y) and set(y.unique().tolist()) == {0.0, 2.0}


def test_evaluation_changes_nothing_and_a_seed_decides_the_rest():
    layer, x = Dropout(0.5), torch.randn(100)
    torch.manual_seed(3)
    first = layer(x)
    assert not torch.equal(layer(x), first)
    torch.manual_seed(3)
    assert torch.equal(layer(x), first)
    assert torch.equal(layer.eval()(x), x)


def test_other_types_take_torchs_way():
    y = Dropout(0.5)(torch.ones(1000, dtype=torch.float64))
    assert set(y.unique().tolist()) == {0.0, 2.0}
