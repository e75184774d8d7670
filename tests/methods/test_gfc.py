"""Generative Face Completion's losses against closed forms, its stages, its crops, its parser."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from inpaint_cli.errors import InputError
from inpaint_cli.losses import generator_loss
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods import gfc
from inpaint_cli.methods.face_parser import FaceParser
from inpaint_cli.methods.gfc import GFC, Settings
from inpaint_cli.networks.painted import hole_boxes

SHAPE = ImageShape(3, 32, 32)


def parser_for(shape=SHAPE, labels=11) -> FaceParser:
    torch.manual_seed(1)
    parser = FaceParser(FaceParser.Settings(width=2, labels=labels), shape, parse_masks("none"))
    return parser.eval().requires_grad_(False)


def build(masks="block:8", shape=SHAPE, **settings) -> GFC:
    torch.manual_seed(0)
    method = GFC(Settings(**{"width": 4, **settings}), shape, parse_masks(masks))
    if method.needed_helpers():
        method.helpers["face-parser"] = parser_for(shape)
    return method


def batch_for(method: GFC, count=4, progress=0.99) -> Batch:
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(count, *method.shape, generator=generator) * 2 - 1
    return Batch(image, method.masks.draw(count, method.shape, generator=generator), progress=progress)


def test_reconstruction_is_of_the_whole_image():
    image, output = torch.zeros(1, 1, 2, 2), torch.tensor([[[[1.0, -2.0], [3.0, -4.0]]]])
    assert gfc.reconstruction_error(output, image, "l2").item() == pytest.approx((1 + 4 + 9 + 16) / 4)
    assert gfc.reconstruction_error(output, image, "l1").item() == pytest.approx((1 + 2 + 3 + 4) / 4)
    assert gfc.reconstruction_error(output, output, "l2") == 0


def test_parsing_error_is_the_cross_entropy_with_the_originals_labels():
    original = torch.zeros(1, 3, 1, 2)
    original[0, 2, 0, 0] = original[0, 0, 0, 1] = 5  # labels 2 and 0, however sure the parser is
    even = torch.zeros(1, 3, 1, 2)
    assert gfc.parsing_error(even, original).item() == pytest.approx(math.log(3))
    completed = torch.zeros(1, 3, 1, 2)
    completed[0, 2, 0, 0] = 1
    expected = (-math.log(math.e / (math.e + 2)) + math.log(3)) / 2
    assert gfc.parsing_error(completed, original).item() == pytest.approx(expected)
    assert gfc.parsing_error(20 * original, original) < 1e-3 < gfc.parsing_error(-original, original)


def test_eq_2_has_the_printed_balance_of_sums():
    method = build(local_weight=30.0, global_weight=20.0, parsing=0.5)
    batch = batch_for(method)
    terms, completed = method.generator_turn(batch), method.completed(batch)
    values = 3 * 32 * 32
    summed = {
        "reconstruction": (method.output(batch) - batch.image).square().sum() / 4,
        "local": 30 * generator_loss(method.local(gfc.crop(completed, hole_boxes(batch.mask), (8, 8)))),
        "global": 20 * generator_loss(method.whole(completed)),
        "parsing": 0.5 * 32 * 32 * method.parsing_term(batch, completed),
    }
    assert set(terms) == set(summed)
    for name, term in terms.items():
        assert (term * values).item() == pytest.approx(summed[name].item(), rel=1e-4)


def test_three_stages():
    method = build(reconstruction_share=0.5, local_share=0.25)
    since = {turn.player: turn.since for turn in method.turns()}
    assert since == {"local": 0.5, "global": 0.75, "generator": 0.0}
    first, second = {"reconstruction"}, {"reconstruction", "local"}
    third = set(method.generator_turn(batch_for(method)))
    assert third == {"reconstruction", "local", "global", "parsing"}
    for progress, terms in ((0.0, first), (0.49, first), (0.5, second), (0.74, second), (0.75, third)):
        assert set(method.generator_turn(batch_for(method, progress=progress))) == terms


def test_weights_of_zero_need_neither_networks_nor_parser():
    method = build(local_weight=0, global_weight=0, parsing=0)
    assert set(method.players) == {"generator"} and method.needed_helpers() == ()
    assert set(method.generator_turn(batch_for(method))) == {"reconstruction"}
    assert build().needed_helpers() == ("face-parser",)


@pytest.mark.parametrize("unpooling", ["switches", "nearest"])
@pytest.mark.parametrize("masks", ["block:8", "center:16", "pattern:0.25", "noise:0.8"])
def test_every_mask_reaches_all_players(masks, unpooling):
    method = build(masks, unpooling=unpooling)
    batch = batch_for(method)
    for turn in method.turns():
        parameters = method.players[turn.player].parameters()
        gradients = torch.autograd.grad(sum(turn.loss(batch).values()), parameters, retain_graph=True)
        assert all(torch.isfinite(gradient).all() and gradient.any() for gradient in gradients)


def test_discriminators_and_parser_judge_the_hole_in_its_true_surroundings():
    method = build()
    batch = batch_for(method)
    completed, known = method.completed(batch), batch.mask.expand(-1, 3, -1, -1) > 0
    assert torch.equal(completed[known], batch.image[known])
    assert torch.equal(completed[~known], method.output(batch)[~known])
    (gradient,) = torch.autograd.grad(method.parsing_term(batch, completed), method.output(batch))
    assert gradient[~known].any() and not gradient[known].any()


def test_the_parser_stays_as_it_is():
    method = build()
    before = {name: tensor.clone() for name, tensor in method.helpers["face-parser"].state_dict().items()}
    sum(method.generator_turn(batch_for(method)).values()).backward()
    after = method.helpers["face-parser"].state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not any("parser" in name for name in method.state_dict())


def test_a_parser_of_other_labels_or_another_size_is_refused():
    method = build()
    method.check_labels({})  # the one at hand suits
    method.helpers["face-parser"] = parser_for(labels=19)
    with pytest.raises(InputError, match=r"19 labels .* 11 of Helen.*parsing=0"):
        method.check_labels({})
    method.helpers["face-parser"] = parser_for(ImageShape(3, 64, 64))
    with pytest.raises(InputError, match=r"64×64 pixels.*32×32 pixels.*parsing=0"):
        method.check_labels({})
    build(parsing=0).check_labels({})


def test_a_crop_of_the_boxs_own_size_is_exact_and_others_are_resized():
    image = torch.rand(2, 3, 16, 24, requires_grad=True)
    boxes = torch.tensor([[4.0, 3.0, 12.0, 9.0], [16.0, 10.0, 24.0, 16.0]])
    cut = gfc.crop(image, boxes, (6, 8))
    torch.testing.assert_close(cut, torch.stack([image[0, :, 3:9, 4:12], image[1, :, 10:16, 16:24]]))
    (gradient,) = torch.autograd.grad(cut[0].sum(), image)
    assert gradient[0, :, 3:9, 4:12].mean().item() == pytest.approx(1, abs=1e-4) and not gradient[1].any()
    larger = gfc.crop(image, boxes, (12, 16))
    resized = F.interpolate(image[:1, :, 3:9, 4:12], scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(larger[:1, :, 1:-1, 1:-1], resized[:, :, 1:-1, 1:-1])  # its rim sees its neighbours


def test_the_local_discriminator_sees_squares_at_their_size():
    sizes = {"block:12": (12, 12), "center:8": (8, 8), "pattern:0.25": (16, 16), "noise:0.8": (16, 16)}
    sizes |= {"block:4-12": (16, 16), "block:12|center:8": (16, 16)}
    for masks, size in sizes.items():
        method, seen = build(masks), []
        method.local.register_forward_pre_hook(lambda module, arguments, seen=seen: seen.append(arguments[0].shape[2:]))
        method.local_turn(batch_for(method))
        assert seen == [size, size]


def test_networks_are_the_papers_at_128_pixels():
    with torch.device("meta"):  # no memory, no numbers
        method = build("block:64", ImageShape(3, 128, 128), width=32, parsing=0)
    generator = method.generator
    encoder = [[layer.out_channels for layer in stage if isinstance(layer, nn.Conv2d)] for stage in generator.encoder]
    assert encoder == [[32, 32], [64, 64], [128, 128], [256] * 4]  # two new layers, then VGG-19's first eight
    decoder = [[layer.out_channels for layer in stage if isinstance(layer, nn.Conv2d)] for stage in generator.decoder]
    assert decoder == [[256, 256, 256, 128], [128, 64], [64, 32], [32, 32]]
    assert generator.compress[0].in_features == 256 * 8 * 8 and generator.compress[0].out_features == 4096
    assert [block[0].out_channels for block in method.local.layers] == [64, 128, 256, 512]
    assert [block[0].out_channels for block in method.whole.layers] == [32, 64, 128, 256, 512]


def test_unpooling_puts_values_back_where_they_were():
    x = torch.rand(2, 3, 8, 8)
    pooled, places = F.max_pool2d(x, 2, return_indices=True)
    back = gfc.unpool_to_switches(pooled, places)
    assert torch.equal(back[back > 0], x[back > 0]) and (back > 0).sum() == pooled.numel()
    assert torch.equal(F.avg_pool2d(gfc.unpool_to_nearest(pooled, places), 2), pooled)


def test_samples_differ_by_the_holes_noise_and_batches_do_not():
    method = build().eval()
    nn.init.normal_(method.generator.to_image.weight)
    batch = batch_for(method)

    def complete(part):
        draws = torch.Generator().manual_seed(3)
        return method.complete(batch.observed[part], batch.mask[part], samples=2, generator=draws)

    together, alone = complete(slice(None)), complete(slice(1, 2))
    torch.testing.assert_close(together[1:2], alone)
    assert not torch.equal(together[:, 0], together[:, 1])
    assert torch.equal(*(method.complete(batch.observed, batch.mask) for _ in range(2)))  # without a generator too


def test_missing_pixels_never_reach_the_generator():
    method = build()
    batch = batch_for(method)
    poisoned = Batch(torch.where(batch.mask > 0, batch.image, float("nan")), batch.mask)
    outputs = []
    for each in (batch, poisoned):
        torch.manual_seed(4)
        outputs.append(method.output(each))
    torch.testing.assert_close(*outputs)


def test_the_whole_output_is_bounded_as_pixels_are():
    method = build().eval()
    nn.init.normal_(method.generator.to_image.weight, std=50.0)
    batch = batch_for(method)
    whole = method.complete(batch.observed, batch.mask, whole=True)
    assert whole.abs().max() == 1 and method.complete(batch.observed, batch.mask).abs().max() <= 1


def test_sizes_that_cannot_be_halved_are_refused():
    with pytest.raises(InputError, match=r"multiples of 16.*28×28"):
        build(shape=ImageShape(1, 28, 28), parsing=0)


def test_features_are_the_latent():
    features = build().eval().features(torch.zeros(2, *SHAPE), torch.ones(2, 1, 32, 32))
    assert features.shape == (2, 512)  # 4096 · 4 / 32
