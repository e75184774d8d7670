"""The Missing Data Encoder's equations against closed forms, each from both sides."""

import math

import pytest
import torch
from torch import nn

from inpaint_cli.augmentation import Geometric
from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.losses import discriminator_loss, generator_loss, masked_squared_error
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods import mde
from inpaint_cli.methods.mde import MDE, MaskSeeker, Settings
from inpaint_cli.networks import unets

SHAPE = ImageShape(3, 32, 32)


def build(masks="rec:0.3", shape=SHAPE, **settings) -> MDE:
    torch.manual_seed(0)
    return MDE(Settings(**{"width": 4, "perceptual": 0, **settings}), shape, parse_masks(masks))


def batch_for(method: MDE, count=4) -> Batch:
    generator = torch.Generator().manual_seed(1)

    def draw():
        return method.masks.draw(count, method.shape, generator=generator)

    return Batch(torch.rand(count, *method.shape, generator=generator) * 2 - 1, draw(), {}, draw)


def logit(probability: float) -> torch.Tensor:
    return torch.full((5, 1), math.log(probability / (1 - probability)))


def test_eq_1_discriminator():
    expected = -math.log(0.8) - math.log(1 - 0.3)
    assert discriminator_loss(logit(0.8), logit(0.3)).item() == pytest.approx(expected, rel=1e-5)
    assert discriminator_loss(logit(0.3), logit(0.8)) > discriminator_loss(logit(0.8), logit(0.3))


def test_eq_2_generator():
    assert generator_loss(logit(0.3)).item() == pytest.approx(-math.log(0.3), rel=1e-5)
    assert generator_loss(logit(0.9)) < generator_loss(logit(0.3))


def test_eq_3_and_4_share_out_the_squared_error():
    image, completed = torch.zeros(1, 1, 2, 2), torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    mask = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    assert mde.completion_error(completed, image, mask).item() == pytest.approx((4 + 9 + 16) / 4)
    assert mde.reconstruction_error(completed, image, mask).item() == pytest.approx(1 / 4)
    whole = masked_squared_error(completed, image, torch.ones_like(mask))
    parts = mde.completion_error(completed, image, mask) + mde.reconstruction_error(completed, image, mask)
    assert parts.item() == pytest.approx(whole.item())


def test_images_are_mirrored_where_asked():
    assert build(flip=0.5).augmentation == (Geometric(flip=0.5),) and build().augmentation == ()


def test_eq_5_weighs_the_five_blocks():
    zeros, ones = [torch.zeros(2, 3)] * 5, [torch.ones(2, 3)] * 5
    assert mde.perceptual_error(zeros, zeros) == 0
    assert mde.perceptual_error(ones, zeros).item() == pytest.approx(1)
    first_only = [torch.full((2, 3), 2.0), *zeros[1:]]
    assert mde.perceptual_error(first_only, zeros).item() == pytest.approx(4 * 1 / 1.9375)


def test_eq_6_is_least_at_the_true_mask_only_with_both_halves():
    mask = torch.tensor([[1.0, 0.0, 0.0, 1.0]])
    right, everywhere = (mask * 2 - 1) * 9, torch.full_like(mask, 9.0)
    full, printed = mde.CROSS_ENTROPY["full"], mde.CROSS_ENTROPY["printed"]
    assert mde.seek(right, mask, full) < 1e-3 < mde.seek(everywhere, mask, full)
    assert mde.seek(everywhere, mask, printed) <= mde.seek(right, mask, printed)  # why "full" is the default
    expected = nn.functional.binary_cross_entropy_with_logits(right * 0.1, mask)
    assert full(right * 0.1, mask).item() == pytest.approx(expected.item(), rel=1e-5)
    half = -(mask * torch.log(torch.sigmoid(right * 0.1))).mean()
    assert printed(right * 0.1, mask).item() == pytest.approx(half.item(), rel=1e-5)


def test_eq_7_pushes_away_and_eq_8_pulls_to_the_decoy():
    mask, decoy = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    found, fooled = (mask * 2 - 1) * 3, (decoy * 2 - 1) * 3
    full = mde.CROSS_ENTROPY["full"]
    for hide in (mde.hide_by_pushing_away, mde.hide_by_decoy):
        assert hide(fooled, mask, decoy, full) < hide(found, mask, decoy, full)
    assert mde.hide_by_pushing_away(found, mask, decoy, full).item() == pytest.approx(
        -mde.seek(found, mask, full).item()
    )
    other = torch.tensor([[1.0, 1.0]])
    assert mde.hide_by_pushing_away(found, mask, other, full) == mde.hide_by_pushing_away(found, mask, decoy, full)
    assert mde.hide_by_decoy(found, mask, other, full) != mde.hide_by_decoy(found, mask, decoy, full)


def test_coordinates_of_known_rectangles():
    mask = torch.zeros(1, 2, 8, 16)
    mask[0, 0, 2:6, 4:12] = 1
    mask[0, 1, 0:8, 15:16] = 1
    expected = torch.tensor([[[4 / 16, 2 / 8, 8 / 16, 4 / 8], [15 / 16, 0, 1 / 16, 1]]])
    torch.testing.assert_close(mde.known_rectangle(mask), expected)
    assert mde.seek_coordinates(expected, mask, None) == 0
    assert mde.hide_coordinates(expected, mask, torch.ones_like(mask), None) > 0


def test_the_generator_is_figure_4_and_has_more_layers_than_the_lighter_mask_seeker():
    method = build(shape=ImageShape(3, 96, 96))
    kinds = nn.Conv2d | nn.ConvTranspose2d | nn.Linear
    layers = {n: sum(isinstance(m, kinds) for m in getattr(method, n).modules()) for n in ("generator", "mask_seeker")}
    assert isinstance(method.generator, unets.VGGLikeGenerator)
    assert layers["mask_seeker"] == 13 < layers["generator"] == 2 * (5 + 5 + 1) + 1


@pytest.mark.parametrize("generator", ["vgg", "strided"])
def test_the_discriminator_is_like_the_generators_encoder(generator):
    """ "Very similar to the encoder part", with leaky ReLU and pooling for the fully connected layer."""
    method = build(generator=generator, depth=2)

    def kernels(*parts):
        return [m.weight.shape for part in parts for m in part.modules() if isinstance(m, nn.Conv2d)]

    own = method.generator
    pairs = () if generator == "strided" else zip(own.blocks, own.down, strict=True)
    encoder = [layers for pair in pairs for layers in pair] or [own.encoder]
    assert kernels(method.discriminator) == kernels(*encoder)
    assert not any(isinstance(m, nn.ReLU) for m in method.discriminator.modules())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (96, 96), (64, 128), (128, 128)])
def test_shapes_follow_the_data(channels, height, width):
    shape = ImageShape(channels, height, width)
    image = torch.rand(2, *shape)
    for generator in mde.GENERATORS.values():
        completed = generator(shape, 2)(image)
        assert completed.shape == image.shape and (completed >= 0).all() and (completed <= 1).all()
    seeker = MaskSeeker(shape, 2)
    assert seeker(image).shape == image.shape
    layers = [m for m in seeker.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(layers) == 13 or min(height, width) < 64  # 6 + 6 + 1, as the paper counts


def test_sizes_that_cannot_be_halved_are_refused():
    with pytest.raises(InputError, match=r"multiples of 32.*28×28"):
        build(shape=ImageShape(1, 28, 28), masks="extrapolate:0.25")


def test_hide_and_seek_needs_masks_that_vary():
    with pytest.raises(UsageError, match="hide_and_seek=none"):
        build(masks="inpaint:0.25")
    with pytest.raises(UsageError, match="rectangles"):
        build(masks="noise:0.5", hide_and_seek="coord")
    assert "mask_seeker" not in build(masks="inpaint:0.25", hide_and_seek="none").players


PAPERS_MASKS = ["inpaint:0.25", "reverse:0.25", "colorize:1", "colorize:2", "extrapolate:0.25", "rec:0.1"]


@pytest.mark.parametrize("masks", PAPERS_MASKS)
def test_every_training_mask_of_the_paper_trains(masks):
    game = "alt" if parse_masks(masks).varies else "none"
    method = build(masks=masks, hide_and_seek=game)
    for turn in method.turns():
        assert all(torch.isfinite(term) for term in turn.loss(batch_for(method)).values())


@pytest.mark.parametrize("game", ["none", "rec", "alt", "coord"])
@pytest.mark.parametrize("cross_entropy", ["full", "printed"])
def test_every_game_reaches_its_players(game, cross_entropy):
    method = build(hide_and_seek=game, cross_entropy=cross_entropy)
    names = [turn.player for turn in method.turns()]
    assert names == ["discriminator", *(["mask_seeker"] if game != "none" else []), "generator"]
    batch = batch_for(method)
    for turn in method.turns():
        parameters = method.players[turn.player].parameters()
        gradients = torch.autograd.grad(sum(turn.loss(batch).values()), parameters, retain_graph=True)
        assert all(torch.isfinite(gradient).all() and gradient.abs().sum() > 0 for gradient in gradients)


def test_weights_of_the_terms_are_the_settings():
    base = build(adversarial=1e-2, hide_and_seek_weight=0.1)
    heavy = build(completion=3.0, adversarial=0.5, hide_and_seek_weight=2.0)
    heavy.load_state_dict(base.state_dict())
    one, other = (method.generator_turn(batch_for(method)) for method in (base, heavy))
    assert (other["completion"] / one["completion"]).item() == pytest.approx(3, rel=1e-4)
    assert (other["adversarial"] / one["adversarial"]).item() == pytest.approx(50, rel=1e-4)
    assert (other["hide"] / one["hide"]).item() == pytest.approx(2 / 0.1, rel=1e-3)


def test_no_term_rules_over_the_completion_at_first():
    """Gradient norms at the output, with untrained players; the printed weight of the game rules."""

    def norms(**weights):
        method = build("rec:0.1", ImageShape(3, 64, 64), **weights)
        batch = batch_for(method, 8)
        fake = method.fake(batch).detach().requires_grad_()
        batch.shared["fake"] = fake
        return {name: torch.autograd.grad(t, fake, retain_graph=True)[0].norm().item() for name, t in
                method.generator_turn(batch).items()}  # fmt: skip

    own, printed = norms(), norms(adversarial=1e-2, hide_and_seek_weight=10)
    assert all(0.005 < own[name] / own["completion"] < 0.5 for name in ("adversarial", "hide"))
    assert printed["hide"] > 10 * printed["completion"]
    assert printed["hide"] / own["hide"] == pytest.approx(1000, rel=1e-3)


def test_a_blend_follows_known_pixels_of_the_output_only_where_they_are_learned():
    assert build().learns_rim and not build(reconstruction=0).learns_rim


def test_no_adversarial_weight_means_no_discriminator():
    assert "discriminator" not in build(adversarial=0).players


@pytest.mark.parametrize("masks", ["center:16", "rec:0.3"])
def test_a_judge_of_the_hole_looks_at_nothing_else_that_is_generated(masks):
    method = build(masks, judges="hole", hide_and_seek="none", adversarial=1.0)
    batch = batch_for(method)
    outputs = torch.rand(2, 4, *SHAPE, generator=torch.Generator().manual_seed(2)).requires_grad_()
    first, other = outputs
    same_hole = torch.where(batch.mask > 0, other, first)
    logits, weights = method.judged(first, batch)
    torch.testing.assert_close(method.judged(same_hole, batch), (logits, weights))
    assert not torch.allclose(method.judged(other, batch)[0], logits)
    assert weights.mean().item() == pytest.approx(1 - batch.mask.mean().item(), rel=1e-5)
    batch.shared["fake"] = first
    (gradient,) = torch.autograd.grad(method.generator_turn(batch)["adversarial"], outputs)
    hole = (batch.mask == 0).expand_as(first)
    assert gradient[0][hole].abs().sum() > 0 and not gradient[0][~hole].any()


def test_patches_count_by_the_share_of_them_that_is_hidden_where_it_is_judged():
    settings = {"shape": ImageShape(3, 64, 64), "hide_and_seek": "none"}
    hole, place = (build("block:16", judges=judges, **settings) for judges in ("hole", "center:32"))
    batch = batch_for(hole, 1)
    batch.mask[:] = 1
    batch.mask[..., 8:32, 0:32] = 0  # of patches of 16: half of two, the whole of two
    image = mde.to_unit(batch.image)
    expected = torch.zeros(1, 1, 4, 4)
    expected[..., 0, :2], expected[..., 1, :2] = 0.5, 1
    torch.testing.assert_close(hole.judged(image, batch)[1], expected)
    in_the_middle = torch.zeros(1, 1, 4, 4)
    in_the_middle[..., 1, 1] = 1
    torch.testing.assert_close(place.judged(image, batch)[1], in_the_middle)


def test_a_hole_outside_of_the_judged_place_is_left_to_the_other_losses():
    method = build("block:4", judges="center:8", hide_and_seek="none")
    batch = batch_for(method)
    batch.mask[:] = 1
    batch.mask[..., :8, :8] = 0
    assert method.generator_turn(batch)["adversarial"] == 0 == method.discriminator_turn(batch)["discriminator"]


@pytest.mark.parametrize("judges", ["face:any", "colorize:1", "block:8", "file:eyes.png"])
def test_a_judged_place_is_one_and_the_same(judges):
    with pytest.raises(UsageError, match=f"judges={judges} is no place that is the same in each image, as face:both"):
        build(judges=judges)


def test_a_judged_place_is_named_as_masks_are_and_fits():
    with pytest.raises(UsageError, match=r"judges=holes is neither output, hole nor a place: no masks 'holes'[^\n]*$"):
        build(judges="holes", adversarial=0)
    with pytest.raises(UsageError, match="64×64 pixels leaves nothing known of 32×32"):
        build(judges="center:64")


def test_a_judge_of_the_hole_knows_where_it_is():
    method = build("center:16", judges="hole", hide_and_seek="none", adversarial=1.0)
    batch = batch_for(method)
    elsewhere = Batch(batch.image, torch.roll(batch.mask, 4, dims=3))
    image = mde.to_unit(batch.image)
    assert not torch.allclose(method.judged(image, batch)[0], method.judged(image, elsewhere)[0])


def test_perceptual_loss_uses_the_helper_and_not_the_checkpoint():
    method = build(perceptual=2e-5)
    assert method.needed_helpers() == ("vgg16",) and build().needed_helpers() == ()
    method.helpers["vgg16"] = lambda image: [image] * 5
    terms = method.generator_turn(batch_for(method))
    assert terms["perceptual"] > 0
    assert not any("vgg" in name for name in method.state_dict())


def test_missing_pixels_never_reach_the_generator():
    method = build().eval()
    batch = batch_for(method)
    poisoned = Batch(torch.where(batch.mask > 0, batch.image, float("nan")), batch.mask)
    torch.testing.assert_close(method.fake(batch), method.fake(poisoned))
    assert torch.equal(
        method.masked(batch.observed, batch.mask)[batch.mask == 0], torch.zeros(int((batch.mask == 0).sum()))
    )


def test_samples_differ_and_the_first_sees_everything():
    method = build("rec:0.5").eval()
    method.generator.to_image.weight.data.mul_(50)
    observed, mask = torch.rand(2, *SHAPE), torch.ones(2, 1, 32, 32)
    mask[..., 8:20, 8:20] = 0
    completed = method.complete(observed * mask, mask, samples=3, generator=torch.Generator().manual_seed(0))
    assert completed.shape == (2, 3, *SHAPE)
    assert torch.equal(completed[:, :1], method.complete(observed * mask, mask))
    assert not torch.equal(completed[:, 1], completed[:, 2]) and not torch.equal(completed[:, 0], completed[:, 1])
    drawn = method.complete(observed * mask, mask, samples=3)  # without a generator too
    assert not torch.equal(drawn[:, 1], drawn[:, 2])
    known = mask.expand(2, 3, 32, 32) > 0
    for sample in completed.unbind(1):
        assert torch.equal(sample[known], observed[known])


def test_further_samples_see_at_least_half_of_what_is_known():
    rectangle = torch.zeros(1, 1, 8, 8)
    rectangle[..., :4, :4] = 1
    known = torch.ones(1, 1, 8, 8)
    assert torch.equal(mde.larger_part(known, rectangle), 1 - rectangle)  # a quarter is hidden
    within = torch.zeros(1, 3, 8, 8)
    within[:, 0, :4, :3] = within[:, 1, 2:7, 2:4] = 1  # of 12 + 10 known values 12 + 4 lie in the rectangle
    assert torch.equal(mde.larger_part(within, rectangle), within * rectangle)
    batch = mde.larger_part(torch.cat([known.expand(1, 3, 8, 8), within]), rectangle.expand(2, 1, 8, 8))
    assert torch.equal(batch, torch.cat([(1 - rectangle).expand(1, 3, 8, 8), within * rectangle]))


@pytest.mark.parametrize("masks", ["rec:0.1", "block:8"])
def test_what_further_samples_see_depends_on_the_setting_and_not_on_the_masks_of_training(masks):
    method = build(masks, hidden=0.5)
    seen = []
    method.generator.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    image, mask = torch.ones(8, *SHAPE), torch.ones(8, 1, 32, 32)
    mask[..., :8] = 0
    method.complete(image * mask, mask, samples=3)
    shares = torch.stack([(x > 0).float().mean(dim=(1, 2, 3)) for x in seen])
    assert (shares[0] == 0.75).all() and (shares[1:] >= 0.375).all() and (shares[1:] < 0.75).all()


def test_features_are_the_large_layer():
    method = build().eval()
    features = method.features(torch.zeros(2, *SHAPE), torch.ones(2, 1, 32, 32))
    assert features.shape == (2, 250)  # 4000 · 4 / 64
