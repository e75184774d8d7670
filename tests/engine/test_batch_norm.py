"""Batch norm over two processes, here threads that hold half of a batch each: it is that of the whole batch."""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from inpaint_cli.engine.batch_norm import synchronise
from inpaint_cli.engine.processes import Team


class Half(Team):
    """One of two that add what they hand in."""

    def __init__(self, rank, table, barrier):
        super().__init__(rank, 2)
        self.table, self.barrier = table, barrier

    def total(self, tensor):
        self.table[self.rank] = tensor
        self.barrier.wait(10)
        found = self.table[0] + self.table[1]
        self.barrier.wait(10)
        return found


def halves():
    table, barrier = {}, threading.Barrier(2)
    return [Half(rank, table, barrier) for rank in (0, 1)]


def both(work):
    """`work(team)` in each of two processes."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, halves()))


def shared(norm, team):
    norm = copy.deepcopy(norm)
    synchronise(norm, team)
    return norm


def whole_batch(kind):
    torch.manual_seed(0)
    shape = (6, 3, 4, 5) if kind is nn.BatchNorm2d else (6, 3)
    return (3 * torch.randn(shape, dtype=torch.float32) + torch.arange(3).view(3, *(1 for _ in shape[2:]))).detach()


def made(kind, **options):
    norm = kind(3, **options)
    if norm.affine:
        nn.init.uniform_(norm.weight, 0.5, 2)
        nn.init.uniform_(norm.bias)
    return norm


def penalised(norm, half):
    """A loss and, as a gradient penalty, the size of its gradient; the gradients of both together."""
    seen = half.clone().requires_grad_()
    loss = norm(seen).sin().square().mean()
    (slope,) = torch.autograd.grad(loss, seen, create_graph=True)
    return torch.autograd.grad(loss + 100 * slope.square().sum(), [seen, *norm.parameters()])


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.BatchNorm2d])
@pytest.mark.parametrize("options", [{}, {"affine": False}, {"momentum": None}, {"track_running_stats": False}])
def test_halves_are_normalised_as_the_whole_and_remember_it(kind, options):
    norm, batch = made(kind, **options), whole_batch(kind)

    def work(team):
        mine = shared(norm, team)
        outputs = [mine(2 * part).detach() for part in (batch.chunk(2)[team.rank], batch.flip(0).chunk(2)[team.rank])]
        return outputs, mine.state_dict(), mine.eval()(batch)

    (first, state, evaluated), (second, other, _) = both(work)
    for ours, theirs, expected in zip(first, second, (norm(2 * batch), norm(2 * batch.flip(0))), strict=True):
        torch.testing.assert_close(torch.cat([ours, theirs]), expected.detach(), rtol=1e-5, atol=1e-5)
    assert [*state] == [*norm.state_dict()]
    for name, tensor in norm.state_dict().items():
        torch.testing.assert_close(state[name], tensor)
        assert torch.equal(state[name], other[name])
    torch.testing.assert_close(evaluated, norm.eval()(batch))


def test_first_and_second_derivatives_are_those_of_the_whole():
    """Each process descends the mean of its half, and gradients are averaged: half the sum of both halves' losses."""
    norm, batch = made(nn.BatchNorm2d), whole_batch(nn.BatchNorm2d)

    def alone(half):
        seen = batch.clone().requires_grad_()
        losses = [part.sin().square().mean() for part in norm(seen).chunk(2)]
        (slope,) = torch.autograd.grad(sum(losses), seen, create_graph=True)
        total = sum(losses) + 100 * slope.square().sum()
        return torch.autograd.grad(total, [seen, *norm.parameters()])

    (first, *one), (second, *other) = both(lambda team: penalised(shared(norm, team), batch.chunk(2)[team.rank]))
    expected, *of_parameters = alone(batch)
    torch.testing.assert_close(torch.cat([first, second]), expected, rtol=1e-4, atol=1e-6)
    for ours, theirs, both_together in zip(one, other, of_parameters, strict=True):
        torch.testing.assert_close(ours + theirs, both_together, rtol=1e-4, atol=1e-6)


def test_large_means_cost_no_precision_and_bf16_stays_bf16():
    norm, batch = made(nn.BatchNorm2d), whole_batch(nn.BatchNorm2d) + 1000

    def work(team):
        mine, half = shared(norm, team), batch.chunk(2)[team.rank]
        return mine(half).detach(), mine(half.bfloat16()).dtype

    (first, kind), (second, _) = both(work)
    torch.testing.assert_close(torch.cat([first, second]), norm(batch).detach(), rtol=1e-3, atol=1e-3)
    assert kind == torch.bfloat16


def test_one_image_in_each_process_is_a_batch_of_two():
    norm, batch = made(nn.BatchNorm2d), whole_batch(nn.BatchNorm2d)[:2, :, :1, :1]
    outputs = both(lambda team: shared(norm, team)(batch.chunk(2)[team.rank]).detach())
    torch.testing.assert_close(torch.cat(outputs), norm(batch).detach(), rtol=1e-5, atol=1e-5)
