"""Yeh et al.'s DCGAN: its networks, its usual recipe, its prior."""

import math

import pytest
import torch
from torch import nn

from inpaint_cli.errors import InputError
from inpaint_cli.losses import discriminator_loss, generator_loss
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods.sii import SII, Settings
from inpaint_cli.settings import recalled

SHAPE = ImageShape(3, 32, 32)


def build(shape=SHAPE, **settings) -> SII:
    torch.manual_seed(0)
    return SII(Settings(**{"width": 4, **settings}), shape, parse_masks("center:8"))


def batch_of(count=4) -> Batch:
    image = torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return Batch(image, torch.ones(count, 1, 32, 32))


def test_networks_at_64_pixels_are_the_dcgan():
    method = SII(Settings(), ImageShape(3, 64, 64), parse_masks("center:32"))
    up = [m for m in method.generator.modules() if isinstance(m, nn.ConvTranspose2d)]
    down = [m for m in method.critic.modules() if isinstance(m, nn.Conv2d)]
    assert [layer.out_channels for layer in up] == [512, 256, 128, 64, 3] and up[0].in_channels == 100
    assert [layer.out_channels for layer in down] == [64, 128, 256, 512]
    norms = [sum(isinstance(m, nn.BatchNorm2d) for m in n.modules()) for n in (method.generator, method.critic)]
    assert norms == [4, 3], "none at the generator's output and the discriminator's input"


def test_weights_begin_at_the_published_deviation():
    method = build(width=32)
    layers = [m for m in method.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
    weights = torch.cat([layer.weight.detach().flatten() for layer in layers])
    assert weights.std().item() == pytest.approx(0.02, rel=0.01) and weights.mean().abs() < 1e-3


def test_the_recipe_is_radfords():
    settings = Settings()
    assert (settings.learning_rate, settings.beta1, settings.width, settings.z_size) == (2e-4, 0.5, 64, 100)
    method = build()
    for player in method.players.values():
        group = player.optimizer(player.parameters()).param_groups[0]
        assert (group["lr"], group["betas"]) == (2e-4, (0.5, 0.999))


def test_training_mirrors_images_and_a_run_that_began_without_goes_on_without():
    assert build().augmentation[0].flip == 0.5 and not build(flip=0).augmentation
    assert recalled(Settings, {"width": 4})["flip"] == 0 and Settings().search_steps == 1500


def test_z_is_uniform():
    z = build().draw(500, torch.Generator().manual_seed(0))
    assert z.shape == (500, 100) and z.abs().max() <= 1
    assert z.mean().item() == pytest.approx(0, abs=0.02) and z.std().item() == pytest.approx(3**-0.5, rel=0.02)


@pytest.mark.parametrize(("channels", "side"), [(1, 28), (1, 32), (3, 96), (3, 128)])
def test_shapes_follow_the_data(channels, side):
    shape = ImageShape(channels, side, side)
    method = build(shape, width=2)
    images = method.generator(method.draw(2))
    assert images.shape == (2, *shape) and images.abs().max() <= 1
    assert method.critic(images).shape == (2,)


def test_sizes_that_cannot_be_halved_are_refused():
    with pytest.raises(InputError, match=r"sii.*50×50"):
        build(ImageShape(3, 50, 50))


def test_another_size_than_the_datas_is_refused():
    assert build(size=32).shape == SHAPE
    with pytest.raises(InputError, match=r"size=128: sii .* 32×32"):
        build(size=128)


def test_prior_is_log_of_one_less_the_discriminator():
    method = build().eval()
    images = batch_of().image
    expected = torch.log(1 - torch.sigmoid(method.critic(images)))
    torch.testing.assert_close(method.prior(images), expected)
    method.critic.forward = lambda image: torch.tensor([0.0, 90.0, -90.0, math.log(3)])
    torch.testing.assert_close(method.prior(images), torch.tensor([-math.log(2), -90.0, 0.0, -math.log(4)]))


def test_losses_are_goodfellows():
    method, batch = build(), batch_of()
    terms = [turn.loss(batch) for turn in method.turns()]
    fake = batch.shared["fake"]
    assert fake.shape == (4, *SHAPE), "one set of samples for both turns"
    expected = discriminator_loss(method.critic(batch.image), method.critic(fake))
    assert terms[0]["discriminator"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert terms[1]["generator"].item() == pytest.approx(generator_loss(method.critic(fake)).item(), rel=1e-5)


def test_the_discriminators_turn_leaves_the_generator_alone():
    method, batch = build(), batch_of()
    loss = method.critic_turn(batch)["discriminator"]
    parameters = list(method.generator.parameters())
    assert torch.autograd.grad(loss, parameters, allow_unused=True) == (None,) * len(parameters)


def test_no_mask_reaches_training():
    method = build()
    for turn in method.turns():
        terms = []
        for value in (1.0, float("nan")):
            torch.manual_seed(2)
            image = batch_of().image
            terms.append(turn.loss(Batch(image, torch.full((4, 1, 32, 32), value))))
        assert all(torch.equal(terms[0][name], terms[1][name]) for name in terms[0])
