"""MisGAN with known masks: what each critic compares, who descends what, and the completions it draws."""

from functools import partial

import pytest
import torch

from inpaint_cli.errors import UsageError
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods.misgan import MisGAN, Settings

SHAPE = ImageShape(3, 32, 32)


def made(**settings):
    torch.manual_seed(0)
    return MisGAN(Settings(width=4, discriminator_width=4, z_size=5, **settings), SHAPE, parse_masks("noise:0.5"))


def batch_of(count=4):
    generator = torch.Generator().manual_seed(0)
    draw = partial(parse_masks("noise:0.5").draw, count, SHAPE, generator=generator)
    image = torch.rand(count, *SHAPE, generator=generator) * 2 - 1
    image = torch.where((mask := draw()) > 0, image, torch.nan)  # hidden values have no part in anything
    return Batch(image, mask, {}, draw)


def watched(method, name):
    """A critic whose score is the mean, and what it sees."""
    seen = []
    method.__dict__[name] = lambda image: seen.append(image) or image.mean(dim=(1, 2, 3))
    return seen


def test_critics_compare_observations_and_whole_images():
    method, batch = made(penalty=0.0), batch_of()
    data, imputer = watched(method, "data_critic"), watched(method, "imputer_critic")
    terms = method.critic_turn(batch)
    (y, hidden), (whole, imputed) = data[0].chunk(2), imputer[0].chunk(2)
    assert torch.equal(y, batch.observed)
    shown = hidden != 0
    assert torch.equal(hidden[shown], whole[shown]) and 0.4 < shown.float().mean() < 0.6
    assert not torch.equal(shown[:, :1], batch.mask > 0), "a fresh mask"
    known = (batch.mask > 0).expand_as(y)
    assert torch.equal(imputed[known], y[known]) and (imputed[~known] != 0).any()
    assert torch.allclose(terms["data"], hidden.mean() - y.mean())
    assert torch.allclose(terms["imputer"], imputed.mean() - whole.mean())


@pytest.mark.parametrize("beta", [0.0, 0.1])
def test_the_data_generator_descends_both_distances(beta):
    """L_i has D_i(G_x(ε)) with a plus: what the imputer's critic takes for whole is lowered."""
    method = made(beta=beta)
    data, imputer = watched(method, "data_critic"), watched(method, "imputer_critic")
    terms = method.data_turn(batch_of())
    assert torch.allclose(terms["generated"], -data[0].mean())
    assert len(imputer) == bool(beta)
    assert not beta or torch.allclose(terms["generated_whole"], beta * imputer[0].mean())


def test_only_the_imputer_learns_from_what_is_imputed():
    method, batch = made(), batch_of()
    loss = sum(method.imputer_turn(batch).values())
    assert torch.isfinite(loss)
    for name, learns in (("imputer", True), ("data", False)):
        found = torch.autograd.grad(loss, method.players[name].parameters(), retain_graph=True, allow_unused=True)
        assert all((gradient is not None) == learns for gradient in found)


def test_turns_and_completions():
    method, batch = made().eval(), batch_of()
    assert [(turn.player, turn.times) for turn in method.turns()] == [("critics", 5), ("data", 1), ("imputer", 1)]
    with torch.no_grad():
        several = method.complete(batch.observed, batch.mask, samples=3)
    hole = (batch.mask == 0).expand_as(batch.image)
    assert several.std(dim=1)[hole].max() > 0 and several.std(dim=1)[~hole].max() == 0
    assert method.learns_from_observations and method.masked_once
    with pytest.raises(UsageError, match="two images"):
        method.critic_turn(batch_of(1))
