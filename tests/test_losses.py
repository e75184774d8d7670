"""Losses of several papers against closed forms, each from both sides."""

import pytest
import torch
from torch import nn

from inpaint_cli.losses import discriminator_loss, generator_loss, gradient_penalty, wasserstein_loss


def linear_critic(*slope: float) -> nn.Linear:
    """D(x) = slope · x, whose gradient is the slope everywhere."""
    critic = nn.Linear(len(slope), 1)
    critic.weight.data = torch.tensor([slope])
    return critic


def scored(critic: nn.Linear):
    return lambda image: critic(image.flatten(1)).squeeze(1)


def test_weights_say_how_much_each_patch_counts():
    real, fake = torch.tensor([[0.3, -2.0]]), torch.tensor([[-0.7, 5.0]])
    weights = torch.tensor([[0.5, 0.0]])
    assert torch.equal(discriminator_loss(real, fake, weights), discriminator_loss(real[:, :1], fake[:, :1]))
    assert torch.equal(generator_loss(fake, weights), generator_loss(fake[:, :1]))
    torch.testing.assert_close(generator_loss(fake, torch.full((1, 2), 0.3)), generator_loss(fake))
    assert generator_loss(fake, torch.zeros(1, 2)) == 0  # nothing is hidden


def test_wasserstein_loss_is_the_difference_of_means():
    real, fake = torch.tensor([3.0, 5.0]), torch.tensor([1.0, 0.0])
    assert wasserstein_loss(real, fake).item() == -3.5
    assert wasserstein_loss(fake, real).item() == 3.5


@pytest.mark.parametrize(("slope", "expected"), [((3.0, 4.0), 16.0), ((0.6, 0.8), 0.0), ((0.0, 0.5), 0.25)])
def test_penalty_of_a_linear_critic_is_its_slope_less_one_squared(slope, expected):
    real, fake = torch.randn(2, 5, 1, 1, 2)
    assert gradient_penalty(scored(linear_critic(*slope)), real, fake).item() == pytest.approx(expected, abs=1e-6)


def test_penalty_teaches_the_critic_by_its_own_derivative():
    """d/da (‖a‖ - 1)² = 2 (‖a‖ - 1) a / ‖a‖."""
    critic = linear_critic(3.0, 4.0)
    gradient_penalty(scored(critic), *torch.randn(2, 5, 1, 1, 2)).backward()
    torch.testing.assert_close(critic.weight.grad, torch.tensor([[2 * 4 * 0.6, 2 * 4 * 0.8]]))


def test_penalty_is_of_each_image_apart():
    """D(x) = x²/2 has the gradient x: 0, 1 and 3 cost 1, 0 and 4."""
    image = torch.tensor([0.0, 1.0, 3.0]).view(3, 1, 1, 1)
    assert gradient_penalty(lambda x: x.flatten(1).square().sum(1) / 2, image, image).item() == pytest.approx(5 / 3)


def test_penalty_looks_anywhere_between_pairs():
    seen = []

    def critic(image):
        seen.append(image.detach())
        return image.flatten(1).sum(1)

    gradient_penalty(critic, torch.ones(2000, 1, 2, 2), torch.full((2000, 1, 2, 2), -3.0))
    places = seen[0]
    assert (places == places[:, :, :1, :1]).all(), "one share for all pixels of an image"
    assert -3 <= places.min() < -2.9 and 0.9 < places.max() <= 1
    assert places.mean().item() == pytest.approx(-1, abs=0.15)


def test_penalty_is_float32_under_autocast():
    real, fake = torch.randn(2, 3, 1, 1, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        critic = linear_critic(3.0001, 4.0)
        penalty = gradient_penalty(scored(critic), real.bfloat16(), fake.bfloat16())
    assert penalty.dtype == torch.float32
    assert penalty.item() == pytest.approx((torch.tensor([3.0001, 4.0]).norm() - 1).square().item(), rel=1e-6)


def test_penalty_leaves_the_generator_alone():
    fake = torch.randn(3, 1, 1, 2, requires_grad=True)
    penalty = gradient_penalty(scored(linear_critic(3.0, 4.0)), torch.randn(3, 1, 1, 2), fake)
    assert torch.autograd.grad(penalty, fake, allow_unused=True) == (None,)
