"""The context encoder's equations against closed forms, its two ways of training, its layers."""

import pytest
import torch
from torch import nn

from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.losses import generator_loss
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods import context_encoder
from inpaint_cli.methods.context_encoder import ChannelWise, ContextEncoder, Settings
from inpaint_cli.networks.painted import Region, overlap_weights
from inpaint_cli.networks.strided import StridedDiscriminator, levels_for, narrow_widths

SHAPE = ImageShape(3, 32, 32)


def build(masks="block:8", shape=SHAPE, **settings) -> ContextEncoder:
    torch.manual_seed(0)
    return ContextEncoder(Settings(**{"width": 4, **settings}), shape, parse_masks(masks))


def batch_for(method: ContextEncoder, count=4) -> Batch:
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(count, *method.shape, generator=generator) * 2 - 1
    return Batch(image, method.masks.draw(count, method.shape, generator=generator))


def test_eq_1_is_the_mean_over_what_counts_in_each_image():
    image, painted = torch.zeros(2, 1, 2, 2), torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]).repeat(2, 1, 1, 1)
    weights = torch.tensor([[[[1.0, 0.0], [10.0, 0.0]]], [[[0.0, 1.0], [0.0, 0.0]]]])
    expected = ((1 * 1 + 10 * 9) / 2 + 4 / 1) / 2
    assert context_encoder.reconstruction_error(painted, image, weights).item() == pytest.approx(expected)
    assert context_encoder.reconstruction_error(painted, painted, weights) == 0
    assert context_encoder.reconstruction_error(painted, image, torch.zeros_like(weights)) == 0  # a hole of no pixels


def test_the_overlap_is_seven_pixels_of_context_at_ten_times_the_weight():
    mask = parse_masks("center:8").draw(1, SHAPE, generator=torch.Generator())
    weights = overlap_weights(mask, 7, 10.0)[0, 0]
    assert torch.equal(weights[12:20, 12:20], torch.ones(8, 8))
    assert weights[5:27, 5:27].sum() == 64 + 10 * (22 * 22 - 64)
    assert weights.sum() == weights[5:27, 5:27].sum()
    assert torch.equal(overlap_weights(mask, 0, 10.0), 1 - mask)


def test_eq_3_weighs_both_terms():
    method = build(reconstruction=0.9, adversarial=0.1)
    batch = batch_for(method)
    terms, painted = method.generator_turn(batch), method.painted(batch)
    weights = overlap_weights(batch.mask, 7, 10.0)
    error = context_encoder.reconstruction_error(painted, batch.image, weights)
    assert terms["reconstruction"].item() == pytest.approx(0.9 * error.item(), rel=1e-5)
    fooled = generator_loss(method.discriminator(painted))
    assert terms["adversarial"].item() == pytest.approx(0.1 * fooled.item(), rel=1e-5)


def test_the_generator_learns_ten_times_as_fast():
    players = build().players
    rates = {name: player.optimizer(player.parameters()).param_groups[0]["lr"] for name, player in players.items()}
    assert rates["generator"] == pytest.approx(10 * rates["discriminator"])


def test_no_adversarial_weight_means_no_discriminator():
    method = build(adversarial=0)
    assert set(method.players) == {"generator"} and [turn.player for turn in method.turns()] == ["generator"]
    assert set(method.generator_turn(batch_for(method))) == {"reconstruction"}


def test_channel_wise_connects_every_pixel_of_a_map_to_that_map_alone():
    layer = ChannelWise(3, (4, 4), (5, 6))
    assert layer.weight.numel() == 3 * 16 * 30  # m n² k², section 3.1
    x = torch.randn(2, 3, 4, 4)
    output = layer(x)
    assert output.shape == (2, 3, 5, 6)
    by_hand = torch.einsum("bmi,mio->bmo", x.flatten(2), layer.weight) + layer.bias[:, 0]
    torch.testing.assert_close(output, by_hand.unflatten(2, (5, 6)))
    other = x.clone()
    other[:, 1] += 1
    changed = (layer(other) != output).flatten(2).all(2)
    assert changed.tolist() == [[False, True, False]] * 2


def test_networks_are_the_published_ones_at_128_pixels():
    method = build("center:50", ImageShape(3, 128, 128), width=64)
    convolutions = [block[0] for block in method.generator.encoder]
    assert [layer.out_channels for layer in convolutions] == [64, 64, 128, 256, 512]
    assert all(layer.kernel_size == (4, 4) and layer.stride == (2, 2) for layer in convolutions)
    assert method.region == Region(32, 32, 64, 64)  # a hole of 50 pixels and 7 around it
    assert [block[0].out_channels for block in method.generator.decoder] == [256, 128, 64]
    assert [block[0].out_channels for block in method.discriminator.layers] == [64, 128, 256, 512]
    assert method.generator.bottleneck[0].weight.shape == (512, 16, 16)
    full = build("block:64", ImageShape(3, 128, 128), width=16, bottleneck="full")
    assert full.generator.bottleneck[0].out_channels == 1000  # 4000 at width 64


def test_a_1_by_1_convolution_propagates_across_channels():
    generator = build().generator.eval()
    layer, _, spread = generator.bottleneck
    assert isinstance(layer, ChannelWise) and spread[0].kernel_size == (1, 1)
    maps = torch.rand(1, len(layer.weight), 4, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(generator.bottleneck(maps)[0, 0, 0, 0], maps)
    assert gradient.flatten(2).any(dim=2).all()  # one output sees all maps


WAYS = ["center:8", "center:30", "block:8", "pattern:0.25", "noise:0.8", "patches:3,6", "center:8-12", "center:8|none"]


@pytest.mark.parametrize("bottleneck", ["channel-wise", "full"])
@pytest.mark.parametrize("masks", WAYS)
def test_every_way_of_training_reaches_all_players(masks, bottleneck):
    method = build(masks, bottleneck=bottleneck)
    batch = batch_for(method)
    assert [turn.player for turn in method.turns()] == ["discriminator", "generator"]
    for turn in method.turns():
        parameters = method.players[turn.player].parameters()
        gradients = torch.autograd.grad(sum(turn.loss(batch).values()), parameters, retain_graph=True)
        assert all(torch.isfinite(gradient).all() and gradient.any() for gradient in gradients)


@pytest.mark.parametrize("masks", ["center:8", "block:8"])
def test_what_lies_beyond_the_overlap_is_not_learned(masks):
    method = build(masks).eval()
    batch = batch_for(method)
    beyond = overlap_weights(batch.mask, 7, 10.0) == 0
    other = Batch(batch.image, batch.mask, shared={"painted": method.painted(batch)})  # the same output
    other.image = torch.where(beyond, -batch.image, batch.image)
    assert beyond.any()
    assert method.generator_turn(other)["reconstruction"] == method.generator_turn(batch)["reconstruction"]


def test_a_blend_follows_the_overlap_where_there_is_one():
    assert build().learns_rim and not build(overlap=0).learns_rim and not build(overlap_weight=0).learns_rim


def test_the_discriminator_sees_the_square_or_the_whole_image():
    seen = []
    for masks in ("center:8", "block:8"):
        method = build(masks)
        method.discriminator.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0].shape[2:]))
        method.discriminator_turn(batch_for(method))
    assert seen == [(22, 22)] * 2 + [(32, 32)] * 2


def test_centre_training_paints_its_square_and_refuses_holes_elsewhere():
    method = build("center:8").eval()
    image = torch.rand(1, *SHAPE)
    mask = parse_masks("center:8").draw(1, SHAPE, generator=torch.Generator())
    painted = method.complete(image * mask, mask, whole=True)[:, 0]
    changed = (painted != image).any(dim=1)[0]
    assert changed[5:27, 5:27].all() and changed.sum() == 22 * 22
    assert torch.equal(method.complete(image * mask, mask)[0, 0][:, mask[0, 0] > 0], image[0][:, mask[0, 0] > 0])
    mask[..., 0, 0] = 0
    with pytest.raises(UsageError, match=r"trained on center:8 .* 22×22 .* block:64"):
        method.complete(image * mask, mask)


def test_missing_pixels_never_reach_the_generator():
    method = build().eval()
    batch = batch_for(method)
    poisoned = Batch(torch.where(batch.mask > 0, batch.image, float("nan")), batch.mask)
    torch.testing.assert_close(method.painted(batch), method.painted(poisoned))


def test_an_image_is_completed_alike_in_every_batch():
    method = build().eval()
    batch = batch_for(method)
    together = method.complete(batch.observed, batch.mask, samples=2)
    alone = method.complete(batch.observed[1:2], batch.mask[1:2], samples=2)
    torch.testing.assert_close(together[1:2], alone)
    assert torch.equal(together[:, 0], together[:, 1])  # it has no noise to draw


@pytest.mark.parametrize("size", [(28, 28), (32, 48), (96, 96), (64, 128)])
@pytest.mark.parametrize("masks", ["center:12", "block:12"])
def test_shapes_follow_the_data(size, masks):
    shape = ImageShape(1, *size)
    method = build(masks, shape, width=2)
    batch = batch_for(method, 2)
    assert method.painted(batch).shape == method.region.of(batch.image).shape
    assert method.complete(batch.observed, batch.mask).shape == (2, 1, *shape)
    assert torch.isfinite(sum(method.discriminator_turn(batch).values()))


def test_sizes_that_cannot_be_halved_are_refused():
    with pytest.raises(InputError, match=r"context-encoder .* 90×90"):
        build(shape=ImageShape(3, 90, 90))


def test_features_are_the_encoders_last_maps():
    method = build().eval()
    assert method.features(torch.zeros(2, *SHAPE), torch.ones(2, 1, 32, 32)).shape == (2, 16 * 4 * 4)


def test_narrow_widths_double_in_the_last_levels_alone():
    assert narrow_widths(64, 5) == [64, 64, 128, 256, 512] and narrow_widths(64, 4) == [64, 128, 256, 512]
    assert narrow_widths(2, 2) == [2, 4] and narrow_widths(1, 6) == [1, 1, 1, 2, 4, 8]
    assert levels_for(128) == (5, 4) and levels_for(78) == (4, 5) and levels_for(22) == (2, 6)


def test_a_discriminator_normalises_where_it_is_told_to():
    norms = [
        sum(isinstance(module, nn.BatchNorm2d) for module in StridedDiscriminator(3, 32, 32, [4, 8, 16], n).modules())
        for n in (True, False)
    ]
    assert norms == [2, 0]  # not in the first layer
