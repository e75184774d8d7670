"""Networks after SAGAN: spectral norm, attention, conditional batch norm, sides."""

import pytest
import torch
import torch.nn.functional as F

from inpaint_cli.errors import InputError
from inpaint_cli.networks.sagan import (
    Attention,
    Block,
    Discriminator,
    Encoder,
    ImageGenerator,
    LatentGenerator,
    Norm,
    halvings_to_coarse,
)
from inpaint_cli.networks.spectral import SpectralConv, SpectralLinear, conv3


@pytest.mark.parametrize("layer", [lambda: SpectralLinear(12, 7), lambda: conv3(5, 6)])
def test_normalised_weights_have_one_as_their_largest_singular_value(layer):
    torch.manual_seed(0)
    made = layer()
    with torch.no_grad():
        made.weight.copy_(torch.randn_like(made.weight) * 3)
    for _ in range(60):
        made.normalised()
    largest = torch.linalg.svdvals(made.normalised().flatten(1))[0]
    assert abs(largest - 1) < 1e-3
    made.eval()
    left = made.left.clone()
    made.normalised()
    assert torch.equal(left, made.left), "completion changes no state"


def test_the_gradient_sees_the_norm():
    """W / σ(W) does not change with the scale of W, so that its gradient is orthogonal to W."""
    torch.manual_seed(0)
    layer = SpectralConv(3, 4, 1)
    for _ in range(200):
        layer.normalised()
    layer(torch.randn(2, 3, 5, 5)).square().sum().backward()
    assert abs((layer.weight.grad * layer.weight).sum()) < 1e-3 * layer.weight.grad.norm()


def test_a_call_leaves_the_vector_that_the_backward_of_the_one_before_may_need():
    """Code that torch compiles keeps it for its backward, before which a critic is called again for its penalty."""
    torch.manual_seed(0)
    layer = SpectralLinear(12, 7)
    layer.normalised()
    of_this_call, as_it_was = layer.left, layer.left.clone()
    layer.normalised()
    assert torch.equal(of_this_call, as_it_was) and not torch.equal(layer.left, as_it_was)


def test_batch_norm_that_z_conditions():
    norm, x = Norm(4, 3), torch.randn(6, 4, 5, 5)
    plain = F.batch_norm(x, None, None, training=True)
    assert torch.allclose(norm(x, torch.zeros(6, 3)), plain, atol=1e-6)
    z = torch.randn(6, 3)
    scale, shift = norm.of_z(z)[:, :, None, None].chunk(2, 1)
    assert torch.allclose(norm(x, z), plain * (1 + scale) + shift, atol=1e-5)


def test_attention_looks_at_all_places_and_begins_near_the_identity():
    torch.manual_seed(0)
    attention, x = Attention(8), torch.randn(1, 8, 4, 4)
    y = attention(x)
    assert (y - x).abs().max() < 0.5 and not torch.equal(x, y)
    far = x.clone()
    far[..., 3, 3] = 20.0
    assert not torch.equal(attention(far)[..., 0, 0], y[..., 0, 0])


@pytest.mark.parametrize(("scale", "side"), [(1, 8), (2, 16), (-2, 4)])
def test_blocks_change_scale(scale, side):
    assert Block(4, 6, scale, z_size=3)(torch.randn(2, 4, 8, 8), torch.randn(2, 3)).shape == (2, 6, side, side)


@pytest.mark.parametrize(("side", "levels"), [(32, 0), (64, 1), (128, 2)])
def test_networks_of_every_side(side, levels):
    assert halvings_to_coarse("m", side, side) == levels
    image, z = torch.randn(2, 3, side, side), torch.randn(2, 5)
    for planes in (False, True):
        generator = ImageGenerator(3, levels, 4, 5, planes)
        assert generator.maps(image, z).shape == (2, 4, 32, 32)
        painted = generator(image, z)
        assert painted.shape == image.shape and painted.abs().max() <= 1
    assert LatentGenerator(3, levels, 4, 5)(z).shape == image.shape
    assert Discriminator(3, levels, 4)(image).shape == (2,)
    mean, log_variance = Encoder(3, levels, 4, 5, spread=True)(image)
    assert mean.shape == log_variance.shape == (2, 5)


def test_a_discriminator_without_batch_norm_judges_each_image_alone():
    torch.manual_seed(0)
    image = torch.randn(3, 3, 32, 32)
    alone, mixed = Discriminator(3, 0, 4).eval(), Discriminator(3, 0, 4, norms=True)
    assert torch.allclose(alone(image)[:1], alone(image[:1]), atol=1e-5)
    assert not torch.allclose(mixed(image)[:1], mixed(image[:1]), atol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(28, 28), (96, 96), (64, 32), (16, 16)])
def test_sides_that_are_not_halved_to_32_are_refused(height, width):
    with pytest.raises(InputError, match=f"method halves square images to 32×32, and these are {width}×{height}"):
        halvings_to_coarse("method", height, width)
